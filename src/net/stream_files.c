/*
 * A transport in front of the bare descriptor, whose functions do all but the two calls that a file
 * comes or goes with.
 */

#include "net/stream_files.h"

#include "net/sys.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

struct passing {
	const struct stream_ops *ops;	/* the bare descriptor's */
	struct stream_dropper *dropper; /* or NULL */
	int in;				/* -1: none */
	int out;			/* -1: none */
};

/* As many as the kernel lets travel at once (SCM_MAX_FD): what has no room it would close itself,
 * while it reads. */
enum { PASSING_MAX = 253 };

union arrivals {
	struct cmsghdr head;
	uint8_t room[CMSG_SPACE(PASSING_MAX * sizeof(int))];
};

/* Room for one descriptor, aligned as it must be. */
union rights {
	struct cmsghdr head;
	uint8_t room[CMSG_SPACE(sizeof(int))];
};

static void passing_drop_in(struct passing *p)
{
	if (p->in >= 0 && p->dropper)
		p->dropper->drop(p->dropper, p->in);
	else if (p->in >= 0)
		sys_close(p->in);
	p->in = -1;
}

/* This one is of our own choice. */
static void passing_drop_out(struct passing *p)
{
	if (p->out >= 0)
		sys_close(p->out);
	p->out = -1;
}

static void passing_keep(struct passing *p, struct msghdr *msg)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(msg);

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return;
	size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	for (size_t i = 0; i < count; i++) {
		passing_drop_in(p);
		memcpy(&p->in, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
	}
}

/* A short read need not be the last: it ends where a file comes with what follows. */
static ssize_t passing_read(struct stream *s, void *to, size_t len)
{
	struct passing *p = s->transport;
	union arrivals arrivals;
	struct iovec iov = {to, len};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &arrivals,
		.msg_controllen = CMSG_LEN(PASSING_MAX * sizeof(int)),
	};

	if (p->dropper && p->dropper->full)
		msg.msg_controllen = 0;
	ssize_t n = sys_recvmsg(s->source.fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n >= 0)
		passing_keep(p, &msg);
	return n;
}

static ssize_t passing_write_with(
	struct stream *s, struct passing *p, const struct iovec *iov, int count)
{
	union rights rights = {0};
	struct msghdr msg = {
		.msg_iov = (struct iovec *)iov,
		.msg_iovlen = (size_t)count,
		.msg_control = &rights,
		.msg_controllen = sizeof(rights),
	};

	rights.head = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(sizeof(int)),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
	};
	memcpy(CMSG_DATA(&rights.head), &p->out, sizeof(p->out));
	ssize_t n = sys_sendmsg(s->source.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n != -EAGAIN)
		passing_drop_out(p);
	return n;
}

static ssize_t passing_write(struct stream *s, const struct iovec *iov, int count)
{
	struct passing *p = s->transport;

	return p->out >= 0 ? passing_write_with(s, p, iov, count) : p->ops->write(s, iov, count);
}

static ssize_t passing_send_file(struct stream *s, int fd, uint64_t at, size_t len)
{
	const struct passing *p = s->transport;

	return p->ops->send_file(s, fd, at, len);
}

static int passing_shutdown(struct stream *s)
{
	const struct passing *p = s->transport;

	return p->ops->shutdown(s);
}

static void passing_close(struct stream *s)
{
	struct passing *p = s->transport;

	passing_drop_in(p);
	passing_drop_out(p);
	s->ops = p->ops;
	s->transport = NULL;
	free(p);
	s->ops->close(s);
}

static const struct stream_ops passing_ops = {
	.read = passing_read,
	.write = passing_write,
	.send_file = passing_send_file,
	.shutdown = passing_shutdown,
	.close = passing_close,
};

int stream_pass_files(struct stream *s, struct stream_dropper *dropper)
{
	int family = 0;

	if (!s->is_socket || s->packets || s->transport ||
		sys_getsockopt_int(s->source.fd, SOL_SOCKET, SO_DOMAIN, &family) < 0 ||
		family != AF_UNIX)
		return -EOPNOTSUPP;
	struct passing *p = malloc(sizeof(*p));
	if (!p)
		return -ENOMEM;
	*p = (struct passing){.ops = s->ops, .dropper = dropper, .in = -1, .out = -1};
	s->ops = &passing_ops;
	s->transport = p;
	return 0;
}

static struct passing *passing_of(const struct stream *s)
{
	return s->ops == &passing_ops ? s->transport : NULL;
}

int stream_take_file(struct stream *s)
{
	struct passing *p = passing_of(s);

	if (!p)
		return -1;
	int fd = p->in;
	p->in = -1;
	return fd;
}

void stream_drop_file(struct stream *s)
{
	struct passing *p = passing_of(s);

	if (p)
		passing_drop_in(p);
}

int stream_give_file(struct stream *s, int fd)
{
	struct passing *p = passing_of(s);

	if (!p)
		return -EOPNOTSUPP;
	if (stream_is_blocked(s) || p->out >= 0)
		return -EAGAIN;
	p->out = fd;
	return 0;
}

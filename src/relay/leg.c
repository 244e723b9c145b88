#include "relay/leg.h"

#include "base/cleanup.h"
#include "net/child.h"
#include "net/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/epoll.h>

/* ---- readiness ---- */

static void leg_flush(struct leg *l);

static void leg_on_ready(struct source *source, uint32_t events)
{
	struct leg *l = container_of(source, struct leg, source);

	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		l->readable = true;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		l->hung_up = true;
	if (l->sink.fd < 0 && events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		l->writable = true;
	if (events & EPOLLERR)
		l->broken = true;
	leg_flush(l);
	l->ready(l);
}

static void leg_on_sink_ready(struct source *sink, uint32_t events)
{
	struct leg *l = container_of(sink, struct leg, sink);

	l->writable = true;
	leg_flush(l);
	l->ready(l);
}

/* ---- life ---- */

/* What kind of socket it is: its peer's address says so; without one the kernel is asked. */
static bool leg_ask_kind(const struct leg *l, int fd, int *family, int *type, int *protocol)
{
	if (l->peer.len) {
		*family = l->peer.addr.ss_family;
		*type = l->peer.type;
		*protocol = l->peer.protocol;
		return true;
	}
	return !sys_getsockopt_int(fd, SOL_SOCKET, SO_TYPE, type) &&
	       !sys_getsockopt_int(fd, SOL_SOCKET, SO_DOMAIN, family) &&
	       !sys_getsockopt_int(fd, SOL_SOCKET, SO_PROTOCOL, protocol);
}

/* SCTP is a byte stream that gives what was sent with one call at a time. */
static void leg_find_kind(struct leg *l, int fd)
{
	int family = 0;
	int type = 0;
	int protocol = 0;

	l->is_socket = leg_ask_kind(l, fd, &family, &type, &protocol);
	l->packets = type == SOCK_SEQPACKET || type == SOCK_DGRAM;
	l->datagrams = type == SOCK_DGRAM;
	if (!l->is_socket || l->packets)
		return;
	l->drains = protocol != IPPROTO_SCTP;
	l->splices_in = l->splices_out = family == AF_UNIX || protocol == IPPROTO_TCP;
}

/* A Unix socket of datagrams is only answered when it has an address: the kernel picks one
 * (unix(7), autobind). */
static void leg_bind(const struct leg *l)
{
	static const struct sockaddr any = {.sa_family = AF_UNIX};

	if (l->datagrams && l->peer.addr.ss_family == AF_UNIX)
		sys_bind(l->source.fd, &any, sizeof(any.sa_family));
}

int leg_init(struct leg *l, struct loop *loop, struct channel *c, void (*ready)(struct leg *l))
{
	int in = take_fd(&c->in);
	int out = take_fd(&c->out);

	*l = LEG_NULL;
	l->loop = loop;
	l->ready = ready;
	l->child = take(c->child);
	l->peer = c->peer;
	memcpy(l->name, c->name, sizeof(l->name));
	leg_find_kind(l, in);
	int r = source_add(loop, &l->source, in, leg_on_ready);
	if (!r && out != in)
		r = source_add(loop, &l->sink, out, leg_on_sink_ready);
	if (r < 0) {
		if (l->source.fd < 0)
			sys_close(in);
		if (out != in)
			sys_close(out);
		leg_deinit(l, true);
		return r;
	}
	leg_bind(l);
	return 0;
}

void leg_init_sender(
	struct leg *l, struct loop *loop, int shared, const struct endpoint *peer, const char *name)
{
	*l = LEG_NULL;
	l->loop = loop;
	l->shared = shared;
	l->peer = *peer;
	l->is_socket = true;
	l->packets = true;
	l->datagrams = true;
	l->writable = true;
	snprintf(l->name, sizeof(l->name), "%s", name);
}

static void leg_close_source(struct leg *l, struct source *s)
{
	int fd = s->fd;

	if (fd < 0)
		return;
	source_remove(l->loop, s);
	sys_close(fd);
}

void leg_deinit(struct leg *l, bool reset)
{
	static const struct linger at_once = {.l_onoff = 1};

	if (reset && l->drains && l->source.fd >= 0)
		sys_setsockopt(l->source.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	l->tls = tls_free(l->tls);
	leg_close_source(l, &l->source);
	leg_close_source(l, &l->sink);
	l->child = child_free(l->child);
	l->shared = -1;
}

/* ---- bytes ---- */

/* ERROR of a call, noted; what would block is no error. */
static ssize_t leg_note(struct leg *l, ssize_t error)
{
	if (error != -EAGAIN && !l->error)
		l->error = (int)error;
	return error;
}

static ssize_t leg_receive(struct leg *l, void *to, size_t len)
{
	int flags = MSG_DONTWAIT | (l->packets ? MSG_TRUNC : 0);

	ssize_t n = l->is_socket ? sys_recv(l->source.fd, to, len, flags)
				 : sys_read(l->source.fd, to, len);
	if (n == -EAGAIN)
		l->readable = false;
	if (n < 0)
		return leg_note(l, n);
	if ((size_t)n > len)
		return leg_note(l, -EMSGSIZE);
	/* A block that is not full was the last: epoll(7), question 9. */
	if (n && (size_t)n < len && l->drains && !l->hung_up)
		l->readable = false;
	return n;
}

static ssize_t leg_send(struct leg *l, const void *data, size_t len)
{
	int flags = MSG_DONTWAIT | MSG_NOSIGNAL;

	if (l->shared >= 0)
		return sys_sendto(l->shared, data, len, flags,
			(const struct sockaddr *)&l->peer.addr, l->peer.len);
	if (l->is_socket)
		return sys_send(l->source.fd, data, len, flags);
	int fd = l->sink.fd >= 0 ? l->sink.fd : l->source.fd;
	return fd < 0 ? -EPIPE : sys_write(fd, data, len);
}

static ssize_t leg_send_on(struct leg *l, const void *data, size_t len)
{
	ssize_t n = leg_send(l, data, len);

	if (n == -EAGAIN)
		l->writable = false;
	return n < 0 ? leg_note(l, n) : n;
}

/* ---- TLS ---- */

static ssize_t below_read(void *arg, void *to, size_t len)
{
	struct leg *l = arg;

	return l->readable ? leg_receive(l, to, len) : -EAGAIN;
}

/* What a relay has to send is always one piece. */
static ssize_t below_write(void *arg, const struct iovec *iov, int count)
{
	struct leg *l = arg;

	return l->writable && count ? leg_send_on(l, iov->iov_base, iov->iov_len) : -EAGAIN;
}

static int below_take_keys(void *arg, const struct tls_crypto_info *keys)
{
	const struct leg *l = arg;

	return l->sink.fd >= 0 ? -EOPNOTSUPP : tls_kernel_take(l->source.fd, keys);
}

static ssize_t below_send_record(void *arg, uint8_t type, const void *data, size_t len)
{
	struct leg *l = arg;

	ssize_t n = l->writable ? tls_kernel_send(l->source.fd, type, data, len) : -EAGAIN;
	if (n == -EAGAIN)
		l->writable = false;
	return n < 0 ? leg_note(l, n) : n;
}

static const struct tls_below leg_below = {
	below_read, below_write, below_take_keys, below_send_record};

int leg_start_tls(struct leg *l, struct tls_context *context, const struct tls_setup *setup)
{
	if (l->packets)
		return -EPROTONOSUPPORT;
	l->splices_in = l->splices_out = false;
	l->readable = true; /* the handshake begins with a read */
	l->writable = true;
	return tls_new(&l->tls, context, setup, &leg_below, l, BYTES_NULL);
}

int leg_shake_hands(struct leg *l, struct fault *why)
{
	int r = tls_shake_hands(l->tls);

	tls_flush(l->tls);
	l->splices_out = tls_is_in_kernel(l->tls);
	l->readable |= tls_has_more(l->tls);
	if (r < 0 && r != -EAGAIN)
		*why = *tls_fault(l->tls);
	return r;
}

/* What TLS holds goes first, and then the end that waits for it. */
static void leg_flush(struct leg *l)
{
	if (!l->tls || !l->writable)
		return;
	int n = tls_flush(l->tls);
	if (n < 0 && n != -EAGAIN)
		leg_note(l, n);
	if (l->ending && n != -EAGAIN)
		leg_end(l);
}

static ssize_t leg_read_tls(struct leg *l, void *to, size_t len)
{
	ssize_t n = tls_read(l->tls, to, len);

	tls_flush(l->tls); /* an error is found by who writes next */
	if (n == -EAGAIN)
		l->readable = false;
	else if (n < 0)
		leg_note(l, n);
	else
		l->readable |= tls_has_more(l->tls);
	return n;
}

static ssize_t leg_write_tls(struct leg *l, const void *data, size_t len)
{
	struct iovec iov = {(void *)data, len};

	ssize_t n = tls_write(l->tls, &iov, 1);
	int r = tls_flush(l->tls);
	if (n >= 0 && r < 0 && r != -EAGAIN)
		n = r;
	return n < 0 && n != -EAGAIN ? leg_note(l, n) : n;
}

/* ---- whichever is spoken ---- */

ssize_t leg_read(struct leg *l, void *to, size_t len)
{
	return l->tls ? leg_read_tls(l, to, len) : leg_receive(l, to, len);
}

ssize_t leg_write(struct leg *l, const void *data, size_t len)
{
	return l->tls ? leg_write_tls(l, data, len) : leg_send_on(l, data, len);
}

enum { LEG_SPLICE = SPLICE_F_MOVE | SPLICE_F_NONBLOCK };

ssize_t leg_splice_in(struct leg *l, int pipe, size_t len)
{
	ssize_t n = sys_splice(l->source.fd, NULL, pipe, NULL, len, LEG_SPLICE);

	if (n == -EAGAIN)
		l->readable = false;
	return n < 0 ? leg_note(l, n) : n;
}

ssize_t leg_splice_out(struct leg *l, int pipe, size_t len)
{
	ssize_t n = sys_splice(pipe, NULL, l->source.fd, NULL, len, LEG_SPLICE);

	if (n == -EAGAIN)
		l->writable = false;
	return n < 0 ? leg_note(l, n) : n;
}

/* ---- ends ---- */

void leg_end(struct leg *l)
{
	if (l->datagrams)
		return;
	l->ending = l->tls && tls_end(l->tls) == -EAGAIN;
	if (l->ending)
		return;
	if (l->is_socket)
		sys_shutdown(l->source.fd, SHUT_WR);
	else
		leg_close_source(l, &l->sink);
}

int leg_take_error(struct leg *l)
{
	int error = 0;

	if (l->is_socket && l->source.fd >= 0 &&
		!sys_getsockopt_int(l->source.fd, SOL_SOCKET, SO_ERROR, &error) && error)
		leg_note(l, -error);
	return l->error;
}

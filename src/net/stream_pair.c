/*
 * A stream over two descriptors, one for each direction: standard input and output, or two pipes.
 */

#include "net/stream.h"

#include "net/sys.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

struct pair {
	struct source out;
	struct stream *stream;
	int fd; /* -1 once our direction has ended */
};

static ssize_t pair_read(struct stream *s, void *to, size_t len)
{
	return sys_read(s->source.fd, to, len);
}

static ssize_t pair_write(struct stream *s, const struct iovec *iov, int count)
{
	struct pair *p = s->transport;

	return p->fd < 0 ? -EPIPE : sys_writev(p->fd, iov, count);
}

static int pair_shutdown(struct stream *s)
{
	struct pair *p = s->transport;

	if (p->fd < 0)
		return 0;
	source_remove(s->loop, &p->out);
	int fd = p->fd;
	p->fd = -1;
	return sys_close(fd);
}

static void pair_close(struct stream *s)
{
	sys_close(s->source.fd);
	pair_shutdown(s);
	free(s->transport);
	s->transport = NULL;
}

static const struct stream_ops pair_ops = {
	.read = pair_read,
	.write = pair_write,
	.shutdown = pair_shutdown,
	.close = pair_close,
};

static void pair_ready(struct source *out, uint32_t events)
{
	struct pair *p = container_of(out, struct pair, out);

	stream_has_room(p->stream);
}

int stream_init_pair(
	struct stream *s, struct loop *l, int in, int out, const struct stream_handler *handler)
{
	struct pair *p = calloc(1, sizeof(*p));
	int r = p ? source_add(l, &p->out, out, pair_ready) : -ENOMEM;

	if (r < 0) {
		free(p);
		sys_close(in);
		sys_close(out);
		return r;
	}
	p->stream = s;
	p->fd = out;
	r = stream_init(s, l, in, handler);
	if (r < 0) {
		source_remove(l, &p->out);
		sys_close(out);
		free(p);
		return r;
	}
	s->ops = &pair_ops;
	s->transport = p;
	s->is_socket = false;
	return 0;
}

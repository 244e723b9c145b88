#include "net/stream.h"

#include "net/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A block is large enough to make many small messages one batch, and small enough to stay in the
 * processor's cache until it was passed on. A packet gets all of the scratch memory. */
enum { STREAM_BLOCK = 128 * 1024, STREAM_PACKETS_A_TURN = 64, STREAM_PORTION = 64 * 1024 };

/* ---- the bare descriptor ---- */

static ssize_t bare_read(struct stream *s, void *to, size_t len)
{
	if (!s->is_socket)
		return sys_read(s->source.fd, to, len);
	ssize_t n = sys_recv(s->source.fd, to, len, MSG_DONTWAIT | (s->packets ? MSG_TRUNC : 0));
	/* A block that is not full was the last: epoll(7), question 9. */
	if (n > 0 && (size_t)n < len && !s->packets && !s->portions && !s->hung_up)
		s->unread = false;
	return n;
}

/* SCTP takes what one call has for it whole or not at all, and at most what its send buffer holds.
 */
static ssize_t bare_write_portions(struct stream *s, const struct iovec *iov, int count)
{
	ssize_t sent = 0;

	for (int i = 0; i < count; i++) {
		for (size_t at = 0; at < iov[i].iov_len;) {
			size_t left = iov[i].iov_len - at;
			ssize_t n = sys_send(s->source.fd, (char *)iov[i].iov_base + at,
				left < STREAM_PORTION ? left : STREAM_PORTION,
				MSG_DONTWAIT | MSG_NOSIGNAL);
			if (n < 0)
				return sent ? sent : n;
			at += (size_t)n;
			sent += n;
		}
	}
	return sent;
}

static ssize_t bare_write(struct stream *s, const struct iovec *iov, int count)
{
	if (!s->is_socket)
		return sys_writev(s->source.fd, iov, count);
	if (s->portions)
		return bare_write_portions(s, iov, count);
	struct msghdr msg = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)count};
	return sys_sendmsg(s->source.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static ssize_t bare_send_file(struct stream *s, int fd, uint64_t at, size_t len)
{
	off_t from = (off_t)at;

	if (!s->files)
		return -EINVAL;
	return sys_sendfile(s->source.fd, fd, &from, len);
}

static int bare_shutdown(struct stream *s)
{
	return s->is_socket ? sys_shutdown(s->source.fd, SHUT_WR) : 0;
}

static void bare_close(struct stream *s)
{
	sys_close(s->source.fd);
}

static const struct stream_ops bare_ops = {
	.read = bare_read,
	.write = bare_write,
	.send_file = bare_send_file,
	.shutdown = bare_shutdown,
	.close = bare_close,
};

/* ---- in ---- */

static void stream_fail(struct stream *s, int error)
{
	if (s->failed || !stream_is_open(s))
		return;
	s->failed = true;
	s->unread = false;
	s->handler->failed(s, error);
}

/* There is no error after all. */
static void stream_mend(struct stream *s)
{
	s->broken = false;
	stream_has_room(s);
}

static void stream_read_once(struct stream *s)
{
	uint8_t *scratch = s->loop->scratch;
	size_t room = s->packets ? LOOP_SCRATCH_SIZE : STREAM_BLOCK;

	ssize_t n = s->ops->read(s, scratch, room);
	if (n == -EAGAIN) {
		s->unread = false;
		if (s->broken)
			stream_mend(s);
	} else if (n < 0) {
		stream_fail(s, (int)n);
	} else if (n == 0 && !s->datagrams) {
		s->unread = false;
		s->ended_in = true;
		s->handler->ended(s);
	} else if ((size_t)n > room) {
		stream_fail(s, -EMSGSIZE);
	} else {
		s->handler->received(s, bytes_of(scratch, (size_t)n));
	}
}

static bool stream_wants_to_read(const struct stream *s)
{
	return stream_is_open(s) && s->unread && !s->paused && !s->ended_in && !s->failed;
}

static void stream_read(struct stream *s)
{
	int budget = s->packets ? STREAM_PACKETS_A_TURN : 1;

	while (budget-- && stream_wants_to_read(s))
		stream_read_once(s);
	if (stream_wants_to_read(s))
		source_again(s->loop, &s->source, 0);
}

void stream_pause(struct stream *s)
{
	s->paused = true;
}

void stream_wait(struct stream *s)
{
	s->paused = s->patient = true;
}

void stream_resume(struct stream *s)
{
	s->paused = s->patient = false;
	if (stream_wants_to_read(s))
		source_again(s->loop, &s->source, 0);
}

/* ---- out ---- */

/* One packet after the other waits in the queue as its length and its bytes; a byte stream waits as
 * it is. */
static int stream_enqueue(struct stream *s, const struct iovec *iov, int count, size_t skip)
{
	size_t len = 0;
	uint8_t *to;

	for (int i = 0; i < count; i++)
		len += iov[i].iov_len;
	uint32_t packet = (uint32_t)len;
	size_t head = s->packets ? sizeof(packet) : 0;
	len -= skip;
	/* What was begun must be taken whole; the limit holds for what was not. */
	if (!skip && buffer_len(&s->queue) + len > s->limit)
		return -ENOBUFS;
	int r = buffer_reserve(&s->queue, head + len, &to);
	if (r < 0)
		return r;
	memcpy(to, &packet, head);
	to += head;
	for (int i = 0; i < count; i++) {
		if (skip >= iov[i].iov_len) {
			skip -= iov[i].iov_len;
			continue;
		}
		memcpy(to, (uint8_t *)iov[i].iov_base + skip, iov[i].iov_len - skip);
		to += iov[i].iov_len - skip;
		skip = 0;
	}
	buffer_commit(&s->queue, head + len);
	return 0;
}

/* Our direction ends, unless the transport has something to send before. */
static int stream_finish(struct stream *s)
{
	if (!s->ending || s->ended_out || buffer_len(&s->queue))
		return 0;
	int r = s->ops->shutdown(s);
	if (r == -EAGAIN) {
		s->blocked = true;
		return 0;
	}
	s->ended_out = true;
	return r;
}

static int stream_flush(struct stream *s)
{
	if (s->owing) {
		ssize_t n = s->ops->write(s, NULL, 0);
		if (n < 0)
			return n == -EAGAIN ? 0 : (int)n;
	}
	while (buffer_len(&s->queue)) {
		struct bytes left = buffer_bytes(&s->queue);
		uint32_t head = 0;
		if (s->packets) {
			uint32_t packet;
			memcpy(&packet, left.data, sizeof(packet));
			head = sizeof(packet);
			left = bytes_of(left.data + head, packet);
		}
		struct iovec iov = {(void *)left.data, left.len};
		ssize_t n = s->ops->write(s, &iov, 1);
		if (n == -EAGAIN) {
			s->blocked = true;
			return 0;
		}
		if (n < 0)
			return (int)n;
		buffer_consume(&s->queue, head + (size_t)n);
	}
	buffer_deinit(&s->queue);
	return stream_finish(s);
}

void stream_has_room(struct stream *s)
{
	if (!s->blocked && !s->owing)
		return;
	s->blocked = false;
	int r = stream_flush(s);
	if (r < 0)
		stream_fail(s, r);
	else if (stream_is_open(s) && !stream_is_blocked(s) && !s->failed)
		s->handler->writable(s);
}

int stream_writev(struct stream *s, const struct iovec *iov, int count)
{
	ssize_t n = 0;

	if (!stream_is_open(s) || s->ending || s->failed)
		return -EPIPE;
	if (!stream_is_blocked(s)) {
		n = s->ops->write(s, iov, count);
		if (n < 0 && n != -EAGAIN)
			return (int)n;
		if (n < 0) {
			s->blocked = true;
			n = 0;
		} else if (s->packets) {
			return 0;
		}
	}
	size_t len = 0;
	for (int i = 0; i < count; i++)
		len += iov[i].iov_len;
	if ((size_t)n == len)
		return 0;
	s->blocked = true;
	return stream_enqueue(s, iov, count, (size_t)n);
}

int stream_write(struct stream *s, const void *data, size_t len)
{
	struct iovec iov = {(void *)data, len};

	return stream_writev(s, &iov, 1);
}

static ssize_t stream_offer_packets(struct stream *s, const struct iovec *iov, int count)
{
	ssize_t sent = 0;

	for (int i = 0; i < count; i++) {
		ssize_t n = s->ops->write(s, &iov[i], 1);
		if (n == -EAGAIN) {
			s->blocked = true;
			break;
		}
		if (n < 0)
			return sent ? sent : n;
		sent += n;
	}
	return sent;
}

ssize_t stream_offer(struct stream *s, const struct iovec *iov, int count)
{
	if (!stream_is_open(s) || s->ending || s->failed)
		return -EPIPE;
	if (stream_is_blocked(s))
		return 0;
	if (s->packets)
		return stream_offer_packets(s, iov, count);
	ssize_t n = s->ops->write(s, iov, count);
	if (n == -EAGAIN) {
		s->blocked = true;
		return 0;
	}
	if (n < 0)
		return n;
	size_t len = 0;
	for (int i = 0; i < count; i++)
		len += iov[i].iov_len;
	s->blocked = (size_t)n < len;
	return n;
}

/* Through the scratch memory. */
static ssize_t stream_copy_file(struct stream *s, int fd, uint64_t at, size_t len)
{
	size_t room = len < STREAM_BLOCK ? len : STREAM_BLOCK;

	ssize_t n = pread(fd, s->loop->scratch, room, (off_t)at);
	if (n <= 0)
		return n < 0 ? -errno : 0;
	struct iovec iov = {s->loop->scratch, (size_t)n};
	return s->ops->write(s, &iov, 1);
}

ssize_t stream_offer_file(struct stream *s, int fd, uint64_t at, size_t len)
{
	ssize_t n = -EINVAL;

	if (!stream_is_open(s) || s->ending || s->failed)
		return -EPIPE;
	if (stream_is_blocked(s))
		return 0;
	if (s->ops->send_file)
		n = s->ops->send_file(s, fd, at, len);
	if (n == -EINVAL || n == -ENOSYS) /* not from such a file, or not to such a stream */
		n = stream_copy_file(s, fd, at, len);
	if (n == -EAGAIN) {
		s->blocked = true;
		return 0;
	}
	return n ? n : -ENODATA;
}

void stream_yield(struct stream *s)
{
	if (!stream_is_open(s) || s->blocked)
		return;
	s->blocked = true;
	source_again(s->loop, &s->source, EPOLLOUT);
}

void stream_end(struct stream *s)
{
	if (!stream_is_open(s) || s->ending)
		return;
	s->ending = true;
	stream_finish(s); /* a peer that is gone already is told by `failed` */
}

int stream_fault(const struct stream *s, int error, const char *what, struct fault *why)
{
	const struct fault *known = s->ops && s->ops->fault ? s->ops->fault(s) : NULL;

	if (!known)
		return fault_errno(why, error, "%s", what);
	return fault_set(why, known->error, "%s: %s", what, known->text);
}

size_t stream_queued(const struct stream *s)
{
	return buffer_len(&s->queue);
}

/* ---- life ---- */

static int stream_take_error(const struct stream *s)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(s->source.fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return -errno;
	return -error;
}

static bool stream_has_unread(const struct stream *s)
{
	int len = 0;

	return ioctl(s->source.fd, FIONREAD, &len) == 0 && len > 0;
}

/* Whoever reads finds the error by itself, after what came before it. Nobody else would. */
static void stream_break(struct stream *s)
{
	if (!s->ended_in && (!s->paused || (s->patient && stream_has_unread(s))))
		return;
	int error = stream_take_error(s);
	if (error < 0)
		stream_fail(s, error);
	else
		stream_mend(s);
}

static void stream_ready(struct source *source, uint32_t events)
{
	struct stream *s = container_of(source, struct stream, source);

	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		s->unread = true;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		s->hung_up = true;
	if ((events & EPOLLERR) && s->is_socket)
		s->broken = true;
	/* A write would find the error before the rest is read. */
	if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) && !s->broken)
		stream_has_room(s);
	if (stream_is_open(s))
		stream_read(s);
	if (stream_is_open(s) && s->broken)
		stream_break(s);
}

static void stream_find_kind(struct stream *s, int fd)
{
	int type = 0;
	int protocol = 0;
	socklen_t len = sizeof(type);

	s->is_socket = getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
	s->packets = type == SOCK_SEQPACKET || type == SOCK_DGRAM;
	s->datagrams = type == SOCK_DGRAM;
	if (type != SOCK_STREAM)
		return;
	len = sizeof(protocol);
	getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len);
	s->portions = protocol == IPPROTO_SCTP;
	s->files = !s->portions && (fcntl(fd, F_GETFL) & O_NONBLOCK);
}

int stream_init(struct stream *s, struct loop *l, int fd, const struct stream_handler *handler)
{
	*s = (struct stream){
		.loop = l,
		.handler = handler,
		.ops = &bare_ops,
		.limit = STREAM_LIMIT_DEFAULT,
	};
	stream_find_kind(s, fd);
	int r = source_add(l, &s->source, fd, stream_ready);
	if (r < 0)
		sys_close(fd);
	return r;
}

void stream_deinit(struct stream *s)
{
	if (!stream_is_open(s))
		return;
	int fd = s->source.fd;
	source_remove(s->loop, &s->source);
	s->source.fd = fd;
	s->ops->close(s);
	s->source.fd = -1;
	buffer_deinit(&s->queue);
}

/*
 * The transport that was there before stays below: its functions are called with its own state in
 * the stream, as if nothing stood above it.
 *
 * What is written in a turn goes out when it ends: a ticket, an answer and the end behind it are
 * one call, and one packet.
 */

#include "net/tls_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

struct tls_transport {
	struct tls *tls;
	struct stream *stream;
	const struct stream_ops *ops; /* below */
	void *transport;	      /* below */
	struct ending turn;	      /* writes what was gathered in it */
	bool told;		      /* who writes was told that it is established */
};

/* ---- below ---- */

static ssize_t below_read(void *arg, void *to, size_t len)
{
	struct tls_transport *t = arg;
	struct stream *s = t->stream;

	if (!s->unread)
		return -EAGAIN;
	s->transport = t->transport;
	ssize_t n = t->ops->read(s, to, len);
	s->transport = t;
	if (n == -EAGAIN)
		s->unread = false;
	return n;
}

static ssize_t below_write(void *arg, const struct iovec *iov, int count)
{
	struct tls_transport *t = arg;
	struct stream *s = t->stream;

	s->transport = t->transport;
	ssize_t n = t->ops->write(s, iov, count);
	s->transport = t;
	return n;
}

static int below_take_keys(void *arg, const struct tls_crypto_info *keys)
{
	const struct tls_transport *t = arg;

	/* What stands between us and the socket would not be asked any more. */
	return t->transport ? -EOPNOTSUPP : tls_kernel_take(t->stream->source.fd, keys);
}

static ssize_t below_send_record(void *arg, uint8_t type, const void *data, size_t len)
{
	const struct tls_transport *t = arg;

	return tls_kernel_send(t->stream->source.fd, type, data, len);
}

static const struct tls_below tls_below = {
	below_read, below_write, below_take_keys, below_send_record};

/* ---- the transport ---- */

/* Owing is also who cannot take anything before the handshake is done. That it is, is told by
 * `writable`, in a later turn: nobody expects it from within a read. */
static void transport_settle(struct tls_transport *t)
{
	struct stream *s = t->stream;
	bool established = tls_is_established(t->tls);

	s->owing = tls_owes(t->tls) || !established;
	ending_ask(s->loop, &t->turn);
	if (!established || t->told)
		return;
	t->told = true;
	s->blocked = true;
	source_again(s->loop, &s->source, EPOLLOUT);
}

/* An error is found by who is told next that there is room. */
static void transport_on_turn_end(struct ending *turn)
{
	struct tls_transport *t = container_of(turn, struct tls_transport, turn);
	struct stream *s = t->stream;

	if (tls_owes(t->tls))
		return;
	int r = tls_flush(t->tls);
	s->owing |= tls_owes(t->tls);
	if (r < 0 && r != -EAGAIN)
		source_again(s->loop, &s->source, EPOLLOUT);
}

static ssize_t transport_read(struct stream *s, void *to, size_t len)
{
	struct tls_transport *t = s->transport;

	ssize_t n = tls_read(t->tls, to, len);
	transport_settle(t);
	if (n > 0 && tls_has_more(t->tls))
		s->unread = true;
	return n;
}

static ssize_t transport_write(struct stream *s, const struct iovec *iov, int count)
{
	struct tls_transport *t = s->transport;

	ssize_t n = count ? tls_write(t->tls, iov, count) : tls_flush(t->tls);
	transport_settle(t);
	return n;
}

/* By the kernel if that encrypts; else it is read and written. */
static ssize_t transport_send_file(struct stream *s, int fd, uint64_t at, size_t len)
{
	struct tls_transport *t = s->transport;

	if (!tls_is_in_kernel(t->tls))
		return -EINVAL;
	int r = tls_flush(t->tls);
	if (r < 0)
		return r;
	s->transport = t->transport;
	ssize_t n = t->ops->send_file(s, fd, at, len);
	s->transport = t;
	return n;
}

static int transport_shutdown(struct stream *s)
{
	struct tls_transport *t = s->transport;

	int r = tls_end(t->tls);
	transport_settle(t);
	if (r < 0)
		return r;
	s->transport = t->transport;
	r = t->ops->shutdown(s);
	s->transport = t;
	return r;
}

/* A close is as orderly as that of a bare descriptor: an end, unless something was left unsent. */
static void transport_close(struct stream *s)
{
	struct tls_transport *t = s->transport;

	if (stream_is_blocked(s) || s->failed)
		tls_flush(t->tls);
	else
		tls_end(t->tls);
	ending_cancel(&t->turn);
	s->ops = t->ops;
	s->transport = t->transport;
	tls_free(t->tls);
	free(t);
	s->ops->close(s);
}

static const struct fault *transport_fault(const struct stream *s)
{
	const struct tls_transport *t = s->transport;

	return tls_fault(t->tls);
}

static const struct stream_ops tls_ops = {
	.read = transport_read,
	.write = transport_write,
	.send_file = transport_send_file,
	.shutdown = transport_shutdown,
	.close = transport_close,
	.fault = transport_fault,
};

int tls_stream_start(struct stream *s, struct tls_context *context, const struct tls_setup *setup,
	struct bytes already)
{
	if (s->packets)
		return -EPROTONOSUPPORT;
	struct tls_transport *t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	int r = tls_new(&t->tls, context, setup, &tls_below, t, already);
	if (r < 0) {
		free(t);
		return r;
	}
	ending_init(&t->turn, transport_on_turn_end);
	t->stream = s;
	t->ops = s->ops;
	t->transport = s->transport;
	s->ops = &tls_ops;
	s->transport = t;
	s->owing = true;
	s->unread = true; /* the handshake begins with a read */
	source_again(s->loop, &s->source, 0);
	return 0;
}

const struct tls *tls_stream_session(const struct stream *s)
{
	const struct tls_transport *t = s->transport;

	return s->ops == &tls_ops ? t->tls : NULL;
}

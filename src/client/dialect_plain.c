/*
 * The plain dialect: a message is a line, a packet on a packet socket. There is nothing to greet
 * with and nothing is answered, so a message counts as stored once the system has taken it, and
 * goodbye is the end of our direction: a peer that ends too has read everything.
 */

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/secret.h"
#include "client/dialect.h"
#include "net/sys.h"

#include <errno.h>

enum {
	PLAIN_REST_MS = 20,	  /* a line's end may be left out: DESIGN section 4 */
	PLAIN_LINE_MAX = 1 << 20, /* longer ones come in pieces */
	PLAIN_BATCH = 128,	  /* lines a write */
};

static struct stream *plain_stream(struct session *s)
{
	return &s->link.stream;
}

static void plain_deliver(struct session *s, struct bytes line)
{
	struct message m = {
		.time_ms = clock_real_ms(),
		.topic = bytes_text(s->topic),
		.body = line,
	};

	session_deliver(s, &m);
}

/* Who it is, to a hub that wants to know; in one write, as a packet would be. */
static int plain_login(struct session *s)
{
	cleanup(secret_forget) struct buffer line = BUFFER_NULL;

	if (!s->link.token || plain_stream(s)->datagrams)
		return 0;
	int r = buffer_print(&line, "login %s\n", s->link.token);
	struct bytes text = buffer_bytes(&line);
	return r < 0 ? r : stream_write(plain_stream(s), text.data, text.len);
}

static void plain_start(struct session *s)
{
	int r = plain_login(s);

	if (r < 0) {
		session_broke(s, r, "cannot say who we are: %s", strerror(-r));
		return;
	}
	session_opened(s);
	if (s->announce && session_is_connected(s) && !plain_stream(s)->packets)
		stream_write(plain_stream(s), "\n", 1);
}

/* ---- in ---- */

static size_t plain_packet_received(struct session *s, struct bytes packet)
{
	size_t taken = packet.len;

	if (packet.len && packet.data[packet.len - 1] == '\n')
		packet.len--;
	if (packet.len && packet.data[packet.len - 1] == '\r')
		packet.len--;
	plain_deliver(s, packet);
	return taken;
}

static size_t plain_received(struct session *s, struct bytes data)
{
	struct plain *plain = &s->as.plain;
	struct bytes left = data, line;
	struct fault why;
	int r = PLAIN_LINE;

	if (plain_stream(s)->packets)
		return plain_packet_received(s, data);
	while (session_is_connected(s) &&
		(r = plain_next(plain, &left, PLAIN_LINE_MAX, &line)) == PLAIN_LINE)
		plain_deliver(s, line);
	if (!session_is_connected(s))
		return data.len;
	if (r < 0) {
		fault_errno(&why, r, "no memory for a line");
		session_over(s, &why);
	} else if (s->state == SESSION_OPEN) {
		link_alarm(&s->link, plain_pending(plain) ? PLAIN_REST_MS : 0);
	}
	return data.len - left.len;
}

static void plain_flush_rest(struct session *s, bool final)
{
	struct bytes line;

	while (session_is_connected(s) &&
		plain_flush(&s->as.plain, final, PLAIN_LINE_MAX, &line) == PLAIN_LINE)
		plain_deliver(s, line);
}

static void plain_rested(struct session *s)
{
	plain_flush_rest(s, false);
}

/* Who only publishes may go on: the peer has nothing to say, but may still read. */
static void plain_ended(struct session *s)
{
	plain_flush_rest(s, true);
	if (session_is_connected(s) && (s->follow || s->state == SESSION_LEAVING))
		session_over(s, &FAULT_NULL);
}

/* ---- out ---- */

static void plain_failed(struct session *s, int error)
{
	struct fault why;

	fault_errno(&why, error, "the other side takes no more");
	session_lost(s, &why);
}

static void plain_pump_packets(struct session *s)
{
	struct bytes body;
	struct fault why;

	while (session_is_connected(s) && !stream_is_blocked(plain_stream(s)) &&
		outbox_next(&s->outbox, &body)) {
		int r = stream_write(plain_stream(s), body.data, body.len);
		if (r < 0 && r != -EMSGSIZE) {
			plain_failed(s, r);
			return;
		}
		if (r < 0)
			fault_set(&why, r, "no packet of this socket holds %zu bytes", body.len);
		session_settle(s, r < 0 ? &why : NULL, 0);
	}
}

/* The next lines of the outbox as one write; the number of lines. */
static int plain_gather(struct session *s, struct iovec iov[2 * PLAIN_BATCH])
{
	struct bytes body;
	int lines = 0;

	while (lines < PLAIN_BATCH && outbox_next(&s->outbox, &body)) {
		iov[2 * lines] = (struct iovec){(void *)body.data, body.len};
		iov[2 * lines + 1] = (struct iovec){"\n", 1};
		lines++;
	}
	return lines;
}

static void plain_pump(struct session *s)
{
	struct iovec iov[2 * PLAIN_BATCH];

	if (plain_stream(s)->packets) {
		plain_pump_packets(s);
		return;
	}
	while (session_is_connected(s) && !stream_is_blocked(plain_stream(s))) {
		int lines = plain_gather(s, iov);
		if (!lines)
			break;
		int r = stream_writev(plain_stream(s), iov, 2 * lines);
		if (r < 0) {
			plain_failed(s, r);
			return;
		}
		while (lines-- && session_is_connected(s))
			session_settle(s, NULL, 0);
	}
}

/* No one answers a datagram; that no one is there is known at once, if it is this machine. */
static void plain_finish_datagrams(struct session *s)
{
	int error = 0;

	sys_getsockopt_int(plain_stream(s)->source.fd, SOL_SOCKET, SO_ERROR, &error);
	if (error)
		plain_failed(s, -error);
	else
		session_over(s, &FAULT_NULL);
}

static void plain_finish(struct session *s)
{
	struct stream *stream = plain_stream(s);

	if (stream->datagrams) {
		plain_finish_datagrams(s);
		return;
	}
	stream_end(stream);
	if (stream->ended_in) /* before us */
		session_over(s, &FAULT_NULL);
}

static void plain_stop(struct session *s)
{
	plain_deinit(&s->as.plain);
}

const struct dialect dialect_plain = {
	.name = "plain",
	.start = plain_start,
	.received = plain_received,
	.ended = plain_ended,
	.pump = plain_pump,
	.finish = plain_finish,
	.alarmed = plain_rested,
	.stop = plain_stop,
};

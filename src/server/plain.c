#include "server/plain.h"

#include "base/clock.h"
#include "server/formats.h"
#include "server/server.h"
#include "wire/plain.h"

#include <errno.h>
#include <stdio.h>

static struct publish plain_message(
	const struct entrance *e, const char *peer, struct bytes body, uint64_t now)
{
	return (struct publish){
		.message =
			{
				.time_ms = now,
				.topic = e->topic,
				.from = bytes_text(peer),
				.body = body,
			},
	};
}

/* A plain client has no way to be told which message it was; that one is missing it should know. */
static void plain_tell_lost(struct connection *c, int error)
{
	char text[128];

	int len = snprintf(text, sizeof(text), "ferry: not stored: %s\n", strerror(-error));
	connection_write(c, text, (size_t)len);
}

static void plain_publish(struct connection *c, struct bytes body, uint64_t now)
{
	if (!body.len)
		return; /* an empty line only says: I am listening */
	struct publish p = plain_message(c->entrance, c->peer, body, now);
	int r = connection_publish(c, &p);
	if (r < 0)
		plain_tell_lost(c, r);
}

/* Who never ended a line sends a message at a time. Who did is in the midst of one: a sender, or
 * the network, may well pause for longer than 20 ms there, and a message must not be cut for it. */
static void plain_await_rest(struct connection *c)
{
	deadline_set(c->lines ? &c->server->doubt : &c->server->rest, &c->rest);
}

static size_t plain_received(struct connection *c, struct bytes data)
{
	struct plain *plain = &c->state.plain;
	size_t max = c->server->options.max_message;
	uint64_t now = clock_real_ms();
	struct bytes in = data, line;
	int r = PLAIN_MORE;

	while (stream_is_open(&c->stream) &&
		(r = plain_next(plain, &in, max, &line)) == PLAIN_LINE) {
		plain_publish(c, line, now);
		c->lines = true;
	}
	if (!stream_is_open(&c->stream))
		return data.len;
	if (r < 0) {
		connection_close(c);
		return data.len;
	}
	if (plain_pending(plain))
		plain_await_rest(c);
	else
		deadline_clear(&c->rest);
	if (hub_is_full(c->server->hub))
		connection_await_store(c);
	return data.len;
}

static void plain_flush_rest(struct connection *c, bool final)
{
	struct bytes line;

	while (stream_is_open(&c->stream) &&
		plain_flush(&c->state.plain, final, c->server->options.max_message, &line) ==
			PLAIN_LINE)
		plain_publish(c, line, clock_real_ms());
}

static void plain_rested(struct connection *c)
{
	if (c->holding)
		plain_await_rest(c); /* it is us who do not read on */
	else
		plain_flush_rest(c, false);
}

static void plain_ended(struct connection *c)
{
	plain_flush_rest(c, true);
	connection_leave(c);
}

static void plain_lost(struct connection *c)
{
	plain_flush_rest(c, true);
}

static void plain_closed(struct connection *c)
{
	plain_deinit(&c->state.plain);
}

static const struct protocol plain_protocol = {
	.name = "plain",
	.received = plain_received,
	.rested = plain_rested,
	.ended = plain_ended,
	.lost = plain_lost,
	.closed = plain_closed,
};

/* ---- packets ---- */

static struct bytes plain_without_line_end(struct bytes packet)
{
	if (packet.len && packet.data[packet.len - 1] == '\n')
		packet.len--;
	if (packet.len && packet.data[packet.len - 1] == '\r')
		packet.len--;
	return packet;
}

static size_t plain_packet_received(struct connection *c, struct bytes packet)
{
	plain_publish(c, plain_without_line_end(packet), clock_real_ms());
	if (stream_is_open(&c->stream) && hub_is_full(c->server->hub))
		connection_await_store(c);
	return packet.len;
}

static const struct protocol plain_packet_protocol = {
	.name = "plain",
	.received = plain_packet_received,
	.ended = connection_leave,
};

void plain_datagram(struct server *s, const struct entrance *e, const char *peer, struct bytes data)
{
	struct bytes body = plain_without_line_end(data);

	if (!body.len)
		return;
	struct publish p = plain_message(e, peer, body, clock_real_ms());
	if (body.len > s->options.max_message)
		s->counters.unpublished++;
	else
		server_publish(s, &p);
}

static const char plain_full[] = "ferry: the hub has as many clients as it may; try again later\n";

void plain_open(struct connection *c)
{
	connection_speak(c, c->stream.packets ? &plain_packet_protocol : &plain_protocol);
	if (!c->stream.packets)
		c->state.plain = PLAIN_NULL;
	if (c->refused) {
		connection_write(c, plain_full, sizeof(plain_full) - 1);
		connection_leave(c);
		return;
	}
	if (connection_subscribe(c, c->entrance->topic, &format_plain, SINCE_NONE) < 0)
		connection_close(c);
}

#include "server/plain.h"

#include "base/clock.h"
#include "server/formats.h"
#include "server/login.h"
#include "server/server.h"
#include "server/topics.h"
#include "wire/plain.h"

#include <errno.h>
#include <stdio.h>

static struct publish plain_message(
	const struct entrance *e, struct bytes from, struct bytes body, uint64_t now)
{
	return (struct publish){
		.message =
			{
				.time_ms = now,
				.topic = e->topic,
				.from = from,
				.body = body,
			},
	};
}

/* A plain client has no way to be told which message it was; that one is missing it should know. */
static void plain_tell_lost(struct connection *c, int error)
{
	char text[128];

	int len = snprintf(text, sizeof(text), "ferry: not stored: %s\n", store_error(error));
	connection_write(c, text, (size_t)len);
}

/* ---- who it is ---- */

/* Says why, and that is all. */
static void plain_dismiss(struct connection *c, const char *why)
{
	char text[LOGIN_WHY_SIZE + 16];

	int len = snprintf(text, sizeof(text), "ferry: %s\n", why);
	connection_write(c, text, (size_t)len);
	connection_leave(c);
}

static void plain_deny(struct connection *c, enum access_right right)
{
	char why[LOGIN_WHY_SIZE];

	login_why(c, right, c->entrance->topic, why);
	plain_dismiss(c, login_wants_token(c) ? "a token is needed: the first line has to be "
						"`login TOKEN`"
					      : why);
}

/* Where those who come at this address begin. */
static struct since plain_since(const struct connection *c)
{
	const char *text = c->entrance->listener.address.options[ADDRESS_SINCE];
	struct since since = SINCE_NONE;

	if (text)
		topics_since(bytes_text(text), clock_real_ms(), &since);
	return since;
}

/* Sends C the messages if it may read them. One who may do nothing has a first line to log in. */
static void plain_begin(struct connection *c)
{
	struct bytes topic = c->entrance->topic;
	bool reads = login_sees(c, ACCESS_READ, topic);

	if (!reads)
		cursor_deinit(&c->cursor);
	else if (!c->cursor.tape &&
		 connection_subscribe(c, topic, &format_plain, plain_since(c)) < 0)
		connection_close(c);
	if (reads || login_sees(c, ACCESS_WRITE, topic))
		return;
	if ((c->named || !login_takes_tokens(c)) && !access_check(c, ACCESS_READ, topic))
		plain_deny(c, ACCESS_READ);
}

/* Whether LINE is no message: a login, right or wrong. */
static bool plain_is_login(struct connection *c, struct bytes line)
{
	enum login login = login_line(c, line);

	if (login == LOGIN_WRONG)
		plain_dismiss(c, "the token is none of this hub's");
	else if (login == LOGIN_DONE)
		plain_begin(c);
	return login != LOGIN_NONE;
}

/* ---- lines ---- */

static void plain_publish(struct connection *c, struct bytes body, uint64_t now)
{
	if (!body.len)
		return; /* an empty line only says: I am listening */
	if (!c->named) {
		c->named = true;
		if (plain_is_login(c, body))
			return;
	}
	struct bytes name = login_name(c);
	struct publish p =
		plain_message(c->entrance, name.data ? name : bytes_text(c->peer), body, now);
	int r = connection_publish(c, &p);
	if (r == -EACCES)
		plain_deny(c, ACCESS_WRITE);
	else if (r < 0)
		plain_tell_lost(c, r);
}

/* Who may not write has nothing to say but a login, which is a line. */
static bool plain_is_mute(const struct connection *c)
{
	return !login_sees(c, ACCESS_WRITE, c->entrance->topic);
}

/* Who never ended a line sends a message at a time. Who did is in the midst of one: a sender, or
 * the network, may well pause for longer than 20 ms there, and a message must not be cut for it. */
static void plain_await_rest(struct connection *c)
{
	bool patient = c->lines || plain_is_mute(c);

	deadline_set(patient ? &c->server->doubt : &c->server->rest, &c->rest);
}

static size_t plain_line_max(const struct connection *c)
{
	size_t max = c->server->options.max_message;

	return plain_is_mute(c) && max > LOGIN_LINE_MAX ? LOGIN_LINE_MAX : max;
}

static size_t plain_received(struct connection *c, struct bytes data)
{
	struct plain *plain = &c->state.plain;
	uint64_t now = clock_real_ms();
	struct bytes in = data, line;
	int r = PLAIN_MORE;

	while (stream_is_open(&c->stream) && !c->leaving &&
		(r = plain_next(plain, &in, plain_line_max(c), &line)) == PLAIN_LINE) {
		plain_publish(c, line, now);
		c->lines = true;
	}
	if (!stream_is_open(&c->stream) || c->leaving)
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

	while (stream_is_open(&c->stream) && !c->leaving &&
		plain_flush(&c->state.plain, final, plain_line_max(c), &line) == PLAIN_LINE)
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

/* Who sends without a connection is told nothing, whatever becomes of it. */
void plain_datagram(struct server *s, const struct entrance *e, const struct packet *packet)
{
	struct bytes body = plain_without_line_end(packet->data);
	const struct identity *who = admission_of_process(s, &packet->process);

	if (!body.len)
		return;
	if (!admission_allows(s, &packet->from) ||
		!access_may(&s->access, who, ACCESS_WRITE, e->topic)) {
		s->counters.denied++;
		return;
	}
	struct publish p = plain_message(
		e, bytes_text(who->name ? who->name : packet->name), body, clock_real_ms());
	if (body.len > s->options.max_message)
		s->counters.unpublished++;
	else
		server_publish(s, &p);
}

void plain_open(struct connection *c)
{
	connection_speak(c, c->stream.packets ? &plain_packet_protocol : &plain_protocol);
	if (!c->stream.packets)
		c->state.plain = PLAIN_NULL;
	if (c->refused) {
		int status;
		plain_dismiss(c, allowance_refusal(c, &status));
		return;
	}
	if (c->barred)
		plain_dismiss(c, "this hub is not open to your network");
	else
		plain_begin(c);
}

#include "server/websocket.h"

#include "base/clock.h"
#include "server/formats.h"
#include "server/login.h"
#include "server/receipts.h"
#include "server/server.h"
#include "server/topics.h"
#include "wire/handshake.h"
#include "wire/websocket.h"

#include <errno.h>
#include <stdlib.h>

struct session {
	struct websocket wire;
	struct receipts *receipts; /* NULL for a client that wants none */
	bool pinged;		   /* and nothing has come since */
	uint8_t topic_len;
	uint8_t sender_len;
	uint8_t names[]; /* the topic's, the sender's */
};

static struct session *session_of(struct connection *c)
{
	return exchange_of(c)->own;
}

/* ---- in ---- */

/* The close handshake: ours is sent, the client has a while to send its own. */
static void session_close(struct connection *c, uint16_t code, struct bytes reason)
{
	uint8_t frame[WEBSOCKET_CONTROL_MAX];

	connection_write(c, frame, websocket_close(frame, code, reason, NULL));
	c->final = true; /* RFC 6455 section 5.5.1 */
	connection_leave(c);
}

static void session_publish(struct connection *c, struct bytes body)
{
	struct session *s = session_of(c);
	struct publish p = {
		.message =
			{
				.time_ms = clock_real_ms(),
				.topic = bytes_of(s->names, s->topic_len),
				.from = bytes_of(s->names + s->topic_len, s->sender_len),
				.body = body,
			},
	};

	int r = s->receipts ? receipts_publish(s->receipts, &p) : connection_publish(c, &p);
	if (r == -EACCES)
		session_close(
			c, WEBSOCKET_CODE_POLICY, BYTES_LITERAL("you may not write to this topic"));
	else if (r < 0)
		session_close(c, WEBSOCKET_CODE_TRY_LATER, bytes_text(store_error(r)));
}

static void session_handle(struct connection *c, int what, const struct websocket_event *event)
{
	uint8_t frame[WEBSOCKET_CONTROL_MAX];

	switch (what) {
	case WEBSOCKET_MESSAGE:
		session_publish(c, event->payload);
		break;
	case WEBSOCKET_PING:
		connection_write(c, frame,
			websocket_frame(frame, WEBSOCKET_OPCODE_PONG, event->payload, NULL));
		break;
	case WEBSOCKET_PONG:
		break;
	case WEBSOCKET_CLOSE:
		session_close(c, event->code, BYTES_NULL);
		break;
	case WEBSOCKET_FAILED:
		session_close(c, event->code, event->payload);
		break;
	}
}

static size_t session_received(struct connection *c, struct bytes data)
{
	struct session *s = session_of(c);
	struct bytes in = data;
	struct websocket_event event;
	int r = 0;

	/* Not faster than its receipts are read. */
	if (s->receipts && stream_is_blocked(&c->stream)) {
		connection_hold(c);
		return 0;
	}
	s->pinged = false;
	while (stream_is_open(&c->stream) && !c->leaving && !c->holding &&
		(r = websocket_next(&s->wire, &in, c->server->options.max_message, &event)) >
			WEBSOCKET_MORE) {
		session_handle(c, r, &event);
		if (stream_is_open(&c->stream) && hub_is_full(c->server->hub))
			connection_await_store(c);
	}
	if (r < 0)
		connection_close(c);
	return data.len - in.len;
}

static void session_writable(struct connection *c)
{
	connection_release(c);
}

/* ---- life ---- */

/* A client that lets nothing come from a ping to the next beat is gone; unless it is us who do not
 * read on: its pong may stand behind messages that wait for the store, or for its rate. */
static void session_rested(struct connection *c)
{
	struct session *s = session_of(c);
	uint8_t ping[WEBSOCKET_HEAD_MAX];

	if (s->pinged && list_empty(&c->waiting)) {
		connection_close(c);
		return;
	}
	s->pinged = true;
	connection_write(c, ping, websocket_frame(ping, WEBSOCKET_OPCODE_PING, BYTES_NULL, NULL));
	if (stream_is_open(&c->stream))
		deadline_set(&c->server->beat, &c->rest);
}

static void session_stop(struct connection *c)
{
	connection_pump(c);
	session_close(c, WEBSOCKET_CODE_GOING_AWAY, BYTES_LITERAL("the hub stops"));
}

static void session_closed(struct connection *c)
{
	struct session *s = session_of(c);

	receipts_free(s->receipts);
	websocket_deinit(&s->wire);
	exchange_free(exchange_of(c));
}

static const struct protocol websocket_protocol = {
	.name = "websocket",
	.received = session_received,
	.writable = session_writable,
	.rested = session_rested,
	.stop = session_stop,
	.ended = connection_leave,
	.closed = session_closed,
};

static struct session *session_new(struct bytes topic, struct bytes sender)
{
	struct session *s = calloc(1, sizeof(*s) + topic.len + sender.len);

	if (!s)
		return NULL;
	websocket_init(&s->wire, WEBSOCKET_SERVER);
	s->topic_len = (uint8_t)topic.len;
	s->sender_len = (uint8_t)sender.len;
	memcpy(s->names, topic.data, topic.len);
	memcpy(s->names + topic.len, sender.data, sender.len);
	return s;
}

static const struct tape_format *session_format(const struct http_request *r)
{
	uint8_t text[8];
	struct bytes value;

	if (r->query.data && uri_query_get(r->query, "format", text, sizeof(text), &value) == 0 &&
		bytes_equal(value, BYTES_LITERAL("json")))
		return &format_websocket_json;
	return &format_websocket_text;
}

/* False when what is asked for was refused. */
static bool session_wants_receipts(
	struct exchange *x, const struct http_request *r, struct receipts **receipts)
{
	if (session_format(r) != &format_websocket_json)
		return true;
	int e = receipts_new(receipts, x->connection, r);
	if (e == -EINVAL)
		exchange_refuse(x, 400, "client is a token of A-Z a-z 0-9 . _ -, first a number");
	else if (e < 0)
		exchange_refuse(x, 503, "the hub is out of memory; try again later");
	return e == 0;
}

static bool session_shake_hands(struct exchange *x, const struct http_request *r)
{
	char accept[HANDSHAKE_ACCEPT_LEN];

	struct http_refusal refusal = handshake_check(r);
	if (refusal.status == 426) {
		struct http_writer w = exchange_begin(x, 426);
		http_writer_text(&w, "Sec-WebSocket-Version", HANDSHAKE_VERSION);
		http_writer_text(&w, "Upgrade", "websocket");
		exchange_send(x, &w, BYTES_NULL);
		return false;
	}
	if (refusal.status || handshake_accept(handshake_key(r), accept) < 0) {
		exchange_refuse(x, refusal.status ? refusal.status : 500, "%s",
			refusal.status ? refusal.detail : "this hub's OpenSSL has no SHA-1");
		return false;
	}
	struct http_writer w;
	http_writer_response(&w, connection_out(x->connection), 101, BYTES_NULL);
	http_writer_text(&w, "Upgrade", "websocket");
	http_writer_text(&w, "Connection", "Upgrade");
	http_writer_field(&w, "Sec-WebSocket-Accept", bytes_of(accept, sizeof(accept)));
	if (login_offers_protocol(r))
		http_writer_text(&w, "Sec-WebSocket-Protocol", LOGIN_PROTOCOL);
	http_writer_number(
		&w, "Ferry-Last-Id", hub_store_state(x->connection->server->hub)->last_id);
	if (http_writer_end(&w) < 0)
		connection_close(x->connection);
	return true;
}

void websocket_open(
	struct exchange *x, const struct http_request *r, struct bytes topic, struct since since)
{
	struct connection *c = x->connection;
	uint8_t name[SENDER_MAX_LEN];
	struct bytes sender;

	struct receipts *receipts = NULL;
	if (!topics_sender(x, r, name, sizeof(name), &sender) ||
		!session_wants_receipts(x, r, &receipts))
		return;
	if (!session_shake_hands(x, r)) {
		receipts_free(receipts);
		return;
	}
	x->answered = true;
	struct session *s = session_new(topic, sender);
	if (!s || !stream_is_open(&c->stream)) {
		receipts_free(receipts);
		free(s);
		connection_close(c);
		return;
	}
	s->receipts = receipts;
	x->own = s;
	x->handler = NULL;
	connection_speak(c, &websocket_protocol);
	deadline_set(&c->server->beat, &c->rest);
	connection_wrote(c);
	if (connection_subscribe(c, topic, session_format(r), since) < 0)
		session_close(c, WEBSOCKET_CODE_TRY_LATER, BYTES_LITERAL("too many topics"));
}

/*
 * GET /topics/T: messages as they come, as server-sent events, ndjson or text, by what the client
 * accepts; `?since=` begins in the past, `?poll=1` ends when everything so far was sent. The
 * upgrade to WebSocket starts here as well.
 */

#include "base/clock.h"
#include "hub/name.h"
#include "server/formats.h"
#include "server/login.h"
#include "server/server.h"
#include "server/topics.h"
#include "server/websocket.h"
#include "wire/handshake.h"
#include "wire/media.h"
#include "wire/sse.h"

#include <errno.h>

int topics_since(struct bytes text, uint64_t now_ms, struct since *since)
{
	char span[32];
	uint64_t ms;

	if (bytes_equal(text, BYTES_LITERAL("all"))) {
		*since = (struct since){SINCE_ALL, 0};
		return 0;
	}
	if (http_parse_number(text, &ms) == 0) {
		*since = (struct since){SINCE_ID, ms};
		return 0;
	}
	if (!text.len || text.len >= sizeof(span))
		return -EINVAL;
	memcpy(span, text.data, text.len);
	span[text.len] = '\0';
	if (clock_parse_span(span, &ms) < 0)
		return -EINVAL;
	*since = (struct since){SINCE_TIME, ms < now_ms ? now_ms - ms : 0};
	return 0;
}

bool topics_name(struct exchange *x, const struct http_request *r, uint8_t *to, struct bytes *topic)
{
	static const size_t prefix = sizeof("/topics/") - 1;
	struct bytes escaped = bytes_of(r->path.data + prefix, r->path.len - prefix);

	if (uri_path_decode(escaped, to, NAME_MAX_LEN, topic) == 0 && name_valid(*topic))
		return true;
	exchange_refuse(x, 400, "a topic's name is 1 to %d of A-Z a-z 0-9 . _ -", NAME_MAX_LEN);
	return false;
}

bool topics_sender(struct exchange *x, const struct http_request *r, uint8_t *to, size_t cap,
	struct bytes *name)
{
	struct bytes known = login_name(x->connection);
	if (known.len) {
		memcpy(to, known.data, known.len);
		*name = bytes_of(to, known.len);
		return true;
	}
	int e = r->query.data ? uri_query_get(r->query, "name", to, cap, name) : -ENOENT;
	if (e == -ENOENT || (e == 0 && !name->len)) {
		size_t len = strlen(x->connection->peer);
		*name = bytes_of(to, len < cap ? len : cap);
		memcpy(to, x->connection->peer, name->len);
		return true;
	}
	if (e == 0 && access_has_name(&x->connection->server->access, *name)) {
		exchange_refuse(x, 403, "the name is somebody's who proves it");
		return false;
	}
	if (e == 0 && sender_valid(*name))
		return true;
	exchange_refuse(
		x, 400, "a name is up to %zu bytes of UTF-8 without control characters", cap);
	return false;
}

/* `?since=`, or Last-Event-ID, which a browser sends when it comes back and which then counts. */
static bool subscribe_since(struct exchange *x, const struct http_request *r, struct since *since)
{
	uint8_t text[64];
	struct bytes value;

	*since = SINCE_NONE;
	struct bytes last = http_fields_get_only(&r->fields, "Last-Event-ID");
	if (last.len && topics_since(last, 0, since) == 0 && since->kind == SINCE_ID)
		return true;
	int e = r->query.data ? uri_query_get(r->query, "since", text, sizeof(text), &value)
			      : -ENOENT;
	if (e == -ENOENT)
		return true;
	if (e == 0 && topics_since(value, clock_real_ms(), since) == 0)
		return true;
	exchange_refuse(x, 400, "since is an id, `all`, or a time span such as 10m");
	return false;
}

static bool subscribe_polls(const struct http_request *r)
{
	uint8_t text[8];
	struct bytes value;

	return r->query.data && uri_query_get(r->query, "poll", text, sizeof(text), &value) == 0 &&
	       bytes_equal(value, BYTES_LITERAL("1"));
}

static void subscribe_stream(struct exchange *x, const struct format_choice *choice,
	struct bytes topic, struct since since)
{
	struct connection *c = x->connection;

	if (!x->minor)
		x->keep_alive = false; /* only the connection's end can end it */
	struct http_writer w = exchange_begin(x, 200);
	http_writer_text(&w, "Content-Type", choice->type);
	http_writer_text(&w, "Cache-Control", "no-store");
	http_writer_text(&w, "Vary", "Accept");
	http_writer_text(&w, "X-Content-Type-Options", "nosniff");
	if (!exchange_stream(x, &w))
		return;
	int r = connection_subscribe(c, topic, x->minor ? choice->chunked : choice->bare, since);
	if (r < 0)
		connection_close(c);
}

/* The type that the client likes best; text for one that does not say. NULL: it likes none. */
static const struct format_choice *subscribe_choose(const struct http_request *r)
{
	const char *types[FORMAT_CHOICES];

	for (int i = 0; i < FORMAT_CHOICES; i++)
		types[i] = format_choices[i].type;
	size_t best = media_pick(&r->fields, types, FORMAT_CHOICES);
	return best < FORMAT_CHOICES ? &format_choices[best] : NULL;
}

static void subscribe_begin(struct exchange *x, const struct http_request *r)
{
	struct connection *c = x->connection;
	uint8_t name[NAME_MAX_LEN];
	struct bytes topic;
	struct since since;

	if (!topics_name(x, r, name, &topic) || !exchange_may(x, ACCESS_READ, topic) ||
		!subscribe_since(x, r, &since))
		return;
	if (handshake_is_asked(r)) {
		websocket_open(x, r, topic, since);
		return;
	}
	const struct format_choice *choice = subscribe_choose(r);
	if (!choice) {
		exchange_refuse(x, 406,
			"a topic can be had as text/event-stream, application/x-ndjson or "
			"text/plain");
		return;
	}
	c->polls = subscribe_polls(r);
	if (c->polls && since.kind == SINCE_NOW)
		since = (struct since){SINCE_ALL, 0};
	subscribe_stream(x, choice, topic, since);
}

/* All there is has been sent to one who asked for no more. */
static void subscribe_caught_up(struct exchange *x)
{
	x->connection->polls = false;
	cursor_deinit(&x->connection->cursor);
	exchange_end(x);
}

/* A proxy or a browser that hears nothing gives up; a client that is gone is found out. Only an
 * event stream has something to say that is no message. One who was found to read no more has no
 * tape, and nothing else it sent is looked at before its stream ends. */
static void subscribe_beat(struct exchange *x)
{
	static const char chunk[] = "3\r\n" SSE_HEARTBEAT "\r\n";
	const struct tape *tape = x->connection->cursor.tape;

	if (!tape) {
		connection_close(x->connection);
		return;
	}
	const struct tape_format *format = tape->format;
	if (format == format_choices[FORMAT_SSE].chunked)
		connection_write(x->connection, chunk, sizeof(chunk) - 1);
	else if (format == format_choices[FORMAT_SSE].bare)
		connection_write(x->connection, SSE_HEARTBEAT, strlen(SSE_HEARTBEAT));
}

static void subscribe_close(struct exchange *x)
{
	x->connection->polls = false;
	cursor_deinit(&x->connection->cursor);
}

const struct handler topics_subscribe = {
	.begin = subscribe_begin,
	.caught_up = subscribe_caught_up,
	.beat = subscribe_beat,
	.close = subscribe_close,
};

/*
 * The websocket dialect: messages come and go on one connection. The hub sends JSON objects
 * (?format=json); what we send are bodies, counted from the session's first, and each is answered
 * with a receipt under its number. On another connection the count goes on (?first=) under the same
 * client's token, by which the hub knows repeats, and does not send us what is our own.
 *
 * A hub that says nothing for a while is asked for a sign of life, and given up when none comes.
 */

#include "base/cleanup.h"
#include "base/clock.h"
#include "client/dialect.h"
#include "client/request.h"
#include "wire/handshake.h"
#include "wire/json.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

enum {
	WS_MESSAGE_MAX = 256 * 1024 * 1024,
	WS_SILENCE_MS = 20 * 1000, /* until we ask, and from then on until we give up */
	WS_WRITE = 64 * 1024,	   /* about so much is written at a time */
};

static struct dialect_websocket *ws_of(struct session *s)
{
	return &s->as.websocket;
}

static void ws_wrote(struct session *s, int error)
{
	if (error < 0)
		session_broke(s, error, "cannot send to the hub: %s", strerror(-error));
}

/* ---- the greeting ---- */

/* From where on messages are wanted: behind the last one handed out, or as the options say. A time
 * span is counted from the session's start, whenever this connection was made. */
static int ws_query_since(struct session *s, struct buffer *query)
{
	char text[32];
	uint64_t span;

	if (s->has_last_id) {
		snprintf(text, sizeof(text), "%llu", (unsigned long long)s->last_id);
		return request_query(query, "since", text);
	}
	if (!s->since)
		return 0;
	if (!strcmp(s->since, "all") || clock_parse_span(s->since, &span) < 0)
		return request_query(query, "since", s->since);
	span += clock_monotonic_ms() - s->started_ms;
	snprintf(text, sizeof(text), "%llums", (unsigned long long)span);
	return request_query(query, "since", text);
}

static int ws_query(struct session *s, struct buffer *query)
{
	char first[32];

	snprintf(first, sizeof(first), "%llu", (unsigned long long)outbox_next_number(&s->outbox));
	int r = request_query(query, "format", "json");
	if (r == 0 && s->name)
		r = request_query(query, "name", s->name);
	if (r == 0)
		r = ws_query_since(s, query);
	if (r == 0)
		r = request_query(query, "client", s->token);
	return r < 0 ? r : request_query(query, "first", first);
}

static int ws_request(struct session *s, struct buffer *out)
{
	cleanup(buffer_deinit) struct buffer query = BUFFER_NULL;
	struct dialect_websocket *ws = ws_of(s);
	struct http_writer w;
	uint8_t random[16];

	if (getrandom(random, sizeof(random), 0) < 0)
		return -errno;
	handshake_new_key(random, ws->key);
	int r = ws_query(s, &query);
	if (r < 0)
		return r;
	request_begin(&w, out, s, HTTP_GET, buffer_bytes(&query));
	http_writer_text(&w, "Upgrade", "websocket");
	http_writer_text(&w, "Connection", "Upgrade");
	http_writer_field(&w, "Sec-WebSocket-Key", bytes_of(ws->key, sizeof(ws->key)));
	http_writer_text(&w, "Sec-WebSocket-Version", HANDSHAKE_VERSION);
	return http_writer_end(&w);
}

static void ws_start(struct session *s)
{
	cleanup(buffer_deinit) struct buffer out = BUFFER_NULL;

	reply_init(&ws_of(s)->reply, HTTP_GET);
	int r = ws_request(s, &out);
	if (r == 0)
		r = stream_write(&s->link.stream, out.data + out.start, buffer_len(&out));
	ws_wrote(s, r);
}

/* The id of the newest message the hub has. For who wants what comes from now on it is where to go
 * on on another connection. If ours is greater, the hub has begun anew with another store, and what
 * it has is all behind the last message. */
static void ws_note_position(struct session *s, const struct http_response *head)
{
	struct bytes text = http_fields_get_only(&head->fields, "Ferry-Last-Id");
	uint64_t newest;

	if (!text.data || http_parse_number(text, &newest) < 0)
		return;
	if (s->has_last_id && newest < s->last_id) {
		s->last_id = 0;
	} else if (!s->has_last_id && !s->since) {
		s->last_id = newest;
		s->has_last_id = true;
	}
}

static void ws_check_head(struct session *s, const struct http_response *head)
{
	struct dialect_websocket *ws = ws_of(s);
	struct fault why;

	if (head->status != 101)
		return;
	struct bytes key = bytes_of(ws->key, sizeof(ws->key));
	if (handshake_check_answer(head, key, &why) < 0)
		session_over(s, &why);
	else
		ws_note_position(s, head);
}

static void ws_refused(struct session *s)
{
	struct fault why;

	if (reply_explain(&ws_of(s)->reply, &why) == -EAGAIN)
		session_lost(s, &why);
	else
		session_over(s, &why);
}

static size_t ws_greeting_received(struct session *s, struct bytes data)
{
	struct dialect_websocket *ws = ws_of(s);
	struct bytes in = data;
	struct http_response head;
	struct fault why;

	int r = reply_next(&ws->reply, &in, &head);
	if (r == HTTP_ANSWER_HEAD) {
		ws_check_head(s, &head);
		if (!session_is_connected(s))
			return data.len;
		r = reply_next(&ws->reply, &in, &head);
	}
	if (r == HTTP_REFUSED || r < 0) {
		reply_doubt(&why, -EPROTO, "it does not answer as a hub does");
		session_over(s, &why);
	} else if (r == 0 && ws->reply.status != 101) {
		ws_refused(s);
	} else if (r == 0) {
		websocket_init(&ws->frames, WEBSOCKET_CLIENT);
		session_opened(s);
		if (s->state == SESSION_OPEN)
			link_alarm(&s->link, WS_SILENCE_MS);
	}
	return data.len - in.len;
}

/* ---- out ---- */

/* A mask that nobody can guess (RFC 6455 section 5.3). */
static const uint8_t *ws_mask(struct dialect_websocket *ws)
{
	if (ws->masks_left < 4) {
		if (getrandom(ws->masks, sizeof(ws->masks), 0) != sizeof(ws->masks))
			return NULL;
		ws->masks_left = sizeof(ws->masks);
	}
	ws->masks_left -= 4;
	return ws->masks + ws->masks_left;
}

static int ws_append(struct dialect_websocket *ws, struct buffer *out, enum websocket_opcode opcode,
	struct bytes payload)
{
	const uint8_t *mask = ws_mask(ws);
	uint8_t *to;

	if (!mask)
		return -EIO;
	int r = buffer_reserve(out, websocket_frame_size(payload.len, true), &to);
	if (r == 0)
		buffer_commit(out, websocket_frame(to, opcode, payload, mask));
	return r;
}

static int ws_append_body(struct dialect_websocket *ws, struct buffer *out, struct bytes body)
{
	return ws_append(
		ws, out, utf8_valid(body) ? WEBSOCKET_OPCODE_TEXT : WEBSOCKET_OPCODE_BINARY, body);
}

static void ws_write(struct session *s, enum websocket_opcode opcode, struct bytes payload)
{
	cleanup(buffer_deinit) struct buffer out = BUFFER_NULL;

	int r = ws_append(ws_of(s), &out, opcode, payload);
	if (r == 0)
		r = stream_write(&s->link.stream, out.data + out.start, buffer_len(&out));
	ws_wrote(s, r);
}

/* Whether it arrives matters to nobody: the connection ends in any case. */
static void ws_write_close(struct session *s, uint16_t code)
{
	uint8_t frame[WEBSOCKET_CONTROL_MAX];
	const uint8_t *mask = ws_mask(ws_of(s));

	if (ws_of(s)->said_goodbye || !mask)
		return;
	ws_of(s)->said_goodbye = true;
	size_t len = websocket_close(frame, code, BYTES_NULL, mask);
	stream_write(&s->link.stream, frame, len);
}

static bool ws_may_send(const struct session *s)
{
	return !s->careful || !s->outbox.count_sent;
}

static void ws_pump(struct session *s)
{
	cleanup(buffer_deinit) struct buffer out = BUFFER_NULL;
	struct bytes body;
	int r = 0;

	while (r == 0 && !stream_is_blocked(&s->link.stream) && outbox_has_unsent(&s->outbox) &&
		ws_may_send(s)) {
		while (r == 0 && buffer_len(&out) < WS_WRITE && ws_may_send(s) &&
			outbox_next(&s->outbox, &body))
			r = ws_append_body(ws_of(s), &out, body);
		if (r == 0)
			r = stream_write(&s->link.stream, out.data + out.start, buffer_len(&out));
		buffer_consume(&out, buffer_len(&out));
	}
	ws_wrote(s, r);
}

static void ws_finish(struct session *s)
{
	ws_write_close(s, WEBSOCKET_CODE_NORMAL);
}

/* ---- in ---- */

static void ws_failed(struct session *s, uint16_t code, const struct fault *why)
{
	ws_write_close(s, code);
	session_over(s, why);
}

/* Whether a receipt that begins with message FIRST is the next one; what is not stored for sure is
 * never taken for stored. */
static bool ws_is_in_order(struct session *s, uint64_t first)
{
	struct fault why;

	if (first <= s->outbox.settled + 1)
		return true;
	fault_set(&why, -EPROTO, "the hub broke the protocol: a receipt is missing");
	ws_failed(s, WEBSOCKET_CODE_PROTOCOL_ERROR, &why);
	return false;
}

static bool ws_has_unsettled(const struct session *s, uint64_t upto)
{
	return session_is_connected(s) && s->outbox.count_sent && s->outbox.settled < upto;
}

/* COUNT messages, the last is NUMBER with this ID. What was settled before is left out. */
static void ws_settle_stored(struct session *s, uint64_t number, uint64_t id, uint64_t count)
{
	if (!ws_is_in_order(s, number - count + 1))
		return;
	while (ws_has_unsettled(s, number))
		session_settle(s, NULL, id - (number - s->outbox.settled - 1));
	session_ask_pump(s);
}

static void ws_settle_refused(struct session *s, uint64_t number, int status)
{
	struct fault why;

	if (!ws_is_in_order(s, number) || !ws_has_unsettled(s, number))
		return;
	fault_set(&why, reply_error(status), "the hub did not store it: %d %s", status,
		http_reason(status));
	session_settle(s, &why, 0);
	session_ask_pump(s);
}

static void ws_message(struct session *s, struct bytes payload)
{
	cleanup(json_line_deinit) struct json_line line = JSON_LINE_NULL;
	struct fault why;

	switch (json_line_decode(payload, &line, &why)) {
	case JSON_MESSAGE:
		session_deliver(s, &line.message);
		break;
	case JSON_SKIPPED:
		session_skipped(s, line.skipped);
		break;
	case JSON_STORED:
		ws_settle_stored(s, line.number, line.message.id, line.count);
		break;
	case JSON_REFUSED:
		ws_settle_refused(s, line.number, (int)line.status);
		break;
	case JSON_NOTHING:
		break;
	default:
		ws_failed(s, WEBSOCKET_CODE_INVALID_TEXT, &why);
	}
}

/* A message is larger than the hub takes, which ends the connection. Which one it was is known when
 * it was the only one under way. */
static void ws_found_too_big(struct session *s)
{
	struct fault why;

	s->careful = s->outbox.count_sent > 1;
	if (s->outbox.count_sent != 1)
		return;
	fault_set(&why, -EMSGSIZE, "it is larger than the hub takes");
	session_settle(s, &why, 0);
}

/* The hub ends it. */
static void ws_closed(struct session *s, const struct websocket_event *event)
{
	struct fault why;

	if (s->state == SESSION_LEAVING) {
		session_over(s, &FAULT_NULL);
		return;
	}
	ws_write_close(s, event->code);
	fault_set(&why, -ECONNRESET, "the hub has ended the connection%s%.*s",
		event->payload.len ? ": " : "", (int)event->payload.len, event->payload.data);
	if (event->code == WEBSOCKET_CODE_POLICY) {
		session_over(s, &why);
		return;
	}
	if (event->code == WEBSOCKET_CODE_TOO_BIG)
		ws_found_too_big(s);
	session_lost(s, &why);
}

static void ws_event(struct session *s, int what, const struct websocket_event *event)
{
	struct fault why;

	switch (what) {
	case WEBSOCKET_MESSAGE:
		ws_message(s, event->payload);
		break;
	case WEBSOCKET_PING:
		if (!ws_of(s)->said_goodbye)
			ws_write(s, WEBSOCKET_OPCODE_PONG, event->payload);
		break;
	case WEBSOCKET_CLOSE:
		ws_closed(s, event);
		break;
	case WEBSOCKET_FAILED:
		fault_set(&why, -EPROTO, "the hub broke the protocol: %.*s",
			(int)event->payload.len, event->payload.data);
		ws_failed(s, event->code, &why);
		break;
	default:
		break;
	}
}

static size_t ws_received(struct session *s, struct bytes data)
{
	struct dialect_websocket *ws = ws_of(s);
	struct websocket_event event;
	struct bytes in = data;
	struct fault why;
	int r = 1;

	if (s->state == SESSION_GREETING)
		return ws_greeting_received(s, data);
	if (s->state == SESSION_OPEN)
		link_alarm(&s->link, WS_SILENCE_MS);
	ws->asked = false;
	while (session_is_connected(s) &&
		(r = websocket_next(&ws->frames, &in, WS_MESSAGE_MAX, &event)) > 0)
		ws_event(s, r, &event);
	if (session_is_connected(s) && r < 0) {
		fault_errno(&why, r, "a message of the hub");
		session_over(s, &why);
	}
	return data.len;
}

static void ws_silent(struct session *s)
{
	struct dialect_websocket *ws = ws_of(s);

	if (ws->asked && !s->paused) {
		session_broke(s, -ETIMEDOUT, "the hub is silent");
		return;
	}
	ws->asked = true;
	link_alarm(&s->link, WS_SILENCE_MS);
	ws_write(s, WEBSOCKET_OPCODE_PING, BYTES_NULL);
}

static void ws_ended(struct session *s)
{
	struct reply *reply = &ws_of(s)->reply;

	if (s->state == SESSION_LEAVING)
		session_over(s, &FAULT_NULL);
	else if (s->state == SESSION_GREETING && reply->status &&
		 http_answer_end(&reply->answer) == 0)
		ws_refused(s); /* its end was the end of the connection */
	else
		session_broke(s, -ECONNRESET, "the other side has ended the connection");
}

static void ws_stop(struct session *s)
{
	reply_deinit(&ws_of(s)->reply);
	websocket_deinit(&ws_of(s)->frames);
}

const struct dialect dialect_websocket = {
	.name = "websocket",
	.resumes = true,
	.start = ws_start,
	.received = ws_received,
	.ended = ws_ended,
	.pump = ws_pump,
	.finish = ws_finish,
	.alarmed = ws_silent,
	.stop = ws_stop,
};

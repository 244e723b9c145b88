#include "server/exchange.h"

#include "base/cleanup.h"
#include "server/login.h"
#include "server/pace.h"
#include "server/route.h"
#include "server/server.h"
#include "wire/http_problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* The body of a request that takes none is read and dropped up to here. */
enum { BODY_DROPPED = 64 * 1024 };

/* ---- answers ---- */

void exchange_look_on(struct exchange *x)
{
	struct connection *c = x->connection;

	if (!c->holding && buffer_len(&c->held))
		connection_proceed(c); /* what was read to see the end */
	else
		connection_release(c);
}

/* The answer is out. What is left of the request is dropped; then comes the next. */
void exchange_finish(struct exchange *x)
{
	struct connection *c = x->connection;

	if (x->reading && x->keep_alive)
		return;
	if (x->handler && x->handler->close)
		x->handler->close(x);
	x->body.trailers = NULL; /* which were the handler's */
	x->handler = NULL;
	x->yields = false;
	x->own = NULL;
	free(take(x->cors));
	pace_start(x);
	if (!x->keep_alive)
		connection_leave(c);
	else
		exchange_look_on(x);
}

struct http_writer exchange_begin(struct exchange *x, int status)
{
	struct http_writer w;
	struct server *s = x->connection->server;

	http_writer_response(&w, connection_out(x->connection), status, server_date(s));
	if (s->is_stopping)
		x->keep_alive = false;
	if (!x->keep_alive)
		http_writer_text(&w, "Connection", "close");
	else if (!x->minor)
		http_writer_text(&w, "Connection", "keep-alive");
	if (x->cors) {
		http_writer_text(&w, "Access-Control-Allow-Origin", x->cors);
		http_writer_text(&w, "Vary", "Origin");
	}
	return w;
}

static void exchange_wrote(struct exchange *x, int error)
{
	x->answered = true;
	if (error < 0)
		connection_close(x->connection);
	else
		connection_wrote(x->connection);
}

void exchange_send(struct exchange *x, struct http_writer *w, struct bytes body)
{
	http_writer_number(w, "Content-Length", body.len);
	int r = http_writer_end(w);
	if (r == 0 && x->method != HTTP_HEAD)
		r = buffer_append(w->out, body.data, body.len);
	exchange_wrote(x, r);
	exchange_finish(x);
}

void exchange_send_empty(struct exchange *x, struct http_writer *w)
{
	exchange_wrote(x, http_writer_end(w));
	exchange_finish(x);
}

bool exchange_stream(struct exchange *x, struct http_writer *w)
{
	return exchange_stream_length(x, w, HTTP_LENGTH_UNKNOWN);
}

bool exchange_stream_length(struct exchange *x, struct http_writer *w, uint64_t length)
{
	x->chunked = x->minor && length == HTTP_LENGTH_UNKNOWN;
	if (x->chunked)
		http_writer_text(w, "Transfer-Encoding", "chunked");
	else if (length != HTTP_LENGTH_UNKNOWN)
		http_writer_number(w, "Content-Length", length);
	else
		x->keep_alive = false;
	exchange_wrote(x, http_writer_end(w));
	if (!stream_is_open(&x->connection->stream))
		return false;
	if (x->method == HTTP_HEAD) {
		exchange_finish(x);
		return false;
	}
	x->streaming = true;
	if (x->handler->beat)
		deadline_set(&x->connection->server->beat, &x->connection->rest);
	else
		pace_start(x);
	return true;
}

bool exchange_write(struct exchange *x, struct bytes piece)
{
	struct connection *c = x->connection;
	struct buffer *out = connection_out(c);

	int r = x->chunked ? http_chunk_append(out, piece)
			   : buffer_append(out, piece.data, piece.len);
	if (r < 0)
		connection_close(c);
	else
		connection_wrote(c);
	return stream_is_open(&c->stream);
}

ssize_t exchange_offer_file(struct exchange *x, int fd, uint64_t at, size_t len)
{
	return connection_offer_file(x->connection, fd, at, len);
}

void exchange_end(struct exchange *x)
{
	exchange_end_stream(x, BYTES_NULL);
	exchange_finish(x);
}

void exchange_end_stream(struct exchange *x, struct bytes trailers)
{
	struct connection *c = x->connection;

	if (x->handler->beat)
		deadline_clear(&c->rest);
	x->streaming = false;
	if (x->chunked) {
		struct buffer *out = connection_out(c);
		if (buffer_append(out, "0\r\n", 3) < 0 ||
			buffer_append(out, trailers.data, trailers.len) < 0 ||
			buffer_append(out, "\r\n", 2) < 0)
			connection_close(c);
		else
			connection_wrote(c);
	}
}

void exchange_answer(struct exchange *x, int status, const char *type, struct bytes body)
{
	struct http_writer w = exchange_begin(x, status);

	http_writer_text(&w, "Content-Type", type);
	exchange_send(x, &w, body);
}

/* FIELD may be NULL. */
static void exchange_send_problem(
	struct exchange *x, int status, const char *field, const char *value, const char *detail)
{
	cleanup(buffer_deinit) struct buffer body = BUFFER_NULL;

	if (x->reading)
		x->keep_alive = false;
	http_problem_append(
		&body, &(struct http_problem){.status = status, .detail = bytes_text(detail)});
	struct http_writer w = exchange_begin(x, status);
	http_writer_text(&w, "Content-Type", HTTP_PROBLEM_MEDIA_TYPE);
	if (field)
		http_writer_text(&w, field, value);
	exchange_send(x, &w, buffer_bytes(&body));
}

void exchange_refuse(struct exchange *x, int status, const char *format, ...)
{
	bool later = status == 503 || status == 429;
	char detail[512];
	va_list args;

	va_start(args, format);
	vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	exchange_send_problem(x, status, later ? "Retry-After" : NULL, "1", detail);
}

void exchange_challenge(struct exchange *x, const char *challenge, const char *detail)
{
	exchange_send_problem(x, 401, "WWW-Authenticate", challenge, detail);
}

/* ---- requests ---- */

static void exchange_complete(struct exchange *x)
{
	x->reading = false;
	pace_stop(x);
	if (x->answered && !x->streaming)
		exchange_finish(x);
	else if (x->handler && x->handler->complete)
		x->handler->complete(x);
}

static bool exchange_is_admitted(struct exchange *x, const struct http_request *r)
{
	struct server *s = x->connection->server;
	const struct guard_options *guard = &s->options.guard;
	int status;

	const char *wrong =
		guard_check(guard, &x->connection->entrance->listener.address, r, &status);
	if (wrong) {
		exchange_refuse(x, status, "%s", wrong);
		return false;
	}
	struct bytes origin = guard_cors_origin(guard, r);
	if (origin.data)
		x->cors = bytes_dup(origin);
	return true;
}

bool exchange_limit(struct exchange *x, const struct http_request *r, uint64_t limit)
{
	if (http_body_init(&x->body, r->framing, r->content_length, limit) == 0)
		return true;
	exchange_refuse(x, x->body.refusal.status, "the body is larger than the %llu bytes allowed",
		(unsigned long long)limit);
	return false;
}

static void exchange_continue(struct exchange *x)
{
	x->awaited = false;
	connection_write(x->connection, "HTTP/1.1 100 Continue\r\n\r\n", 25);
}

void exchange_go_on(struct exchange *x)
{
	if (x->awaited && x->reading && !x->answered)
		exchange_continue(x);
	connection_release(x->connection);
}

bool exchange_postpones(struct exchange *x)
{
	struct connection *c = x->connection;

	if (!allowance_holds(c))
		return false;
	c->server->counters.requests--;
	x->handler = NULL;
	x->reading = false;
	x->scan = HTTP_SCAN_NULL;
	free(take(x->cors));
	return true;
}

/* False when it was put back. */
static bool exchange_start(struct exchange *x, const struct http_request *r)
{
	x->connection->server->counters.requests++;
	x->method = r->method;
	x->minor = r->minor > 0;
	x->keep_alive = r->keep_alive;
	x->reading = r->framing != HTTP_NO_BODY;
	x->answered = false;
	x->streaming = false;
	x->awaited = r->expect_continue;
	if (x->connection->refused) {
		int status;
		const char *detail = allowance_refusal(x->connection, &status);
		x->keep_alive = false;
		exchange_refuse(x, status, "%s", detail);
		return true;
	}
	if (x->connection->barred) {
		x->keep_alive = false;
		exchange_refuse(x, 403, "this hub is not open to your network");
		return true;
	}
	if (!exchange_is_admitted(x, r) || !login_request(x, r))
		return true;
	x->handler = route_find(x, r);
	x->patient = x->handler && x->handler->patient;
	if (!x->handler || !exchange_limit(x, r, x->handler->body ? UINT64_MAX : BODY_DROPPED))
		return true;
	x->handler->begin(x, r);
	if (!stream_is_open(&x->connection->stream) || x->answered)
		return true;
	if (!x->handler)
		return false;
	if (!x->reading)
		exchange_complete(x);
	else if (x->awaited && !x->connection->holding)
		exchange_continue(x);
	return true;
}

static size_t exchange_receive_head(struct exchange *x, struct bytes data)
{
	struct http_request r;

	switch (http_request_parse(&r, &x->scan, data)) {
	case HTTP_MORE:
		pace_start(x);
		return 0;
	case HTTP_REFUSED:
		x->keep_alive = false;
		x->minor = 1;
		x->method = HTTP_GET;
		x->answered = false;
		exchange_refuse(x, r.refusal.status, "%s", r.refusal.detail);
		return data.len;
	default:
		if (x->handler)
			x->handler->overtaken(x);
		if (!stream_is_open(&x->connection->stream) || x->connection->leaving)
			return data.len;
		pace_stop(x);
		if (!exchange_start(x, &r))
			return 0;
		if (x->reading)
			pace_start(x);
		return r.len;
	}
}

static size_t exchange_receive_body(struct exchange *x, struct bytes data)
{
	struct connection *c = x->connection;
	struct bytes in = data, piece;

	/* A body whose last byte has been taken ends here, held or not: nothing more may come. */
	while ((!c->holding || !in.len) && stream_is_open(&c->stream)) {
		int r = http_body_next(&x->body, &in, &piece);
		if (r == HTTP_DATA) {
			x->came += (uint32_t)piece.len;
			if ((!x->answered || x->streaming) && x->handler->body)
				x->handler->body(x, piece);
			continue;
		}
		if (r == HTTP_REFUSED) {
			x->keep_alive = false;
			if (x->answered)
				connection_leave(c);
			else
				exchange_refuse(
					x, x->body.refusal.status, "%s", x->body.refusal.detail);
		} else if (r == 0) {
			exchange_complete(x);
		}
		break;
	}
	return data.len - in.len;
}

/* The client's end is the end of what is under way. To see it, what comes is read as far as a head
 * may reach, though nobody looks at it yet. */
static bool exchange_minds_end(const struct exchange *x)
{
	const struct handler *h = x->handler;

	return h && (h->ended || (x->streaming && !h->finite && !x->connection->polls));
}

static size_t exchange_received(struct connection *c, struct bytes data)
{
	struct exchange *x = exchange_of(c);

	if (x->reading)
		return exchange_receive_body(x, data);
	/* Not before the answer is out, and not faster than answers are read. */
	if ((x->handler && (!x->yields || x->streaming)) || stream_is_blocked(&c->stream)) {
		if (!exchange_minds_end(x) || data.len >= HTTP_HEAD_MAX)
			connection_hold(c);
		return 0;
	}
	return exchange_receive_head(x, data);
}

static bool exchange_owes_answer(const struct exchange *x)
{
	return x->handler && !x->reading && !x->streaming;
}

/* What was asked is answered; who listens, or has not asked, is sent away. */
static void exchange_stop(struct connection *c)
{
	struct exchange *x = exchange_of(c);

	if (exchange_owes_answer(x) || (x->streaming && x->handler->finite))
		x->keep_alive = false;
	else
		connection_leave(c);
}

static void exchange_ended(struct connection *c)
{
	struct exchange *x = exchange_of(c);

	if (exchange_owes_answer(x) && x->handler->ended)
		x->handler->ended(x);
	else
		exchange_stop(c);
}

static void exchange_writable(struct connection *c)
{
	struct exchange *x = exchange_of(c);

	c->stuck = false;
	x->moved = true;
	if (x->handler && x->handler->writable)
		x->handler->writable(x);
	if (!x->handler && stream_is_open(&c->stream))
		connection_release(c);
}

/* One who takes nothing from one beat to the next is gone. */
static void exchange_rested(struct connection *c)
{
	struct exchange *x = exchange_of(c);

	if (!x->streaming || !x->handler || !x->handler->beat) {
		pace_check(x);
		return;
	}
	deadline_set(&c->server->beat, &c->rest);
	if (!stream_is_blocked(&c->stream))
		x->handler->beat(x);
	else if (c->stuck)
		connection_close(c);
	c->stuck = true;
}

static void exchange_caught_up(struct connection *c)
{
	struct exchange *x = exchange_of(c);

	if (x->handler && x->handler->caught_up)
		x->handler->caught_up(x);
}

void exchange_free(struct exchange *x)
{
	free(x->own);
	free(x->cors);
	free(x);
}

static void exchange_closed(struct connection *c)
{
	struct exchange *x = exchange_of(c);

	if (x->handler && x->handler->close)
		x->handler->close(x);
	x->own = NULL;
	exchange_free(x);
}

static const struct protocol http_protocol = {
	.name = "http",
	.received = exchange_received,
	.ended = exchange_ended,
	.writable = exchange_writable,
	.rested = exchange_rested,
	.caught_up = exchange_caught_up,
	.stop = exchange_stop,
	.closed = exchange_closed,
};

void http_open(struct connection *c)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (!x) {
		connection_close(c);
		return;
	}
	x->connection = c;
	x->keep_alive = true;
	c->state.own = x;
	connection_speak(c, &http_protocol);
}

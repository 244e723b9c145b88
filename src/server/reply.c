/*
 * POST /services/S/replies/ID: a server's reply, which the asker is sent as it comes.
 *
 * The asker's answer begins with the first bytes of the reply, or with its end. Until then the
 * server may fail, and the asker gets a clear answer. An exit status that is known when the answer
 * begins is a field of its head (Exit-Status), one that is known later a trailer field of the same
 * name, as the server may send it in either place as well.
 */

#include "base/cleanup.h"
#include "server/desk.h"
#include "server/login.h"
#include "server/server.h"
#include "wire/http_hop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define EXIT_STATUS "Exit-Status"

static int reply_exit(struct bytes text)
{
	uint64_t status;

	return http_parse_number(text, &status) == 0 && status <= 255 ? (int)status : -1;
}

static void reply_trailers(struct answering *r)
{
	struct http_lines lines = {.rest = buffer_bytes(&r->trailers)};
	struct http_fields fields = {0};

	if (!lines.rest.len || http_lines_fields(&lines, &fields).status)
		return;
	struct bytes status = http_fields_get_only(&fields, EXIT_STATUS);
	if (status.len)
		r->exit = reply_exit(status);
}

/* Whether the asker's answer has no body, whatever the server sends (RFC 9110 section 6.4.1). */
static bool reply_is_bare(const struct answering *r)
{
	return r->status == 204 || r->status == 304;
}

/* The head of the asker's answer. */
static struct http_writer reply_head(struct asking *a, const struct answering *r)
{
	struct http_writer w = exchange_begin(a->asker, r->status ? r->status : 200);
	struct bytes fields = buffer_bytes(&r->fields);

	call_begin_answer(&a->call);
	desk_arm(a->asker->connection->server->desk);
	a->replying = true;
	if (buffer_len(&r->type))
		http_writer_field(&w, "Content-Type", buffer_bytes(&r->type));
	http_writer_text(&w, "X-Content-Type-Options", "nosniff");
	if (r->status)
		http_writer_number(&w, "Status", (uint64_t)r->status);
	if (fields.len && buffer_append(w.out, fields.data, fields.len) < 0)
		w.error = -ENOMEM;
	if (r->exit >= 0)
		http_writer_number(&w, EXIT_STATUS, (uint64_t)r->exit);
	else if (r->length == HTTP_LENGTH_UNKNOWN)
		http_writer_text(&w, "Trailer", EXIT_STATUS);
	return w;
}

/* The fields that the server has for the asker; those that are the hub's to say, or that would
 * speak for the hub as a whole to a browser, are left out. */
static int reply_copy_fields(struct buffer *to, const struct http_fields *fields)
{
	static const char *const own[] = {"Accept-CH", "Access-Control-Allow-Credentials",
		"Access-Control-Allow-Headers", "Access-Control-Allow-Methods",
		"Access-Control-Allow-Origin", "Access-Control-Expose-Headers",
		"Access-Control-Max-Age", "Alt-Svc", "Clear-Site-Data", "Connection",
		"Content-Length", "Content-Type", "Critical-CH", "Date", "Exit-Status",
		"Keep-Alive", "NEL", "Proxy-Authenticate", "Proxy-Connection", "Report-To",
		"Service-Worker-Allowed", "Set-Cookie", "Set-Cookie2", "Status",
		"Strict-Transport-Security", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
		"X-Content-Type-Options"};

	for (size_t i = 0; i < fields->count; i++) {
		const struct http_field *f = &fields->at[i];
		struct bytes name = http_field_name_behind(f, "Reply-Header-");
		if (!name.len || http_name_is_in(name, own, sizeof(own) / sizeof(*own)))
			continue;
		int r = buffer_append(to, name.data, name.len);
		if (r == 0)
			r = buffer_append(to, ": ", 2);
		if (r == 0 && f->value.len)
			r = buffer_append(to, f->value.data, f->value.len);
		if (r == 0)
			r = buffer_append(to, "\r\n", 2);
		if (r < 0)
			return r;
	}
	return 0;
}

/* `Status: 404 Not Found`, as a CGI script says it (RFC 3875 section 6.3.3); 0 without, -EINVAL for
 * what is none that a final answer can have. */
static int reply_status(const struct http_request *r)
{
	struct bytes text = http_fields_get_only(&r->fields, "Status"), number;
	uint64_t status;

	if (!text.data)
		return 0;
	if (!bytes_cut(&text, ' ', &number))
		number = text;
	if (http_parse_number(number, &status) < 0 || status < 200 || status > 599)
		return -EINVAL;
	return (int)status;
}

static struct answering *answering_new(struct exchange *x, const struct http_request *r)
{
	struct bytes type = http_fields_get(&r->fields, "Content-Type");
	cleanup(cleanup_free) struct answering *own = calloc(1, sizeof(*own));

	if (!own)
		return NULL;
	if ((type.len && buffer_append(&own->type, type.data, type.len) < 0) ||
		reply_copy_fields(&own->fields, &r->fields) < 0) {
		buffer_deinit(&own->type);
		buffer_deinit(&own->fields);
		return NULL;
	}
	own->length = r->framing == HTTP_LENGTH ? r->content_length : HTTP_LENGTH_UNKNOWN;
	own->exit = -1;
	x->body.trailers = &own->trailers;
	return take(own);
}

static bool reply_asks_next(const struct http_request *r)
{
	uint8_t text[8];
	struct bytes value;

	return r->query.data && uri_query_get(r->query, "next", text, sizeof(text), &value) == 0 &&
	       bytes_equal(value, BYTES_LITERAL("1"));
}

static void reply_begin(struct exchange *x, const struct http_request *r)
{
	struct desk *d = x->connection->server->desk;
	struct bytes rest = bytes_skip(r->path, strlen("/services/")), name, word;
	struct bytes status = http_fields_get_only(&r->fields, EXIT_STATUS);

	if (exchange_postpones(x))
		return;
	allowance_count(x->connection, 1, 0);
	if (!desk_name(x, r, &name) || !exchange_may(x, ACCESS_SERVE, name))
		return;
	bytes_cut(&rest, '/', &word);
	bytes_cut(&rest, '/', &word);
	struct call *c = call_find(&d->services, name, rest);
	struct asking *a = c ? container_of(c, struct asking, call) : NULL;
	if (!a || a->reply) {
		exchange_refuse(x, 410, "no one waits for this reply (any more)");
		return;
	}
	if ((status.data && reply_exit(status) < 0) || reply_status(r) < 0) {
		exchange_refuse(x, 400, "an " EXIT_STATUS " is 0 to 255, a Status 200 to 599");
		return;
	}
	struct taking *then = reply_asks_next(r) ? taking_new(x, r) : NULL;
	if (x->answered)
		return;
	struct answering *own = answering_new(x, r);
	if (!own) {
		free(then);
		exchange_refuse(x, 503, "the hub is out of memory; try again later");
		return;
	}
	x->own = own;
	own->asking = a;
	own->then = then;
	own->status = reply_status(r);
	if (status.data)
		own->exit = reply_exit(status);
	a->reply = x;
	struct exchange *next = a->next;
	if (next && !next->streaming) {
		((struct taking *)next->own)->asking = NULL;
		a->next = NULL;
		exchange_finish(next);
	}
}

static void reply_body(struct exchange *x, struct bytes piece)
{
	struct answering *r = x->own;
	struct asking *a = r->asking;
	struct exchange *asker = a->asker;

	allowance_count(x->connection, 0, piece.len);
	allowance_holds(x->connection);
	if (reply_is_bare(r))
		return;
	if (!a->replying) {
		struct http_writer w = reply_head(a, r);
		if (!exchange_stream_length(asker, &w, r->length))
			return;
	}
	if (exchange_write(asker, piece) && stream_is_blocked(&asker->connection->stream))
		connection_hold(x->connection);
}

/* The asker may go on to its next request while it is told the end. */
static void reply_pass_end(struct asking *a, struct answering *r)
{
	struct exchange *asker = a->asker;
	char trailer[32];
	int len = 0;

	if (!a->replying) {
		struct http_writer w = reply_head(a, r);
		if (reply_is_bare(r))
			exchange_send_empty(asker, &w);
		else
			exchange_send(asker, &w, BYTES_NULL);
		return;
	}
	if (r->exit >= 0)
		len = snprintf(trailer, sizeof(trailer), EXIT_STATUS ": %d\r\n", r->exit);
	exchange_end_stream(asker, bytes_of(trailer, (size_t)len));
	exchange_finish(asker);
}

static void reply_close(struct exchange *x);

/* The reply is done with: its exchange is from now on one at `next`. */
static void reply_take_next(struct exchange *x, struct bytes name)
{
	struct taking *t = take(((struct answering *)x->own)->then);

	reply_close(x);
	x->body.trailers = NULL;
	x->handler = &desk_next;
	taking_wait(t, name);
}

static void reply_complete(struct exchange *x)
{
	struct answering *r = x->own;
	struct asking *a = r->asking;
	struct exchange *asker = a->asker;
	struct server *s = x->connection->server;
	struct desk *d = s->desk;
	struct bytes service = a->call.service->by_name.key;
	char name[NAME_MAX_LEN];

	memcpy(name, service.data, service.len);
	reply_trailers(r);
	r->asking = NULL;
	a->reply = NULL;
	call_end(&d->services, &a->call, desk_now(d), false);
	asking_dismiss(a);
	bool goes_on = asker->reading; /* else it may be about its next request from here on */
	reply_pass_end(a, r);
	if (goes_on)
		desk_proceed(asker);
	desk_arm(d);
	if (r->then && x->keep_alive && !s->is_stopping) {
		reply_take_next(x, bytes_of(name, service.len));
		return;
	}
	struct http_writer w = exchange_begin(x, 204);
	exchange_send_empty(x, &w);
}

static void reply_ended(struct exchange *x)
{
	connection_close(x->connection);
}

/* The server's other exchange gets no more of the request. */
static void reply_let_go(struct asking *a)
{
	struct exchange *next = take(a->next);

	if (!next)
		return;
	((struct taking *)next->own)->asking = NULL;
	connection_close(next->connection);
}

static void reply_close(struct exchange *x)
{
	struct answering *r = x->own;

	if (!r)
		return;
	struct asking *a = r->asking;
	x->own = NULL;
	buffer_deinit(&r->type);
	buffer_deinit(&r->fields);
	buffer_deinit(&r->trailers);
	free(r->then);
	free(r);
	if (!a)
		return;
	a->reply = NULL;
	reply_let_go(a);
	asking_lose(a, "the server broke off before its reply");
}

const struct handler desk_reply = {
	.begin = reply_begin,
	.body = reply_body,
	.complete = reply_complete,
	.ended = reply_ended,
	.close = reply_close,
};

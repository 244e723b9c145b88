#include "client/http_call.h"

#include <errno.h>
#include <limits.h>

static struct http_call *call_of(struct link *l)
{
	return container_of(l, struct http_call, link);
}

static void call_fail(struct http_call *c, const struct fault *why)
{
	c->over = true;
	link_close(&c->link);
	c->handler->failed(c, why);
}

/* ---- out ---- */

static int call_send(struct http_call *c)
{
	struct bytes text = buffer_bytes(&c->out);

	if (!text.len || !link_is_connected(&c->link))
		return 0;
	/* A hub that reads no more has an answer, and it is on its way. */
	int r = stream_write(&c->link.stream, text.data, text.len);
	buffer_consume(&c->out, text.len);
	return r == -ENOMEM ? r : 0;
}

static void call_on_connected(struct link *l)
{
	struct http_call *c = call_of(l);

	if (call_send(c) < 0)
		call_fail(c, &(struct fault){-ENOMEM, "no memory for what is sent"});
	else if (c->handler->writable && !http_call_is_blocked(c))
		c->handler->writable(c);
}

int http_call_write(struct http_call *c, struct bytes piece)
{
	if (c->over)
		return 0;
	int r = c->chunked ? http_chunk_append(&c->out, piece)
			   : buffer_append(&c->out, piece.data, piece.len);
	return r < 0 ? r : call_send(c);
}

int http_call_end(struct http_call *c, struct bytes trailers)
{
	if (c->over || !c->chunked)
		return 0;
	int r = buffer_append(&c->out, "0\r\n", 3);
	if (r == 0 && trailers.len)
		r = buffer_append(&c->out, trailers.data, trailers.len);
	if (r == 0)
		r = buffer_append(&c->out, "\r\n", 2);
	return r < 0 ? r : call_send(c);
}

bool http_call_is_blocked(const struct http_call *c)
{
	return buffer_len(&c->out) || !link_is_connected(&c->link) ||
	       stream_is_blocked(&c->link.stream);
}

static void call_on_writable(struct link *l)
{
	struct http_call *c = call_of(l);

	if (c->handler->writable)
		c->handler->writable(c);
}

/* ---- in ---- */

static void call_whole(struct http_call *c)
{
	c->over = true;
	c->handler->ended(c);
}

static void call_refused(struct http_call *c)
{
	struct fault why;

	fault_set(&why, -EPROTO, "%s", c->answer.detail);
	call_fail(c, &why);
}

static size_t call_on_received(struct link *l, struct bytes data)
{
	struct http_call *c = call_of(l);
	struct bytes in = data, piece;
	struct http_response head;

	while (!c->held && !c->over) {
		int r = http_answer_next(&c->answer, &head, &in, &piece);
		if (r == HTTP_ANSWER_HEAD) {
			c->answer.body.trailers = &c->trailers;
			c->handler->head(c, &head);
		} else if (r == HTTP_DATA) {
			c->handler->body(c, piece);
		} else if (r == HTTP_REFUSED) {
			call_refused(c);
		} else if (r == 0) {
			call_whole(c);
		} else if (r == HTTP_MORE) {
			break;
		}
	}
	return c->over ? data.len : data.len - in.len;
}

static void call_on_ended(struct link *l)
{
	struct http_call *c = call_of(l);

	if (c->over)
		return;
	if (http_answer_end(&c->answer) == 0)
		call_whole(c);
	else
		call_refused(c);
}

static void call_on_failed(struct link *l, const struct fault *why)
{
	struct http_call *c = call_of(l);

	if (!c->over)
		call_fail(c, why);
}

/* No alarm is set: how long an answer may take is for the one who asked for it. */
static void call_on_alarmed(struct link *l)
{
}

void http_call_hold(struct http_call *c)
{
	c->held = true;
	if (link_is_connected(&c->link))
		stream_pause(&c->link.stream);
}

void http_call_proceed(struct http_call *c)
{
	if (!c->held)
		return;
	c->held = false;
	if (!link_is_connected(&c->link))
		return;
	link_feed(&c->link);
	call_on_received(&c->link, BYTES_NULL); /* the end may be all that is left */
	if (link_is_connected(&c->link) && !c->held)
		stream_resume(&c->link.stream);
}

int http_call_trailer(const struct http_call *c, const char *name)
{
	struct http_lines lines = {.rest = buffer_bytes(&c->trailers)};
	struct http_fields fields = {0};
	uint64_t number;

	if (!lines.rest.len || http_lines_fields(&lines, &fields).status)
		return -1;
	struct bytes value = http_fields_get_only(&fields, name);
	return http_parse_number(value, &number) == 0 && number <= INT_MAX ? (int)number : -1;
}

/* ---- life ---- */

static const struct link_handler call_link_handler = {
	.connected = call_on_connected,
	.received = call_on_received,
	.ended = call_on_ended,
	.writable = call_on_writable,
	.failed = call_on_failed,
	.alarmed = call_on_alarmed,
};

int http_call_init(struct http_call *c, struct loop *l, const struct http_call_handler *handler)
{
	*c = HTTP_CALL_NULL;
	c->handler = handler;
	http_answer_init(&c->answer, HTTP_POST, UINT64_MAX);
	return link_init(&c->link, l, &call_link_handler);
}

void http_call_deinit(struct http_call *c)
{
	c->over = true;
	link_deinit(&c->link);
	buffer_deinit(&c->out);
	buffer_deinit(&c->trailers);
}

int http_call_dial(struct http_call *c, const struct address *a, struct http_writer *w,
	uint64_t length, uint64_t timeout_ms)
{
	c->chunked = length == HTTP_LENGTH_UNKNOWN;
	if (c->chunked)
		http_writer_text(w, "Transfer-Encoding", "chunked");
	else
		http_writer_number(w, "Content-Length", length);
	int r = http_writer_end(w);
	return r < 0 ? r : link_dial(&c->link, a, timeout_ms);
}

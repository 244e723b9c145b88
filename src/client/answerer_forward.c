/*
 * An answerer that passes each request on to an HTTP server, and its answer back: what the server
 * says of itself, its status and fields, goes with the reply. Either body goes through as it comes.
 *
 * It is what HTTP calls a gateway (RFC 9110 section 3.7): fields of a hop end here, Forwarded (RFC
 * 7239) says who asks, a server that cannot be reached is a 502, one that takes too long a 504.
 */

#include "base/cleanup.h"
#include "base/clock.h"
#include "client/answerer_kind.h"
#include "wire/http_hop.h"
#include "wire/http_problem.h"

#include <errno.h>
#include <stdlib.h>

enum {
	DIAL_MS = 10000,
	LINES_MAX = 10 * 1024, /* of fields that are handed on, and */
	FIELDS_MAX = 80,       /* so many: a head must hold them */
	EXIT_STATUS_BAD = 1,
	EXIT_BROKE_OFF = 76,
	EXIT_TIMEOUT = 124,
};

struct forward {
	struct answerer answerer;
	struct http_call call; /* to the server */
};

static struct forward *forward_of(struct answerer *a)
{
	return container_of(a, struct forward, answerer);
}

static struct forward *forward_of_call(struct http_call *c)
{
	return container_of(c, struct forward, call);
}

/* Of the body behind R. */
static uint64_t forward_length(const struct http_response *r)
{
	if (r->framing == HTTP_NO_BODY)
		return 0;
	return r->framing == HTTP_LENGTH ? r->content_length : HTTP_LENGTH_UNKNOWN;
}

/* ---- the answer ---- */

/* There is no answer to pass on: says so in the server's place. */
static void forward_refuse(struct forward *f, int status, int exit, const char *detail)
{
	cleanup(buffer_deinit) struct buffer body = BUFFER_NULL;
	struct answerer *a = &f->answerer;
	const struct http_problem problem = {.status = status, .detail = bytes_text(detail)};

	int r = http_problem_append(&body, &problem);
	struct clerk_reply reply = {
		.type = HTTP_PROBLEM_MEDIA_TYPE,
		.length = buffer_len(&body),
		.exit = exit,
		.lines = status == 504 ? BYTES_LITERAL("Status: 504\r\n")
				       : BYTES_LITERAL("Status: 502\r\n"),
	};
	if (r == 0)
		r = clerk_begin(&a->clerk, &reply);
	if (r == 0)
		r = clerk_write(&a->clerk, buffer_bytes(&body));
	if (r < 0)
		answerer_give_up(a);
	answerer_made(a);
}

static int forward_add_line(struct buffer *lines, const struct http_field *f)
{
	int r = buffer_append(lines, "Reply-Header-", 13);

	if (r == 0)
		r = buffer_append(lines, f->name.data, f->name.len);
	if (r == 0)
		r = buffer_append(lines, ": ", 2);
	if (r == 0 && f->value.len)
		r = buffer_append(lines, f->value.data, f->value.len);
	return r < 0 ? r : buffer_append(lines, "\r\n", 2);
}

/* -EMSGSIZE when there is too much of it. */
static int forward_add_lines(struct buffer *lines, const struct http_response *r)
{
	static const char *const own[] = {"Content-Length", "Content-Type", "Date"};
	size_t count = 0;

	int e = buffer_print(lines, "Status: %d\r\n", r->status);
	for (size_t i = 0; i < r->fields.count && e == 0; i++) {
		const struct http_field *field = &r->fields.at[i];
		if (!http_field_is_end_to_end(&r->fields, field) ||
			http_name_is_in(field->name, own, sizeof(own) / sizeof(*own)))
			continue;
		e = forward_add_line(lines, field);
		if (++count > FIELDS_MAX || buffer_len(lines) > LINES_MAX)
			return -EMSGSIZE;
	}
	return e;
}

static void forward_on_head(struct http_call *c, const struct http_response *r)
{
	cleanup(buffer_deinit) struct buffer lines = BUFFER_NULL;
	struct forward *f = forward_of_call(c);
	struct answerer *a = &f->answerer;
	struct bytes type = http_fields_get(&r->fields, "Content-Type");
	cleanup(cleanup_free) char *text = type.len ? bytes_dup(type) : NULL;
	struct clerk_reply reply = {
		.type = text,
		.length = forward_length(r),
		.exit = r->status < 400 ? 0 : EXIT_STATUS_BAD,
	};

	int e = forward_add_lines(&lines, r);
	reply.lines = buffer_bytes(&lines);
	if (e == 0)
		e = clerk_begin(&a->clerk, &reply);
	if (e == 0)
		return;
	http_call_break(c);
	if (e == -EMSGSIZE) {
		forward_refuse(f, 502, EXIT_BROKE_OFF, "the server's answer has too large a head");
		return;
	}
	answerer_give_up(a);
	answerer_made(a);
}

static void forward_on_body(struct http_call *c, struct bytes piece)
{
	struct answerer *a = &forward_of_call(c)->answerer;

	if (clerk_write(&a->clerk, piece) < 0) {
		http_call_break(c);
		answerer_give_up(a);
		answerer_made(a);
	} else if (clerk_is_blocked(&a->clerk) && !a->over) {
		http_call_hold(c);
	}
}

static void forward_on_ended(struct http_call *c)
{
	struct answerer *a = &forward_of_call(c)->answerer;

	if (clerk_end(&a->clerk, -1) < 0)
		answerer_give_up(a);
	answerer_made(a);
}

static void forward_on_failed(struct http_call *c, const struct fault *why)
{
	struct forward *f = forward_of_call(c);
	struct answerer *a = &f->answerer;

	if (!a->clerk.replying) {
		bool late = why->error == -ETIMEDOUT;
		forward_refuse(
			f, late ? 504 : 502, late ? EXIT_TIMEOUT : EXIT_BROKE_OFF, why->text);
		return;
	}
	answerer_give_up(a);
	answerer_made(a);
}

static void forward_on_writable(struct http_call *c)
{
	clerk_proceed(&forward_of_call(c)->answerer.clerk);
}

static const struct http_call_handler forward_call = {
	.head = forward_on_head,
	.body = forward_on_body,
	.ended = forward_on_ended,
	.failed = forward_on_failed,
	.writable = forward_on_writable,
};

/* ---- the request ---- */

/* Who asks, behind those that whoever asks has named (RFC 7239 section 4). A name that is no
 * address, of a process on a Unix socket, is none of others' business. */
static void forward_write_forwarded(struct http_writer *w, const struct http_response *r)
{
	cleanup(buffer_deinit) struct buffer text = BUFFER_NULL;
	struct bytes before = http_fields_get(&r->fields, "Request-Header-Forwarded");
	struct bytes peer = http_fields_get(&r->fields, "Request-Peer");
	int e = 0;

	if (before.len)
		e = buffer_print(&text, "%.*s, ", (int)before.len, (const char *)before.data);
	bool address =
		peer.len && (peer.data[0] == '[' || (peer.data[0] >= '0' && peer.data[0] <= '9'));
	if (e == 0 && address)
		e = buffer_print(&text, "for=\"%.*s\"", (int)peer.len, (const char *)peer.data);
	else if (e == 0)
		e = buffer_print(&text, "for=unknown");
	if (e < 0)
		w->error = e;
	http_writer_field(w, "Forwarded", buffer_bytes(&text));
}

static void forward_write_fields(struct http_writer *w, const struct http_response *r)
{
	/* What a server believes of the proxy before it, which is us. */
	static const char *const own[] = {"Forwarded", "User-Agent", "X-Forwarded-For",
		"X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Real-IP"};
	struct bytes type = http_fields_get(&r->fields, "Content-Type");

	if (type.len)
		http_writer_field(w, "Content-Type", type);
	http_writer_text(w, "Via", "1.1 ferry");
	forward_write_forwarded(w, r);
	for (size_t i = 0; i < r->fields.count; i++) {
		const struct http_field *f = &r->fields.at[i];
		struct bytes name = http_field_name_behind(f, "Request-Header-");
		if (!name.len || http_name_is_in(name, own, sizeof(own) / sizeof(*own)))
			continue;
		cleanup(cleanup_free) char *text = bytes_dup(name);
		if (text)
			http_writer_field(w, text, f->value);
		else
			w->error = -ENOMEM;
	}
}

/* The path is ours to say, the query the asker's. */
static int forward_target(struct buffer *target, const char *path, struct bytes query)
{
	int r = buffer_print(target, "%s", path);

	if (r == 0 && query.len)
		r = buffer_print(target, "%c%.*s", strchr(path, '?') ? '&' : '?', (int)query.len,
			(const char *)query.data);
	return r;
}

static uint64_t forward_timeout(const struct http_response *r)
{
	struct bytes text = http_fields_get(&r->fields, "Request-Timeout");
	char copy[32] = "";
	uint64_t ms;

	if (text.len && text.len < sizeof(copy))
		memcpy(copy, text.data, text.len);
	return clock_parse_span(copy, &ms) == 0 ? ms : 0;
}

static void forward_start(struct answerer *a, const struct http_response *r)
{
	cleanup(buffer_deinit) struct buffer target = BUFFER_NULL;
	struct forward *f = forward_of(a);
	struct http_writer w;
	uint64_t length = forward_length(r);

	int e = forward_target(
		&target, a->options.path, http_fields_get(&r->fields, "Request-Query"));
	if (e == 0) {
		http_call_begin(&f->call, &w, HTTP_POST, buffer_bytes(&target));
		forward_write_fields(&w, r);
		e = http_call_start(&f->call, &w, length, DIAL_MS);
	}
	if (e < 0) {
		forward_refuse(f, 502, EXIT_BROKE_OFF, "the request cannot be passed on");
		return;
	}
	uint64_t timeout = a->options.timeout ? a->options.timeout : forward_timeout(r);
	if (timeout)
		http_call_expect(&f->call, timeout);
}

static void forward_body(struct answerer *a, struct bytes piece)
{
	struct forward *f = forward_of(a);

	if (http_call_write(&f->call, piece) < 0) {
		http_call_break(&f->call);
		answerer_give_up(a);
		answerer_made(a);
	} else if (!f->call.over && http_call_is_blocked(&f->call)) {
		clerk_hold(&a->clerk);
	}
}

static void forward_whole(struct answerer *a)
{
	http_call_end(&forward_of(a)->call, BYTES_NULL);
}

static void forward_writable(struct answerer *a)
{
	http_call_proceed(&forward_of(a)->call);
}

static void forward_dismiss(struct answerer *a)
{
	http_call_break(&forward_of(a)->call);
	answerer_made(a);
}

static void forward_clear(struct answerer *a)
{
}

/* ---- life ---- */

static struct answerer *forward_new(void)
{
	struct forward *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->call = HTTP_CALL_NULL;
	return &f->answerer;
}

static int forward_init(struct answerer *a)
{
	return http_call_init(
		&forward_of(a)->call, a->loop, a->options.to, a->options.to_trust, &forward_call);
}

static void forward_free(struct answerer *a)
{
	struct forward *f = forward_of(a);

	http_call_deinit(&f->call);
	free(f);
}

const struct answerer_kind answerer_forward = {
	.new = forward_new,
	.init = forward_init,
	.free = forward_free,
	.start = forward_start,
	.body = forward_body,
	.whole = forward_whole,
	.writable = forward_writable,
	.dismiss = forward_dismiss,
	.clear = forward_clear,
};

/*
 * ferry.h: requests of a service, and the replies to them
 */

#include "base/clock.h"
#include "client/serving.h"
#include "wire/http_hop.h"

#include <errno.h>
#include <limits.h>

/* Texts that each request has. */
enum { FACTS = 5 };

static struct serving *serving_of(struct clerk *c)
{
	return container_of(c, struct serving, clerk);
}

static struct serving *serving_of_request(const struct ferry_request *r)
{
	return container_of(r, struct serving, request);
}

/* ---- from one request to the next ---- */

void serving_next(struct serving *v)
{
	v->state = SERVING_IDLE;
	list_unlink(&v->node);
	context_touch(v->service->ferry);
	if (v->service->finishing)
		serving_leave(v);
	else if (!v->service->why.error)
		clerk_next(&v->clerk);
}

/* Until the hub has said whether there is one more request. */
void serving_leave(struct serving *v)
{
	v->state = clerk_leave(&v->clerk) ? SERVING_REPLIED : SERVING_IDLE;
}

static void serving_refuse(struct serving *v, const char *status, const char *text)
{
	const struct clerk_reply reply = {
		.type = "text/plain",
		.length = strlen(text),
		.exit = 1,
		.lines = bytes_text(status),
	};

	if (clerk_begin(&v->clerk, &reply) < 0 || clerk_write(&v->clerk, bytes_text(text)) < 0)
		clerk_break(&v->clerk);
	if (v->clerk.serving)
		v->state = SERVING_REPLIED;
	else
		serving_next(v);
}

/* One who wants to know of askers that leave begins to reply before there is anything to say. */
void serving_hand_out(struct serving *v)
{
	const struct ferry_serve_options *o = &v->service->options;
	const struct clerk_reply reply = {v->service->type, HTTP_LENGTH_UNKNOWN, -1, BYTES_NULL};

	v->state = SERVING_TAKEN;
	if (o->request)
		o->request(o->data, &v->request);
	if (v->state == SERVING_TAKEN && o->gone && !v->clerk.replying)
		clerk_begin(&v->clerk, &reply);
}

/* The request is there. */
static void serving_offer(struct serving *v)
{
	if (v->service->options.request) {
		serving_hand_out(v);
	} else {
		v->state = SERVING_READY;
		list_push(&v->service->ready, &v->node);
	}
}

/* ---- the request ---- */

static int texts_add(struct buffer *texts, struct bytes text)
{
	int r = text.len ? buffer_append(texts, text.data, text.len) : 0;

	return r < 0 ? r : buffer_append(texts, "", 1);
}

static int serving_note_fields(struct serving *v, const struct http_fields *fields)
{
	int r = 0;

	for (size_t i = 0; i < fields->count && r == 0; i++) {
		const struct http_field *f = &fields->at[i];
		struct bytes name = http_field_name_behind(f, "Request-Header-");
		if (!name.len)
			continue;
		r = texts_add(&v->texts, name);
		if (r == 0)
			r = texts_add(&v->texts, f->value);
	}
	return r;
}

static int serving_timeout(struct bytes text)
{
	char copy[32] = "";
	uint64_t ms;

	if (!text.len || text.len >= sizeof(copy))
		return -1;
	memcpy(copy, text.data, text.len);
	return clock_parse_span(copy, &ms) == 0 && ms <= INT_MAX ? (int)ms : -1;
}

static int serving_note(struct serving *v, const struct http_response *r)
{
	static const char *const names[FACTS] = {
		"Request-Id", "Request-Peer", "Request-User", "Content-Type", "Request-Query"};
	const char **members[FACTS] = {&v->request.id, &v->request.peer, &v->request.user,
		&v->request.type, &v->request.query};
	int e = 0;

	buffer_consume(&v->texts, buffer_len(&v->texts));
	for (size_t i = 0; i < FACTS && e == 0; i++)
		e = texts_add(&v->texts, http_fields_get(&r->fields, names[i]));
	if (e == 0)
		e = serving_note_fields(v, &r->fields);
	if (e < 0)
		return e;
	const char *text = (const char *)buffer_bytes(&v->texts).data;
	for (size_t i = 0; i < FACTS; i++) {
		*members[i] = text;
		text += strlen(text) + 1;
	}
	v->request.timeout_ms = serving_timeout(http_fields_get(&r->fields, "Request-Timeout"));
	v->request.body = NULL;
	v->request.body_len = 0;
	return 0;
}

static void serving_refuse_size(struct serving *v)
{
	serving_refuse(v, "Status: 413 Content Too Large\r\n", "the request is too large\n");
}

static void on_request(struct clerk *c, const struct http_response *r)
{
	struct serving *v = serving_of(c);
	const struct ferry_serve_options *o = &v->service->options;

	buffer_consume(&v->body, buffer_len(&v->body));
	v->state = SERVING_COMING;
	if (serving_note(v, r) < 0) {
		clerk_break(c);
		serving_next(v);
	} else if (o->piece) {
		serving_offer(v);
	} else if (r->content_length != HTTP_LENGTH_UNKNOWN && r->content_length > o->max_body) {
		serving_refuse_size(v);
	}
}

static void on_body(struct clerk *c, struct bytes piece)
{
	struct serving *v = serving_of(c);
	const struct ferry_serve_options *o = &v->service->options;

	if (v->state == SERVING_TAKEN && o->piece) {
		o->piece(o->data, &v->request, piece.data, piece.len);
	} else if (v->state == SERVING_COMING) {
		if (buffer_len(&v->body) + piece.len > o->max_body ||
			buffer_append(&v->body, piece.data, piece.len) < 0)
			serving_refuse_size(v);
	}
}

static void on_whole(struct clerk *c)
{
	struct serving *v = serving_of(c);
	const struct ferry_serve_options *o = &v->service->options;

	if (v->state == SERVING_TAKEN && o->piece) {
		o->piece(o->data, &v->request, NULL, 0);
	} else if (v->state == SERVING_COMING) {
		if (buffer_append(&v->body, "", 1) < 0) {
			serving_refuse_size(v);
			return;
		}
		v->request.body = buffer_bytes(&v->body).data;
		v->request.body_len = buffer_len(&v->body) - 1;
		serving_offer(v);
	}
}

static void on_writable(struct clerk *c)
{
	struct serving *v = serving_of(c);
	const struct ferry_serve_options *o = &v->service->options;

	if (v->state == SERVING_TAKEN && o->writable)
		o->writable(o->data, &v->request);
}

static void on_over(struct clerk *c, const struct fault *why)
{
	struct serving *v = serving_of(c);
	const struct ferry_serve_options *o = &v->service->options;

	if (v->state != SERVING_TAKEN)
		serving_next(v);
	else if (o->gone)
		o->gone(o->data, &v->request);
}

/* ---- the hub ---- */

static void on_hub(struct clerk *c, const struct fault *why)
{
	service_on_hub(serving_of(c)->service, why);
}

static void on_refused(struct clerk *c, const struct fault *why)
{
	service_on_refused(serving_of(c)->service, why);
}

const struct clerk_handler serving_clerk = {
	.request = on_request,
	.body = on_body,
	.whole = on_whole,
	.writable = on_writable,
	.over = on_over,
	.hub = on_hub,
	.refused = on_refused,
};

/* ---- for the program ---- */

const char *ferry_request_header(const struct ferry_request *r, const char *name)
{
	struct bytes left = buffer_bytes(&serving_of_request(r)->texts), field, value;

	for (int i = 0; i < FACTS; i++)
		bytes_cut(&left, '\0', &field);
	while (bytes_cut(&left, '\0', &field) && bytes_cut(&left, '\0', &value))
		if (bytes_equal_nocase(field, bytes_text(name)))
			return (const char *)value.data;
	return NULL;
}

void ferry_request_pause(struct ferry_request *r)
{
	clerk_hold(&serving_of_request(r)->clerk);
}

void ferry_request_resume(struct ferry_request *r)
{
	struct serving *v = serving_of_request(r);

	clerk_proceed(&v->clerk);
	context_touch(v->service->ferry);
}

/* ---- replies ---- */

static int serving_failed(struct serving *v, int error)
{
	if (error == -EPIPE)
		return fault_set(&v->service->ferry->why, error, "nobody waits for the reply");
	return fault_errno(&v->service->ferry->why, error, "cannot reply");
}

/* The reply has been given, or it failed with ERROR. */
static int serving_end(struct serving *v, int error)
{
	context_touch(v->service->ferry);
	v->state = SERVING_REPLIED;
	if (error == 0)
		return 0;
	serving_failed(v, error);
	if (error != -EPIPE)
		clerk_break(&v->clerk);
	serving_next(v);
	return error;
}

int ferry_reply(struct ferry_request *r, const void *body, size_t len, int exit_status)
{
	struct serving *v = serving_of_request(r);
	const struct clerk_reply reply = {v->service->type, len, exit_status & 255, BYTES_NULL};

	if (v->clerk.replying) {
		int e = len ? ferry_reply_write(r, body, len) : 0;
		return e < 0 ? serving_end(v, e) : ferry_reply_end(r, exit_status);
	}
	int e = clerk_begin(&v->clerk, &reply);
	if (e == 0 && len)
		e = clerk_write(&v->clerk, bytes_of(body, len));
	return serving_end(v, e);
}

int ferry_reply_write(struct ferry_request *r, const void *bytes, size_t len)
{
	struct serving *v = serving_of_request(r);
	const struct clerk_reply reply = {v->service->type, HTTP_LENGTH_UNKNOWN, -1, BYTES_NULL};
	int e = v->clerk.serving ? 0 : -EPIPE;

	if (e == 0 && !v->clerk.replying)
		e = clerk_begin(&v->clerk, &reply);
	if (e == 0)
		e = clerk_write(&v->clerk, bytes_of(bytes, len));
	context_touch(v->service->ferry);
	return e < 0 ? serving_failed(v, e) : clerk_is_blocked(&v->clerk);
}

int ferry_reply_end(struct ferry_request *r, int exit_status)
{
	struct serving *v = serving_of_request(r);

	if (v->clerk.serving && !v->clerk.replying)
		return ferry_reply(r, NULL, 0, exit_status);
	return serving_end(v, v->clerk.serving ? clerk_end(&v->clerk, exit_status & 255) : -EPIPE);
}

void ferry_request_drop(struct ferry_request *r)
{
	struct serving *v = serving_of_request(r);

	clerk_break(&v->clerk);
	serving_next(v);
}

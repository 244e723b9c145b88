#include "client/inquiry.h"

#include "base/cleanup.h"
#include "wire/http_hop.h"
#include "wire/uri.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* How much longer than the hub we wait: it knows better what is the matter. */
enum { SLACK_MS = 2000 };

static struct inquiry *inquiry_of(struct http_call *c)
{
	return container_of(c, struct inquiry, call);
}

/* ---- the reply ---- */

static void inquiry_on_head(struct http_call *c, const struct http_response *r)
{
	struct inquiry *q = inquiry_of(c);
	uint64_t exit;

	/* A status that is the server's is named once more. */
	q->replying = r->status == 200 || http_fields_get(&r->fields, "Status").len;
	if (!q->replying) {
		q->refusal.status = r->status;
		q->refusal.is_json = true;
		return;
	}
	if (http_parse_number(http_fields_get_only(&r->fields, "Exit-Status"), &exit) == 0)
		q->exit = (int)(exit & 255);
	q->handler->begun(q, r);
}

static void inquiry_on_body(struct http_call *c, struct bytes piece)
{
	struct inquiry *q = inquiry_of(c);

	if (q->replying) {
		q->handler->piece(q, piece);
		return;
	}
	size_t room = REPLY_BODY_MAX - buffer_len(&q->refusal.body);
	buffer_append(&q->refusal.body, piece.data, piece.len < room ? piece.len : room);
}

static int inquiry_error(int status)
{
	switch (status) {
	case 502:
		return -EPROTO;
	case 503:
		return -ECONNREFUSED;
	case 504:
		return -ETIMEDOUT;
	default:
		return 0;
	}
}

static void inquiry_on_ended(struct http_call *c)
{
	struct inquiry *q = inquiry_of(c);
	int trailer = http_call_trailer(c, "Exit-Status");
	struct fault why = FAULT_NULL;

	if (q->replying) {
		if (trailer >= 0)
			q->exit = trailer & 255;
	} else {
		reply_explain(&q->refusal, &why);
		if (inquiry_error(q->refusal.status))
			why.error = inquiry_error(q->refusal.status);
	}
	q->handler->over(q, why.error ? &why : NULL);
}

static void inquiry_on_failed(struct http_call *c, const struct fault *why)
{
	struct inquiry *q = inquiry_of(c);
	struct fault broken = *why;

	if (q->replying)
		fault_set(&broken, -EPROTO, "the reply broke off: %s", why->text);
	q->handler->over(q, &broken);
}

static void inquiry_on_writable(struct http_call *c)
{
	struct inquiry *q = inquiry_of(c);

	q->handler->writable(q);
}

static const struct http_call_handler inquiry_call = {
	.head = inquiry_on_head,
	.body = inquiry_on_body,
	.ended = inquiry_on_ended,
	.failed = inquiry_on_failed,
	.writable = inquiry_on_writable,
};

/* ---- life ---- */

int inquiry_init(struct inquiry *q, struct loop *l, const struct address *a, struct trust *trust,
	const struct inquiry_handler *handler)
{
	*q = INQUIRY_NULL;
	q->handler = handler;
	return http_call_init(&q->call, l, a, trust, &inquiry_call);
}

void inquiry_deinit(struct inquiry *q)
{
	http_call_deinit(&q->call);
	reply_deinit(&q->refusal);
}

static int inquiry_target(struct buffer *target, const struct inquiry_options *o)
{
	int r = buffer_append(target, "/services/", 10);

	return r < 0 ? r : uri_escape(target, bytes_text(o->service), "");
}

/* The fields that say how the request itself travels, or have an option. */
static int inquiry_header(struct http_writer *head, const char *text, struct fault *why)
{
	static const char *const own[] = {"Authorization", "Content-Length", "Content-Type",
		"Expect", "Host", "Request-Retry", "Request-Timeout", "User-Agent"};
	struct bytes value = bytes_text(text), name;

	if (!bytes_cut(&value, ':', &name) || !http_is_token(name) || !http_is_value(value))
		return fault_set(why, -EINVAL, "a header is written 'Name: value', not '%s'", text);
	struct http_field field = {name, http_trim(value)};
	struct http_fields none = {0};
	if (!http_field_is_end_to_end(&none, &field) ||
		http_name_is_in(name, own, sizeof(own) / sizeof(*own)))
		return fault_set(why, -EINVAL, "the header %.*s is not yours to say", (int)name.len,
			(const char *)name.data);
	char *copy = bytes_dup(name);
	if (!copy)
		return fault_errno(why, -ENOMEM, "cannot ask");
	http_writer_field(head, copy, field.value);
	free(copy);
	return 0;
}

static int inquiry_head(struct inquiry *q, struct http_writer *head,
	const struct inquiry_options *o, struct fault *why)
{
	cleanup(buffer_deinit) struct buffer target = BUFFER_NULL;
	char timeout[24];

	int len = snprintf(timeout, sizeof(timeout), "%llums", (unsigned long long)o->timeout);
	int r = inquiry_target(&target, o);
	if (r < 0)
		return fault_errno(why, r, "cannot ask");
	http_call_begin(&q->call, head, HTTP_POST, buffer_bytes(&target));
	http_writer_field(head, "Request-Timeout", bytes_of(timeout, (size_t)len));
	if (o->type)
		http_writer_text(head, "Content-Type", o->type);
	if (o->retry_lost)
		http_writer_text(head, "Request-Retry", "lost");
	for (size_t i = 0; i < o->header_count && r == 0; i++)
		r = inquiry_header(head, o->headers[i], why);
	return r;
}

int inquiry_start(struct inquiry *q, const struct inquiry_options *o, struct fault *why)
{
	struct http_writer head;

	reply_init(&q->refusal, HTTP_POST);
	q->replying = false;
	q->exit = -1;
	int r = inquiry_head(q, &head, o, why);
	if (r < 0)
		return r;
	r = http_call_start(&q->call, &head, o->length, o->timeout);
	if (r < 0)
		return fault_errno(why, r, "cannot ask");
	if (o->timeout < UINT64_MAX - SLACK_MS)
		http_call_expect(&q->call, o->timeout + SLACK_MS);
	return 0;
}

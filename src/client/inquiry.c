#include "client/inquiry.h"

#include "base/cleanup.h"
#include "wire/uri.h"

#include <errno.h>

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

	q->replying = r->status == 200;
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

	if (r == 0)
		r = uri_escape(target, bytes_text(o->service), "");
	return r < 0 ? r : buffer_print(target, "?timeout=%llums", (unsigned long long)o->timeout);
}

int inquiry_start(struct inquiry *q, const struct inquiry_options *o)
{
	cleanup(buffer_deinit) struct buffer target = BUFFER_NULL;
	struct http_writer head;

	reply_init(&q->refusal, HTTP_POST);
	q->replying = false;
	q->exit = -1;
	int r = inquiry_target(&target, o);
	if (r < 0)
		return r;
	http_call_begin(&q->call, &head, HTTP_POST, buffer_bytes(&target));
	if (o->type)
		http_writer_text(&head, "Content-Type", o->type);
	if (o->lines.len && buffer_append(head.out, o->lines.data, o->lines.len) < 0)
		return -ENOMEM;
	r = http_call_start(&q->call, &head, o->length, o->timeout);
	if (r == 0 && o->timeout < UINT64_MAX - SLACK_MS)
		http_call_expect(&q->call, o->timeout + SLACK_MS);
	return r;
}

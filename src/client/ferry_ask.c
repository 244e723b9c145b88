/*
 * ferry.h: asking
 *
 * One who has asked is kept, with its connection, for the next time the same address is asked.
 */

#include "base/cleanup.h"
#include "client/context.h"
#include "client/inquiry.h"

#include <errno.h>
#include <stdlib.h>

enum { IDLE_MAX = 64, TIMEOUT_MS = 30 * 1000 };

static const uint64_t ever_ms = 365 * 24 * 3600 * UINT64_C(1000);

struct ferry_asking {
	struct context_part part;
	struct list node; /* of those who have asked */
	struct ferry *ferry;
	struct ferry_ask_options options;
	struct inquiry inquiry;
	struct address address;
	char *where; /* the address as it was given */
	char *type;  /* of the reply */
	struct buffer body;
	struct ending release;
};

static struct ferry_asking *asking_of(struct inquiry *q)
{
	return container_of(q, struct ferry_asking, inquiry);
}

/* ---- life ---- */

static void asking_release(struct ending *e)
{
	struct ferry_asking *a = container_of(e, struct ferry_asking, release);

	address_deinit(&a->address);
	buffer_deinit(&a->body);
	free(a->where);
	free(a->type);
	free(a);
}

/* Its memory stays until the turn ends: it may be in use further down. */
static void asking_free(struct ferry_asking *a)
{
	inquiry_deinit(&a->inquiry);
	list_unlink(&a->node);
	context_remove(&a->part);
	ending_ask(&a->ferry->loop, &a->release);
}

static void asking_end(struct context_part *p)
{
	asking_free(container_of(p, struct ferry_asking, part));
}

/* It may serve again; of too many the first goes. */
static void asking_rest(struct ferry_asking *a)
{
	struct ferry *f = a->ferry;

	list_push(&f->rested, &a->node);
	if (f->rested_count++ < IDLE_MAX)
		return;
	f->rested_count--;
	asking_free(container_of(f->rested.next, struct ferry_asking, node));
}

/* ---- the reply ---- */

static struct ferry_reply asking_reply(const struct ferry_asking *a)
{
	struct bytes body = buffer_bytes(&a->body);

	return (struct ferry_reply){
		.exit_status = a->inquiry.exit < 0 ? 0 : a->inquiry.exit,
		.type = a->type ? a->type : "",
		.body = body.data,
		.body_len = body.len ? body.len - 1 : 0,
	};
}

static void asking_finish(struct ferry_asking *a, const struct fault *why)
{
	const struct ferry_ask_options *o = &a->options;
	struct fault short_of_memory;

	if (!why && buffer_append(&a->body, "", 1) < 0) {
		fault_errno(&short_of_memory, -ENOMEM, "no room for the reply");
		why = &short_of_memory;
	}
	if (why)
		context_failed(a->ferry, why);
	struct ferry_reply reply = asking_reply(a);
	if (o->done)
		o->done(o->data, why ? why->error : 0, why ? NULL : &reply);
	asking_rest(a);
}

static void on_begun(struct inquiry *q, const struct http_response *r)
{
	struct ferry_asking *a = asking_of(q);
	struct bytes type = http_fields_get(&r->fields, "Content-Type");

	a->type = type.len ? bytes_dup(type) : NULL;
	struct ferry_reply reply = asking_reply(a);
	if (a->options.begun)
		a->options.begun(a->options.data, &reply);
}

/* Nothing may be missing silently. */
static void on_no_memory(struct ferry_asking *a)
{
	struct fault why;

	fault_errno(&why, -ENOMEM, "no room for the reply");
	http_call_break(&a->inquiry.call);
	asking_finish(a, &why);
}

static void on_piece(struct inquiry *q, struct bytes piece)
{
	struct ferry_asking *a = asking_of(q);

	if (a->options.piece)
		a->options.piece(a->options.data, piece.data, piece.len);
	else if (buffer_append(&a->body, piece.data, piece.len) < 0)
		on_no_memory(a);
}

static void on_writable(struct inquiry *q)
{
	struct ferry_asking *a = asking_of(q);

	if (a->options.writable)
		a->options.writable(a->options.data);
}

static void on_over(struct inquiry *q, const struct fault *why)
{
	asking_finish(asking_of(q), why);
}

static const struct inquiry_handler inquiry_handler = {
	.begun = on_begun,
	.piece = on_piece,
	.writable = on_writable,
	.over = on_over,
};

/* ---- the request ---- */

void ferry_ask_options_init(struct ferry_ask_options *options, size_t size)
{
	const struct ferry_ask_options presets = {.size = size, .timeout_ms = TIMEOUT_MS};

	memset(options, 0, size);
	memcpy(options, &presets, context_known(size, sizeof(presets)));
}

static struct ferry_asking *asking_find(struct ferry *f, const char *where)
{
	list_each (node, &f->rested) {
		struct ferry_asking *a = container_of(node, struct ferry_asking, node);
		if (strcmp(a->where, where))
			continue;
		list_unlink(&a->node);
		f->rested_count--;
		buffer_consume(&a->body, buffer_len(&a->body));
		free(take(a->type));
		if (!f->turning)
			http_call_check(&a->inquiry.call);
		return a;
	}
	return NULL;
}

static struct ferry_asking *asking_new(struct ferry *f, const char *where)
{
	struct ferry_asking *a = calloc(1, sizeof(*a));

	if (!a) {
		fault_errno(&f->why, -ENOMEM, "%s", where);
		return NULL;
	}
	a->ferry = f;
	a->address = ADDRESS_NULL;
	a->inquiry = INQUIRY_NULL;
	list_init(&a->node);
	ending_init(&a->release, asking_release);
	context_add(f, &a->part, asking_end);
	int r = context_make_trust(f);
	if (r == 0)
		r = address_parse(&a->address, where, &f->why);
	if (r == 0) {
		a->where = strdup(where);
		r = a->where ? inquiry_init(&a->inquiry, &f->loop, &a->address, f->trust,
				       &inquiry_handler)
			     : -ENOMEM;
		if (r < 0)
			fault_errno(&f->why, r, "%s", where);
	}
	if (r == 0)
		return a;
	asking_free(a);
	return NULL;
}

static size_t count_texts(const char *const *texts)
{
	size_t count = 0;

	while (texts && texts[count])
		count++;
	return count;
}

static int asking_start(struct ferry_asking *a, const char *service, struct bytes body)
{
	const struct ferry_ask_options *o = &a->options;
	const struct inquiry_options options = {
		.service = service,
		.type = o->type,
		.length = o->streamed ? HTTP_LENGTH_UNKNOWN : body.len,
		.timeout = o->timeout_ms < 0 ? ever_ms : (uint64_t)o->timeout_ms,
		.retry_lost = o->retry_lost,
		.headers = o->headers,
		.header_count = count_texts(o->headers),
	};

	int r = inquiry_start(&a->inquiry, &options, &a->ferry->why);
	if (r < 0 || o->streamed || !body.len)
		return r;
	r = inquiry_write(&a->inquiry, body);
	return r < 0 ? fault_errno(&a->ferry->why, r, "cannot ask") : 0;
}

struct ferry_asking *ferry_ask_start(struct ferry *f, const char *address, const char *service,
	const void *body, size_t len, const struct ferry_ask_options *options)
{
	struct ferry_asking *a = asking_find(f, address);

	if (!a)
		a = asking_new(f, address);
	if (!a)
		return NULL;
	ferry_ask_options_init(&a->options, sizeof(a->options));
	memcpy(&a->options, options, context_known(options->size, sizeof(a->options)));
	context_touch(f);
	if (asking_start(a, service, bytes_of(body, len)) == 0)
		return a;
	asking_free(a);
	return NULL;
}

int ferry_ask_write(struct ferry_asking *a, const void *bytes, size_t len)
{
	int r = inquiry_write(&a->inquiry, bytes_of(bytes, len));

	context_touch(a->ferry);
	if (r < 0)
		return fault_errno(&a->ferry->why, r, "cannot ask");
	return inquiry_is_blocked(&a->inquiry);
}

int ferry_ask_end(struct ferry_asking *a)
{
	int r = inquiry_end(&a->inquiry);

	context_touch(a->ferry);
	return r < 0 ? fault_errno(&a->ferry->why, r, "cannot ask") : 0;
}

void ferry_ask_pause(struct ferry_asking *a)
{
	inquiry_hold(&a->inquiry);
}

void ferry_ask_resume(struct ferry_asking *a)
{
	inquiry_proceed(&a->inquiry);
	context_touch(a->ferry);
}

struct ferry_asking *ferry_ask_cancel(struct ferry_asking *a)
{
	if (!a)
		return NULL;
	context_touch(a->ferry);
	asking_free(a);
	return NULL;
}

/* ---- waiting ---- */

struct asked {
	struct ferry *ferry;
	struct ferry_reply *reply;
	bool done;
	int error;
};

static bool asked_is_done(const void *arg)
{
	return ((const struct asked *)arg)->done;
}

/* The reply outlives the one who asked, who may be asking on by then. */
static void asked_note(void *data, int error, const struct ferry_reply *r)
{
	struct asked *asked = data;
	struct ferry *f = asked->ferry;

	asked->done = true;
	asked->error = error;
	if (error)
		return;
	buffer_consume(&f->reply_body, buffer_len(&f->reply_body));
	free(f->reply_type);
	f->reply_type = strdup(r->type);
	if (!f->reply_type || buffer_append(&f->reply_body, r->body, r->body_len + 1) < 0) {
		asked->error = fault_errno(&f->why, -ENOMEM, "no room for the reply");
		return;
	}
	*asked->reply = *r;
	asked->reply->type = f->reply_type;
	asked->reply->body = buffer_bytes(&f->reply_body).data;
}

int ferry_ask(struct ferry *f, const char *address, const char *service, const void *body,
	size_t len, struct ferry_reply *reply, int timeout_ms)
{
	struct asked asked = {.ferry = f, .reply = reply};
	struct ferry_ask_options options = ferry_ask_options();

	if (f->turning)
		return context_wait(f, asked_is_done, &asked, 0);
	options.timeout_ms = timeout_ms;
	options.done = asked_note;
	options.data = &asked;
	struct ferry_asking *a = ferry_ask_start(f, address, service, body, len, &options);
	if (!a)
		return f->why.error;
	if (context_wait(f, asked_is_done, &asked, timeout_ms) < 0) {
		ferry_ask_cancel(a);
		return f->why.error;
	}
	return asked.error;
}

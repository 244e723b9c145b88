#include "client/fetch.h"

#include <errno.h>

static struct fetch *fetch_of(struct http_call *c)
{
	return container_of(c, struct fetch, call);
}

static void fetch_end(struct fetch *f, int result)
{
	f->result = result;
	uv_timer_stop(&f->timer);
	if (result < 0)
		http_call_break(&f->call);
	loop_stop(&f->loop);
}

static void fetch_on_head(struct http_call *c, const struct http_response *r)
{
	reply_begin(&fetch_of(c)->refusal, r);
}

static void fetch_on_body(struct http_call *c, struct bytes piece)
{
	struct fetch *f = fetch_of(c);

	if (f->refusal.status >= 300)
		reply_add(&f->refusal, piece);
	else if (buffer_len(f->body) + piece.len > FETCH_BODY_MAX)
		fetch_end(f, fault_set(f->why, -EMSGSIZE, "the hub's answer is too long"));
	else if (buffer_append(f->body, piece.data, piece.len) < 0)
		fetch_end(f, fault_errno(f->why, -ENOMEM, "cannot keep the hub's answer"));
}

static void fetch_on_ended(struct http_call *c)
{
	struct fetch *f = fetch_of(c);
	int r = f->refusal.status < 300 ? 0 : reply_explain(&f->refusal, f->why);

	if (r < 0 && f->refusal.is_json && f->refusal.status == 404)
		r = f->why->error = -ENOENT;
	fetch_end(f, r);
}

static void fetch_on_failed(struct http_call *c, const struct fault *why)
{
	struct fetch *f = fetch_of(c);

	if (why->error == -EPROTO)
		reply_doubt(f->why, why->error, why->text);
	else
		*f->why = *why;
	fetch_end(f, f->why->error);
}

static void fetch_on_timer(uv_timer_t *timer)
{
	struct fetch *f = container_of(timer, struct fetch, timer);

	fetch_end(f, reply_doubt(f->why, -ETIMEDOUT, "it did not answer in time"));
}

static const struct http_call_handler fetch_call = {
	.head = fetch_on_head,
	.body = fetch_on_body,
	.ended = fetch_on_ended,
	.failed = fetch_on_failed,
};

int fetch_ask(struct fetch *f, enum http_method method, struct bytes target, struct buffer *body,
	struct fault *why)
{
	struct http_writer w;

	f->body = body;
	f->why = why;
	http_call_begin(&f->call, &w, method, target);
	http_writer_text(&w, "Accept", "application/json");
	int r = http_call_start(&f->call, &w, 0, f->timeout_ms);
	if (r < 0)
		return fault_errno(why, r, "cannot ask the hub");
	uv_update_time(&f->loop.uv);
	uv_timer_start(&f->timer, fetch_on_timer, f->timeout_ms, 0);
	loop_run(&f->loop);
	return f->result;
}

int fetch_open(struct fetch *f, const char *address, struct trust *trust, uint64_t timeout_ms,
	struct fault *why)
{
	*f = (struct fetch){.call = HTTP_CALL_NULL, .timeout_ms = timeout_ms};
	int r = address_parse(&f->address, address, why);
	if (r < 0)
		return r;
	r = loop_init(&f->loop);
	if (r < 0) {
		address_deinit(&f->address);
		return fault_errno(why, r, "cannot start");
	}
	uv_timer_init(&f->loop.uv, &f->timer);
	r = http_call_init(&f->call, &f->loop, &f->address, trust, &fetch_call);
	if (r == 0)
		return 0;
	fetch_close(f);
	return fault_errno(why, r, "cannot start");
}

void fetch_close(struct fetch *f)
{
	http_call_deinit(&f->call);
	reply_deinit(&f->refusal);
	loop_deinit(&f->loop);
	address_deinit(&f->address);
}

int fetch(const char *address, struct trust *trust, const char *target, uint64_t timeout_ms,
	struct buffer *body, struct fault *why)
{
	struct fetch f;

	int r = fetch_open(&f, address, trust, timeout_ms, why);
	if (r < 0)
		return r;
	r = fetch_ask(&f, HTTP_GET, bytes_text(target), body, why);
	fetch_close(&f);
	return r;
}

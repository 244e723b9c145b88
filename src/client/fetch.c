#include "client/fetch.h"

#include "base/cleanup.h"
#include "client/link.h"
#include "client/reply.h"
#include "client/request.h"

#include <errno.h>

struct fetch {
	struct loop loop;
	struct link link;
	struct address address;
	struct trust *trust;
	struct reply reply;
	const char *target;
	struct fault *why;
	int result;
};

static struct fetch *fetch_of(struct link *l)
{
	return container_of(l, struct fetch, link);
}

static void fetch_end(struct fetch *f, int result)
{
	f->result = result;
	link_close(&f->link);
	loop_stop(&f->loop);
}

static void fetch_on_connected(struct link *l)
{
	cleanup(buffer_deinit) struct buffer request = BUFFER_NULL;
	struct fetch *f = fetch_of(l);
	struct http_writer w;

	request_begin_at(&w, &request, &f->address, &f->link, HTTP_GET, bytes_text(f->target));
	http_writer_text(&w, "Accept", "application/json");
	http_writer_text(&w, "Connection", "close");
	int r = http_writer_end(&w);
	struct bytes text = buffer_bytes(&request);
	if (r == 0)
		r = stream_write(&l->stream, text.data, text.len);
	if (r < 0)
		fetch_end(f, fault_errno(f->why, r, "cannot ask the hub"));
}

static int fetch_judge(struct fetch *f, int outcome)
{
	if (outcome < 0)
		return fault_errno(f->why, outcome, "cannot read the hub's answer");
	if (outcome == HTTP_REFUSED)
		return reply_doubt(f->why, -EPROTO, f->reply.answer.detail);
	return f->reply.status == 200 ? 0 : reply_explain(&f->reply, f->why);
}

static size_t fetch_on_received(struct link *l, struct bytes data)
{
	struct fetch *f = fetch_of(l);
	struct bytes in = data;
	struct http_response head;
	int r;

	do
		r = reply_next(&f->reply, &in, &head);
	while (r == HTTP_ANSWER_HEAD);
	if (r != HTTP_MORE)
		fetch_end(f, fetch_judge(f, r));
	return data.len - in.len;
}

static void fetch_on_ended(struct link *l)
{
	struct fetch *f = fetch_of(l);

	if (http_answer_end(&f->reply.answer) == 0)
		fetch_end(f, fetch_judge(f, 0));
	else
		fetch_end(f, reply_doubt(f->why, -EPROTO, "it ended without an answer"));
}

static void fetch_on_failed(struct link *l, const struct fault *why)
{
	struct fetch *f = fetch_of(l);

	*f->why = *why;
	fetch_end(f, why->error);
}

static void fetch_on_alarmed(struct link *l)
{
	struct fetch *f = fetch_of(l);

	fetch_end(f, reply_doubt(f->why, -ETIMEDOUT, "it did not answer in time"));
}

static void fetch_on_writable(struct link *l)
{
}

static const struct link_handler fetch_link = {
	.connected = fetch_on_connected,
	.received = fetch_on_received,
	.ended = fetch_on_ended,
	.writable = fetch_on_writable,
	.failed = fetch_on_failed,
	.alarmed = fetch_on_alarmed,
};

static int fetch_run(struct fetch *f, uint64_t timeout_ms)
{
	int r = link_init(&f->link, &f->loop, f->trust, &fetch_link);
	if (r < 0)
		return fault_errno(f->why, r, "cannot start");
	reply_init(&f->reply, HTTP_GET);
	r = link_dial(&f->link, &f->address, timeout_ms);
	if (r < 0)
		return fault_errno(f->why, r, "cannot start");
	link_alarm(&f->link, timeout_ms);
	loop_run(&f->loop);
	return f->result;
}

int fetch(const char *address, struct trust *trust, const char *target, uint64_t timeout_ms,
	struct buffer *body, struct fault *why)
{
	struct fetch f = {.target = target, .trust = trust, .why = why, .link = LINK_NULL};

	int r = address_parse(&f.address, address, why);
	if (r < 0)
		return r;
	r = loop_init(&f.loop);
	if (r < 0) {
		address_deinit(&f.address);
		return fault_errno(why, r, "cannot start");
	}
	r = fetch_run(&f, timeout_ms);
	struct bytes got = buffer_bytes(&f.reply.body);
	if (r == 0 && buffer_append(body, got.data, got.len) < 0)
		r = fault_errno(why, -ENOMEM, "cannot keep the hub's answer");
	reply_deinit(&f.reply);
	link_deinit(&f.link);
	address_deinit(&f.address);
	loop_deinit(&f.loop);
	return r;
}

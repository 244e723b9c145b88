/*
 * The http dialect, for those who only publish: what is ready goes as one POST of many lines, a few
 * of them on the way at a time, and a batch is settled when the hub answers that all of it is
 * stored. A batch that was not answered is sent again on the next connection as it was, under the
 * same Idempotency-Key, so the hub stores none of it twice.
 */

#include "base/cleanup.h"
#include "client/dialect.h"
#include "client/request.h"
#include "wire/json.h"

#include <errno.h>
#include <stdio.h>

enum {
	HTTP_BATCH_BYTES = 256 * 1024,
	HTTP_BATCH_MESSAGES = 4096,
};

static struct dialect_http *http_of(struct session *s)
{
	return &s->as.http;
}

/* ---- the greeting ---- */

/* What takes a POST here is a hub. */
static int http_greet(struct session *s)
{
	cleanup(buffer_deinit) struct buffer out = BUFFER_NULL;
	struct http_writer w;

	request_begin(&w, &out, s, HTTP_OPTIONS, BYTES_NULL);
	int r = http_writer_end(&w);
	return r < 0 ? r : stream_write(&s->link.stream, out.data + out.start, buffer_len(&out));
}

static void http_start(struct session *s)
{
	reply_init(&http_of(s)->reply, HTTP_OPTIONS);
	int r = http_greet(s);
	if (r < 0)
		session_broke(s, r, "cannot ask the hub: %s", strerror(-r));
}

/* ---- out ---- */

/* Whether message N belongs to the batch: to a new one as many as fit, to one that was sent before
 * the same. */
static bool http_takes(const struct batch *batch, uint64_t n, const struct buffer *lines)
{
	if (batch->count)
		return n < batch->count;
	return n < HTTP_BATCH_MESSAGES && buffer_len(lines) < HTTP_BATCH_BYTES;
}

/* Writes the next messages as LINES. 0 or -ENOMEM. */
static int http_gather(struct session *s, struct batch *batch, struct buffer *lines)
{
	struct bytes body;
	uint64_t n = 0;
	uint8_t *to;

	batch->first = outbox_next_number(&s->outbox);
	for (; http_takes(batch, n, lines) && outbox_next(&s->outbox, &body); n++) {
		int r = buffer_reserve(lines, json_line_body_size(body), &to);
		if (r < 0)
			return r;
		buffer_commit(lines, json_line_body(body, to));
	}
	batch->count = n;
	return 0;
}

static int http_write_batch(
	struct session *s, const struct batch *batch, const struct buffer *lines)
{
	cleanup(buffer_deinit) struct buffer out = BUFFER_NULL, query = BUFFER_NULL;
	char key[SESSION_TOKEN_SIZE + 24];
	struct http_writer w;

	snprintf(key, sizeof(key), "%s-%llu", s->token, (unsigned long long)batch->first);
	int r = s->name ? request_query(&query, "name", s->name) : 0;
	if (r < 0)
		return r;
	request_begin(&w, &out, s, HTTP_POST, buffer_bytes(&query));
	http_writer_text(&w, "Content-Type", "application/x-ndjson");
	http_writer_text(&w, "Idempotency-Key", key);
	http_writer_number(&w, "Content-Length", buffer_len(lines));
	r = http_writer_end(&w);
	if (r < 0)
		return r;
	struct iovec iov[2] = {
		{out.data + out.start, buffer_len(&out)},
		{lines->data + lines->start, buffer_len(lines)},
	};
	return stream_writev(&s->link.stream, iov, 2);
}

/* The batches that were sent before come first. */
static int http_send_batch(struct session *s)
{
	cleanup(buffer_deinit) struct buffer lines = BUFFER_NULL;
	struct dialect_http *http = http_of(s);
	struct batch *batch = &s->batches[http->sent];

	if (http->sent == s->batch_count)
		*batch = (struct batch){0};
	int r = http_gather(s, batch, &lines);
	if (r == 0)
		r = http_write_batch(s, batch, &lines);
	if (r < 0)
		return r;
	if (!http->sent++)
		link_alarm(&s->link, s->timeout_ms);
	if (s->batch_count < http->sent)
		s->batch_count = http->sent;
	return 0;
}

static void http_pump(struct session *s)
{
	int r = 0;

	while (r == 0 && http_of(s)->sent < SESSION_BATCHES && outbox_has_unsent(&s->outbox) &&
		!stream_is_blocked(&s->link.stream))
		r = http_send_batch(s);
	if (r < 0)
		session_broke(s, r, "cannot send to the hub: %s", strerror(-r));
}

/* Nothing is on the way: there is nobody to say goodbye to. */
static void http_finish(struct session *s)
{
	session_over(s, &FAULT_NULL);
}

/* ---- in ---- */

/* The oldest batch has its answer. */
static void http_settle(struct session *s, const struct fault *why, uint64_t last_id)
{
	struct dialect_http *http = http_of(s);
	uint64_t count = s->batches[0].count;

	http->sent--;
	s->batch_count--;
	memmove(s->batches, s->batches + 1, s->batch_count * sizeof(*s->batches));
	reply_init(&http->reply, HTTP_POST);
	link_alarm(&s->link, http->sent ? s->timeout_ms : 0);
	while (count-- && session_is_connected(s))
		session_settle(s, why, count ? 0 : last_id);
	session_ask_pump(s);
}

/* That there is no room now is no reason to drop anything. */
static void http_refused(struct session *s)
{
	struct fault why;

	int error = reply_explain(&http_of(s)->reply, &why);
	if (error == -EAGAIN)
		session_lost(s, &why);
	else if (error == -EPROTO || error == -EACCES || s->state == SESSION_GREETING)
		session_over(s, &why);
	else
		http_settle(s, &why, 0);
}

static void http_greeted(struct session *s)
{
	if (!http_of(s)->allows_post) {
		http_refused(s);
		return;
	}
	reply_init(&http_of(s)->reply, HTTP_POST);
	session_opened(s);
}

static void http_answered(struct session *s)
{
	struct dialect_http *http = http_of(s);
	bool goes_on = http->reply.answer.keep_alive;

	if (s->state == SESSION_GREETING)
		http_greeted(s);
	else if (http->reply.status == 200)
		http_settle(s, NULL, reply_number(&http->reply, "id"));
	else
		http_refused(s);
	if (!goes_on && s->state == SESSION_OPEN && session_is_connected(s))
		session_broke(s, -ECONNRESET, "the hub has ended the connection");
}

static size_t http_received(struct session *s, struct bytes data)
{
	struct dialect_http *http = http_of(s);
	struct http_response head;
	struct bytes in = data;
	struct fault why;

	if (s->state == SESSION_OPEN && !http->sent) {
		fault_set(&why, -EPROTO, "the hub answers what was not asked");
		session_over(s, &why);
		return data.len;
	}
	int r = reply_next(&http->reply, &in, &head);
	if (r == HTTP_ANSWER_HEAD) {
		http->allows_post =
			head.status < 300 && http_fields_list_has(&head.fields, "Allow", "POST");
		r = reply_next(&http->reply, &in, &head);
	}
	if (r == 0) {
		http_answered(s);
	} else if (r != HTTP_MORE) {
		reply_doubt(&why, -EPROTO, "it does not answer as a hub does");
		session_over(s, &why);
	}
	return session_is_connected(s) ? data.len - in.len : data.len;
}

static void http_ended(struct session *s)
{
	session_broke(s, -ECONNRESET, "the other side has ended the connection");
}

static void http_silent(struct session *s)
{
	session_broke(s, -ETIMEDOUT, "the hub does not answer");
}

static void http_stop(struct session *s)
{
	reply_deinit(&http_of(s)->reply);
}

const struct dialect dialect_http = {
	.name = "http",
	.resumes = true,
	.start = http_start,
	.received = http_received,
	.ended = http_ended,
	.pump = http_pump,
	.finish = http_finish,
	.alarmed = http_silent,
	.stop = http_stop,
};

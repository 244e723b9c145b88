#include "cli/relay_report.h"

#include "base/date.h"
#include "base/log.h"
#include "net/standard.h"
#include "net/stream.h"
#include "wire/json.h"

#include <errno.h>
#include <stdlib.h>

enum { REPORT_MAX = 1024 * 1024 };

struct totals {
	uint64_t connections;
	uint64_t unreachable;
	uint64_t failed;
	uint64_t sent;
	uint64_t received;
	uint64_t lost;
};

struct relay_report {
	bool json;
	struct stream out; /* closed when nothing is to be printed */
	uv_async_t woke;
	uv_mutex_t lock; /* of all that follows */
	struct buffer text;
	struct totals totals;
	struct log_limit refusals;
	uint64_t left_out; /* lines that had no room */
	int error;
};

/* ---- lines ---- */

static void print_quoted(struct buffer *out, const char *key, const char *text)
{
	uint8_t *to;

	buffer_print(out, ",\"%s\":", key);
	if (buffer_reserve(out, json_quote_size(bytes_text(text)), &to) == 0)
		buffer_commit(out, json_quote(bytes_text(text), to));
}

static void print_number(struct buffer *out, const char *key, uint64_t number)
{
	buffer_print(out, ",\"%s\":%llu", key, (unsigned long long)number);
}

static void print_record(struct buffer *out, const struct crossing_record *r)
{
	char began[DATE_TEXT_SIZE];

	date_format(r->began_ms, began);
	buffer_print(out, "{\"event\":\"closed\"");
	print_number(out, "id", r->id);
	print_quoted(out, "from", r->from);
	print_quoted(out, "to", r->to);
	print_quoted(out, "began", began);
	print_number(out, "connect_ms", r->connect_ms);
	print_number(out, "lasted_ms", r->lasted_ms);
	print_number(out, "sent", r->sent);
	print_number(out, "received", r->received);
	if (r->lost)
		print_number(out, "lost", r->lost);
	print_quoted(out, "end", crossing_end_name(r->end));
	if (r->error)
		print_quoted(out, "error", *r->why ? r->why : strerror(-r->error));
	buffer_append(out, "}\n", 2);
}

static void totals_add(struct totals *t, const struct crossing_record *r)
{
	t->connections++;
	t->unreachable += r->end == CROSSING_UNREACHABLE;
	t->failed += r->end == CROSSING_RESET_FROM || r->end == CROSSING_RESET_TO;
	t->sent += r->sent;
	t->received += r->received;
	t->lost += r->lost;
}

static bool report_has_room(struct relay_report *r)
{
	if (!stream_is_open(&r->out))
		return false;
	if (buffer_len(&r->text) < REPORT_MAX)
		return true;
	r->left_out++;
	return false;
}

/* What went wrong is said on standard error, whatever standard output is for. */
static void log_record(struct relay_report *report, const struct crossing_record *r)
{
	const char *why = *r->why ? r->why : r->error ? strerror(-r->error) : "";
	bool refused =
		r->end == CROSSING_UNREACHABLE || r->end == CROSSING_REFUSED || r->error == -EACCES;

	if (refused && log_limit_allows(&report->refusals))
		log_note("%s: %s", r->from, why);
	else if (!refused)
		log_detail("%s to %s: %s%s%s, %llu bytes there, %llu back", r->from, r->to,
			crossing_end_name(r->end), *why ? ": " : "", why,
			(unsigned long long)r->sent, (unsigned long long)r->received);
}

void relay_report_ended(void *report, const struct crossing_record *record)
{
	struct relay_report *r = report;

	uv_mutex_lock(&r->lock);
	log_record(r, record);
	totals_add(&r->totals, record);
	r->error = record->error;
	bool wake = r->json && report_has_room(r);
	if (wake)
		print_record(&r->text, record);
	uv_mutex_unlock(&r->lock);
	if (wake)
		uv_async_send(&r->woke);
}

void relay_report_listening(struct relay_report *r, const char *address)
{
	uv_mutex_lock(&r->lock);
	if (report_has_room(r) && r->json) {
		buffer_print(&r->text, "{\"event\":\"listening\"");
		print_quoted(&r->text, "address", address);
		buffer_append(&r->text, "}\n", 2);
	} else if (report_has_room(r)) {
		buffer_print(&r->text, "Listening on %s\n", address);
	}
	uv_mutex_unlock(&r->lock);
	uv_async_send(&r->woke);
}

static void print_stats(struct buffer *out, const struct totals *t, uint64_t left_out)
{
	buffer_print(out, "{\"event\":\"stats\"");
	print_number(out, "connections", t->connections);
	print_number(out, "unreachable", t->unreachable);
	print_number(out, "failed", t->failed);
	print_number(out, "sent", t->sent);
	print_number(out, "received", t->received);
	print_number(out, "lost", t->lost);
	print_number(out, "lines_left_out", left_out);
	buffer_append(out, "}\n", 2);
}

void relay_report_stats(struct relay_report *r)
{
	const struct totals *t = &r->totals;

	if (r->json && stream_is_open(&r->out)) {
		print_stats(&r->text, t, r->left_out);
		return;
	}
	log_note("%llu connections, %llu without a target, %llu failed; %llu bytes there, "
		 "%llu back",
		(unsigned long long)t->connections, (unsigned long long)t->unreachable,
		(unsigned long long)t->failed, (unsigned long long)t->sent,
		(unsigned long long)t->received);
}

int relay_report_error(const struct relay_report *r)
{
	return r->error;
}

/* ---- writing ---- */

/* Moves to the stream what it has room for. */
static void report_write(struct relay_report *r)
{
	uv_mutex_lock(&r->lock);
	struct bytes text = buffer_bytes(&r->text);
	if (text.len && stream_is_open(&r->out)) {
		if (!stream_is_blocked(&r->out) && stream_write(&r->out, text.data, text.len) == 0)
			buffer_deinit(&r->text);
	}
	uv_mutex_unlock(&r->lock);
}

static void report_on_woke(uv_async_t *woke)
{
	report_write(container_of(woke, struct relay_report, woke));
}

static void report_on_writable(struct stream *s)
{
	report_write(container_of(s, struct relay_report, out));
}

static void report_on_received(struct stream *s, struct bytes data)
{
}

static void report_on_ended(struct stream *s)
{
}

static void report_on_failed(struct stream *s, int error)
{
	stream_deinit(s);
}

static const struct stream_handler report_handler = {
	.received = report_on_received,
	.ended = report_on_ended,
	.writable = report_on_writable,
	.failed = report_on_failed,
};

/* ---- life ---- */

struct relay_report *relay_report_new(struct loop *l, bool json, bool silent)
{
	struct relay_report *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->json = json;
	r->out = STREAM_NULL;
	int fd = silent ? -1 : standard_open(STDOUT_FILENO);
	if (fd >= 0 && stream_init(&r->out, l, fd, &report_handler) == 0) {
		r->out.limit = 2 * REPORT_MAX;
		stream_pause(&r->out);
	}
	uv_mutex_init(&r->lock);
	uv_async_init(&l->uv, &r->woke, report_on_woke);
	uv_unref((uv_handle_t *)&r->woke);
	return r;
}

static void report_on_closed(uv_handle_t *woke)
{
	free(container_of((uv_async_t *)woke, struct relay_report, woke));
}

struct relay_report *relay_report_free(struct relay_report *r)
{
	if (!r)
		return NULL;
	report_write(r);
	stream_deinit(&r->out);
	buffer_deinit(&r->text);
	uv_mutex_destroy(&r->lock);
	uv_close((uv_handle_t *)&r->woke, report_on_closed);
	return NULL;
}

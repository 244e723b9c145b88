/*
 * GET and HEAD /files/NAME.
 *
 * Opening, and a digest that is not known yet, are a job. The bytes go out by sendfile(2) from the
 * loop's thread, a stretch a turn, as far as they are in the page cache; what is not is read by a
 * job first. So a client that takes its time owes nothing but a descriptor, and a disk that takes
 * its time holds up nobody else.
 */

#include "base/cleanup.h"
#include "base/clock.h"
#include "net/stream_files.h"
#include "server/files.h"
#include "server/login.h"
#include "server/pace.h"
#include "server/server.h"
#include "wire/http_condition.h"
#include "wire/http_digest.h"
#include "wire/http_file.h"
#include "wire/http_range.h"

#include <stdlib.h>
#include <unistd.h>

/* Sent in one turn; brought into the page cache at once. */
enum { SEND_STRETCH = 256 * 1024, WARM_STRETCH = 2 * 1024 * 1024 };

struct download {
	struct job job;
	struct files *files;
	struct exchange *exchange; /* NULL: the client is gone */
	struct file file;
	struct buffer fields;
	int result;    /* of the job */
	uint64_t at;   /* sent so far */
	uint64_t end;  /* of what is to be sent */
	uint64_t warm; /* up to here it was read a moment ago */
	bool handing;  /* the client would take the open file itself */
	size_t name_len;
	uint8_t name[FILE_NAME_MAX_LEN + 1];
};

static struct bytes download_name(const struct download *d)
{
	return bytes_of(d->name, d->name_len);
}

static void download_free(struct download *d)
{
	file_close(&d->file);
	buffer_deinit(&d->fields);
	free(d);
}

/* ---- the bytes ---- */

static void download_send(struct download *d);

static void download_run_warm(struct job *j)
{
	struct download *d = container_of(j, struct download, job);
	uint64_t left = d->end - d->at;

	d->result = file_warm(&d->file, d->at, left < WARM_STRETCH ? left : WARM_STRETCH);
}

static void download_warmed(struct job *j)
{
	struct download *d = container_of(j, struct download, job);

	files_did(d->files);
	if (!d->exchange) {
		download_free(d);
		return;
	}
	d->warm = d->at + WARM_STRETCH;
	if (d->result < 0)
		connection_close(d->exchange->connection);
	else
		download_send(d);
}

static void download_send(struct download *d)
{
	struct exchange *x = d->exchange;
	struct connection *c = x->connection;
	uint64_t left = d->end - d->at;
	size_t len = allowance_portion(c, left < SEND_STRETCH ? left : SEND_STRETCH);

	if (d->job.busy || (len && allowance_holds(c)))
		return;
	if (!len) {
		c->server->counters.files_out++;
		exchange_end(x);
		return;
	}
	if (d->at + len > d->warm && !file_is_warm(&d->file, d->at, len)) {
		files_do(d->files, &d->job, download_run_warm, download_warmed);
		return;
	}
	ssize_t n = exchange_offer_file(x, d->file.fd, d->at, len);
	if (n < 0) {
		connection_close(c);
		return;
	}
	d->at += (uint64_t)n;
	allowance_count(c, 0, (size_t)n);
	c->server->counters.files_bytes_out += (uint64_t)n;
	pace_start(x); /* after a time in which we held it up */
	if (n)
		stream_yield(&c->stream);
}

/* ---- the head ---- */

static void download_write_name(struct http_writer *w, struct bytes leaf)
{
	static const char utf8[] = "attachment; filename*=UTF-8''";
	cleanup(buffer_deinit) struct buffer text = BUFFER_NULL;

	if (buffer_append(&text, utf8, sizeof(utf8) - 1) == 0 && uri_escape(&text, leaf, "") == 0)
		http_writer_field(w, "Content-Disposition", buffer_bytes(&text));
	else
		w->error = -ENOMEM;
}

static void download_write_state(struct http_writer *w, const struct file *f)
{
	const struct stat *st = &f->st;
	char text[64];

	files_write_digest(w, f->sha256);
	http_date_format(files_modified_ms(st) / 1000, text);
	http_writer_text(w, "Last-Modified", text);
	http_file_format_time(st->st_mtim.tv_sec, (uint32_t)st->st_mtim.tv_nsec, text);
	http_writer_text(w, "File-Time", text);
	http_file_format_mode(st->st_mode, text);
	http_writer_text(w, "File-Mode", text);
}

static struct http_writer download_head(struct download *d, int status)
{
	struct http_writer w = exchange_begin(d->exchange, status);

	download_write_state(&w, &d->file);
	http_writer_text(&w, "Accept-Ranges", "bytes");
	http_writer_text(&w, "Content-Type", "application/octet-stream");
	http_writer_text(&w, "X-Content-Type-Options", "nosniff");
	http_writer_text(&w, "Content-Security-Policy", "sandbox; default-src 'none'");
	download_write_name(&w, file_name_leaf(download_name(d)));
	return w;
}

static void download_begin_stream(struct download *d, struct http_writer *w)
{
	if (exchange_stream_length(d->exchange, w, d->end - d->at))
		download_send(d);
}

/* An open descriptor leads back to the file (/proc/self/fd, proc_pid_fd(5)), past the directories
 * above it: who has it may open the file for all that its mode lets them. */
static bool download_is_ours_alone(const struct download *d)
{
	const struct stat *st = &d->file.st;

	return st->st_uid == geteuid() && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

/* The open file itself instead of its bytes. False: not on such a connection, or not this file. */
static bool download_hand_over(struct download *d)
{
	struct exchange *x = d->exchange;

	if (!d->handing || !download_is_ours_alone(d) ||
		stream_give_file(&x->connection->stream, d->file.fd) < 0)
		return false;
	d->file.fd = -1;
	x->connection->server->counters.files_out++;
	allowance_count(x->connection, 0, (size_t)d->file.st.st_size);
	struct http_writer w = download_head(d, 200);
	http_writer_text(&w, "File-Descriptor", "?1");
	http_writer_number(&w, "File-Size", (uint64_t)d->file.st.st_size);
	exchange_send(x, &w, BYTES_NULL);
	return true;
}

static void download_answer_whole(struct download *d)
{
	if (download_hand_over(d))
		return;
	struct http_writer w = download_head(d, 200);
	char digest[HTTP_DIGEST_SIZE];

	d->end = (uint64_t)d->file.st.st_size;
	http_digest_format(d->file.sha256, digest);
	http_writer_text(&w, "Content-Digest", digest);
	download_begin_stream(d, &w);
}

static void download_answer_range(struct download *d, const struct http_range *range)
{
	struct http_writer w = download_head(d, 206);
	char text[HTTP_CONTENT_RANGE_SIZE];

	d->at = range->start;
	d->end = range->start + range->len;
	http_content_range_format(range, (uint64_t)d->file.st.st_size, text);
	http_writer_text(&w, "Content-Range", text);
	download_begin_stream(d, &w);
}

static void download_answer_unsatisfiable(struct download *d)
{
	struct http_writer w = exchange_begin(d->exchange, 416);
	char text[HTTP_CONTENT_RANGE_SIZE];

	http_content_range_format(NULL, (uint64_t)d->file.st.st_size, text);
	http_writer_text(&w, "Content-Range", text);
	exchange_send(d->exchange, &w, BYTES_NULL);
}

static void download_answer(struct download *d)
{
	struct exchange *x = d->exchange;
	uint64_t now = clock_real_ms() / 1000;
	char etag[FILES_ETAG_SIZE];
	struct http_current current = files_current(&d->file, etag);
	struct http_range range;
	struct http_fields fields;
	size_t count;
	int r = HTTP_RANGE_NONE;

	files_kept_fields(&d->fields, &fields);
	int status = http_condition_check(&fields, x->method, &current, now);
	if (status == 304) {
		struct http_writer w = exchange_begin(x, 304);
		download_write_state(&w, &d->file);
		exchange_send_empty(x, &w);
		return;
	}
	if (status) {
		exchange_refuse(x, status, "the file is not in the state that was asked for");
		return;
	}
	struct bytes wanted = http_fields_get_only(&fields, "Range");
	if (wanted.data && x->method == HTTP_GET && !d->handing &&
		http_condition_allows_range(&fields, &current, now))
		r = http_range_parse(wanted, (uint64_t)d->file.st.st_size, &range, 1, &count);
	if (r == 0)
		download_answer_range(d, &range);
	else if (r == HTTP_RANGE_UNSATISFIABLE)
		download_answer_unsatisfiable(d);
	else
		download_answer_whole(d);
}

/* ---- the file ---- */

static void download_run_open(struct job *j)
{
	struct download *d = container_of(j, struct download, job);
	struct catalogue *c = d->files->catalogue;

	d->result = d->file.fd < 0 ? file_open(c, download_name(d), &d->file) : 0;
	if (d->result == 0)
		d->result = file_hash(c, &d->file);
}

static void download_opened(struct job *j)
{
	struct download *d = container_of(j, struct download, job);

	if (d->exchange && d->result == FILE_MORE) {
		job_start(d->files->server->loop, j, download_run_open, download_opened);
		return;
	}
	files_did(d->files);
	if (!d->exchange)
		download_free(d);
	else if (d->result == FILE_CHANGED)
		exchange_refuse(d->exchange, 503, "the file is being changed; try again");
	else if (d->result < 0)
		files_refuse(d->exchange, d->result);
	else
		download_answer(d);
}

static void get_begin(struct exchange *x, const struct http_request *r)
{
	static const char *const names[] = {"If-Match", "If-None-Match", "If-Modified-Since",
		"If-Unmodified-Since", "If-Range", "Range", NULL};
	struct bytes name;

	if (r->path.data[r->path.len - 1] == '/') {
		x->handler = &files_list;
		files_list.begin(x, r);
		return;
	}
	if (exchange_postpones(x))
		return;
	struct download *d = calloc(1, sizeof(*d));
	if (!d) {
		files_refuse(x, -ENOMEM);
		return;
	}
	allowance_count(x->connection, 1, 0);
	d->file = FILE_NULL;
	d->files = x->connection->server->files;
	d->exchange = x;
	x->own = d;
	if (!files_name(x, r, d->name, &name) || !exchange_may(x, ACCESS_GET, name))
		return;
	d->name_len = name.len;
	d->handing = x->method == HTTP_GET && files_wants_descriptor(r);
	if (files_keep_fields(&d->fields, &r->fields, names) < 0)
		files_refuse(x, -ENOMEM);
	else
		files_do(d->files, &d->job, download_run_open, download_opened);
}

static void get_writable(struct exchange *x)
{
	struct download *d = x->own;

	if (x->streaming)
		download_send(d);
}

static void get_close(struct exchange *x)
{
	struct download *d = x->own;

	if (!d)
		return;
	d->exchange = NULL;
	if (!d->job.busy)
		download_free(d);
}

const struct handler files_get = {
	.begin = get_begin,
	.writable = get_writable,
	.close = get_close,
	.finite = true,
};

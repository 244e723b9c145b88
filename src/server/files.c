#include "server/files.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "server/login.h"
#include "server/server.h"
#include "server/upload.h"
#include "wire/http_condition.h"
#include "wire/http_digest.h"
#include "wire/structured.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* How often what is out of use is looked for; the oldest on the disk are a day old. */
enum { FILES_TICK_MS = 60 * 1000, FILES_END_MS = 5 * 1000 };

/* ---- life ---- */

static void files_run_expiry(struct job *j)
{
	partials_expire(container_of(j, struct files, expiry)->catalogue);
}

static void files_expired(struct job *j)
{
	files_did(container_of(j, struct files, expiry));
}

static void files_on_timer(uv_timer_t *timer)
{
	struct files *f = timer->data;

	uploads_forget(f, false);
	if (!f->expiry.busy)
		files_do(f, &f->expiry, files_run_expiry, files_expired);
}

struct files *files_new(
	struct server *s, const struct catalogue_options *options, struct fault *why)
{
	cleanup(cleanup_free) struct files *f = calloc(1, sizeof(*f));
	uv_timer_t *timer;

	if (!f) {
		fault_errno(why, -ENOMEM, "cannot keep files in %s", options->path);
		return NULL;
	}
	f->server = s;
	list_init(&f->uploads);
	list_init(&f->spare);
	discard_init(&f->discard, f);
	learner_init(&f->learner, f);
	f->catalogue = catalogue_new(options, why);
	if (!f->catalogue)
		return NULL;
	timer = malloc(sizeof(*timer));
	if (!timer) {
		catalogue_free(f->catalogue);
		fault_errno(why, -ENOMEM, "cannot keep files in %s", options->path);
		return NULL;
	}
	f->timer = timer;
	uv_timer_init(&s->loop->uv, timer);
	uv_unref((uv_handle_t *)timer);
	timer->data = f;
	uv_timer_start(timer, files_on_timer, FILES_TICK_MS, FILES_TICK_MS);
	return take(f);
}

static void files_free_timer(uv_handle_t *timer)
{
	free(timer);
}

static void files_on_late(uv_timer_t *timer)
{
	struct files *f = timer->data;

	f->late = true;
}

/* A file that was handed over may be of a file system that never answers. */
static bool files_settle(struct files *f)
{
	struct loop *l = f->server->loop;

	uv_update_time(&l->uv);
	uv_timer_start(f->timer, files_on_late, FILES_END_MS, 0);
	learner_stop(&f->learner);
	uploads_forget(f, true);
	while (f->jobs && !f->late) {
		loop_turn(l, true);
		uploads_forget(f, true);
	}
	return !f->jobs;
}

struct files *files_free(struct files *f)
{
	if (!f)
		return NULL;
	if (!files_settle(f))
		return f;
	discard_deinit(&f->discard);
	learner_deinit(&f->learner);
	while (!list_empty(&f->spare)) {
		struct list *node = f->spare.next;
		list_unlink(node);
		free(container_of(node, struct block, node));
	}
	catalogue_free(f->catalogue);
	uv_close((uv_handle_t *)f->timer, files_free_timer);
	free(f);
	return NULL;
}

void files_do(
	struct files *f, struct job *j, void (*run)(struct job *j), void (*done)(struct job *j))
{
	f->jobs++;
	job_start(f->server->loop, j, run, done);
}

void files_did(struct files *f)
{
	f->jobs--;
}

/* ---- requests ---- */

bool files_name(struct exchange *x, const struct http_request *r, uint8_t to[FILE_NAME_MAX_LEN + 1],
	struct bytes *name)
{
	struct bytes escaped = bytes_skip(r->path, strlen("/files/"));

	int e = uri_path_decode(escaped, to, FILE_NAME_MAX_LEN, name);
	if (e == 0 && file_name_valid(*name) && utf8_valid(*name))
		return true;
	exchange_refuse(x, 400,
		"a file's name is up to %d bytes of UTF-8: segments with / between them, none of "
		"which is empty, begins with a dot or has control characters",
		FILE_NAME_MAX_LEN);
	return false;
}

bool files_wants_descriptor(const struct http_request *r)
{
	struct structured_item item;

	return structured_item(http_fields_get_only(&r->fields, "File-Descriptor"), &item) == 0 &&
	       item.type == STRUCTURED_BOOLEAN && item.number;
}

static const struct {
	int error;
	int status;
	const char *detail;
} refusals[] = {
	{ENOENT, 404, "there is no such file"},
	{ENOTDIR, 404, "there is no such file"},
	{EISDIR, 409, "this is a directory"},
	{EEXIST, 409, "a part of this name is a file"},
	{ELOOP, 403, "a symbolic link is in the way"},
	{EPERM, 403, "this is no regular file"},
	{EACCES, 403, "the hub may not do this"},
	{EXDEV, 403, "this is on another file system"},
	{ENAMETOOLONG, 400, "the name is too long"},
	{ESTALE, 412, "the file is not in the state that was asked for"},
	{EFBIG, 413, "the file is larger than the hub takes"},
	{EDQUOT, 507, "the hub keeps no more bytes of files"},
	{ENOSPC, 507, "the disk is full"},
	{EROFS, 507, "the disk is read-only"},
	{EBADF, 400, "what was handed over is no regular file that can be read"},
	{EAGAIN, 503, "the file is being changed; try again"},
	{EUSERS, 503, "too many uploads are unfinished; try again later"},
	{ENOMEM, 503, "the hub is out of memory; try again later"},
	{EMFILE, 503, "the hub has too many files open; try again later"},
	{ENFILE, 503, "the hub has too many files open; try again later"},
};

void files_refuse(struct exchange *x, int error)
{
	if (error == -EFBIG || error == -EDQUOT || error == -ENOSPC)
		x->connection->server->counters.files_refused++;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
		if (refusals[i].error == -error) {
			exchange_refuse(x, refusals[i].status, "%s", refusals[i].detail);
			return;
		}
	exchange_refuse(x, 500, "the disk failed: %s", strerror(-error));
}

int files_keep_fields(struct buffer *to, const struct http_fields *fields, const char *const *names)
{
	for (; *names; names++) {
		struct bytes value;
		size_t at = 0;
		while (http_fields_next(fields, *names, &at, &value)) {
			int r = buffer_print(
				to, "%s: %.*s\n", *names, (int)value.len, (const char *)value.data);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

void files_kept_fields(const struct buffer *from, struct http_fields *fields)
{
	struct bytes rest = buffer_bytes(from), line;

	fields->count = 0;
	while (bytes_cut(&rest, '\n', &line))
		http_fields_add(fields, line);
}

uint64_t files_modified_ms(const struct stat *st)
{
	if (st->st_mtim.tv_sec < 0)
		return 0;
	return (uint64_t)st->st_mtim.tv_sec * 1000 + (uint64_t)st->st_mtim.tv_nsec / 1000000;
}

struct http_current files_current(const struct file *f, char etag[FILES_ETAG_SIZE])
{
	char hex[SHA256_HEX_SIZE];

	sha256_to_hex(f->sha256, hex);
	snprintf(etag, FILES_ETAG_SIZE, "\"%s\"", hex);
	return (struct http_current){
		.exists = true,
		.etag = bytes_text(etag),
		.modified_s = files_modified_ms(&f->st) / 1000,
	};
}

void files_write_digest(struct http_writer *w, const uint8_t sha256[SHA256_SIZE])
{
	char hex[SHA256_HEX_SIZE], etag[FILES_ETAG_SIZE], digest[HTTP_DIGEST_SIZE];

	sha256_to_hex(sha256, hex);
	snprintf(etag, sizeof(etag), "\"%s\"", hex);
	http_writer_text(w, "ETag", etag);
	http_digest_format(sha256, digest);
	http_writer_text(w, "Repr-Digest", digest);
}

/* ---- DELETE /files/NAME ---- */

struct removal {
	struct job job;
	struct files *files;
	struct exchange *exchange; /* NULL: the client is gone */
	struct file file;
	struct buffer fields;
	int result;
	size_t name_len;
	uint8_t name[FILE_NAME_MAX_LEN + 1];
};

static void removal_free(struct removal *d)
{
	file_close(&d->file);
	buffer_deinit(&d->fields);
	free(d);
}

/* 0, FILE_MORE or a negative errno. */
static int removal_check(struct removal *d, struct bytes name, struct file_state *expected)
{
	struct catalogue *c = d->files->catalogue;
	struct http_fields fields;
	char etag[FILES_ETAG_SIZE];
	int r = d->file.fd < 0 ? file_open(c, name, &d->file) : 0;

	if (r == 0)
		r = file_hash(c, &d->file);
	if (r)
		return r == FILE_CHANGED ? -EAGAIN : r;
	*expected = (struct file_state){.exists = true, .st = d->file.st};
	struct http_current current = files_current(&d->file, etag);
	files_kept_fields(&d->fields, &fields);
	r = http_condition_check(&fields, HTTP_DELETE, &current, clock_real_ms() / 1000);
	return r ? -ESTALE : 0;
}

static void removal_run(struct job *j)
{
	struct removal *d = container_of(j, struct removal, job);
	struct bytes name = bytes_of(d->name, d->name_len);
	struct file_state expected;
	bool conditional = buffer_len(&d->fields);

	d->result = conditional ? removal_check(d, name, &expected) : 0;
	if (d->result == 0)
		d->result =
			catalogue_remove(d->files->catalogue, name, conditional ? &expected : NULL);
}

static void removal_done(struct job *j)
{
	struct removal *d = container_of(j, struct removal, job);
	struct files *f = d->files;
	struct exchange *x = d->exchange;

	files_did(f);
	if (!x)
		removal_free(d);
	else if (d->result == FILE_MORE)
		files_do(f, j, removal_run, removal_done);
	else if (d->result < 0)
		files_refuse(x, d->result);
	else {
		struct http_writer w = exchange_begin(x, 204);
		exchange_send_empty(x, &w);
	}
}

static void delete_begin(struct exchange *x, const struct http_request *r)
{
	static const char *const conditions[] = {
		"If-Match", "If-None-Match", "If-Unmodified-Since", NULL};
	struct removal *d = calloc(1, sizeof(*d));
	struct bytes name;

	x->own = d;
	if (!d) {
		files_refuse(x, -ENOMEM);
		return;
	}
	d->files = x->connection->server->files;
	d->exchange = x;
	d->file = FILE_NULL;
	if (!files_name(x, r, d->name, &name) || !exchange_may(x, ACCESS_PUT, name))
		return;
	d->name_len = name.len;
	if (files_keep_fields(&d->fields, &r->fields, conditions) < 0)
		files_refuse(x, -ENOMEM);
	else
		files_do(d->files, &d->job, removal_run, removal_done);
}

static void delete_close(struct exchange *x)
{
	struct removal *d = x->own;

	if (!d)
		return;
	d->exchange = NULL;
	if (!d->job.busy)
		removal_free(d);
}

const struct handler files_delete = {.begin = delete_begin, .close = delete_close};

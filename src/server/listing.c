/*
 * GET /files/ and GET /files/DIR/: a JSON array, made by jobs, a piece at a time, as the client
 * takes it.
 */

#include "base/clock.h"
#include "base/date.h"
#include "base/utf8.h"
#include "hub/walk.h"
#include "server/files.h"
#include "server/login.h"
#include "server/server.h"
#include "wire/json.h"

#include <stdlib.h>

/* A piece; one entry is far smaller. And when a job ends: so no listing keeps a thread from others,
 * or hashes on for a client that is gone. */
enum { LISTING_PIECE = 64 * 1024, LISTING_STRETCH_MS = 50 };

struct listing {
	struct job job;
	struct files *files;
	struct exchange *exchange; /* NULL: the client is gone */
	struct walk walk;
	bool walked;	     /* to its end */
	struct buffer found; /* names, each as a text, that are yet to be looked at */
	struct buffer shown; /* of these, those that the client may see: they are hashed */
	struct file file;    /* the one being hashed */
	struct buffer text;
	bool begun; /* it has an entry, or had one that was sent */
	int result; /* of the job */
	size_t name_len;
	uint8_t name[FILE_NAME_MAX_LEN + 1];
};

static void listing_free(struct listing *l)
{
	walk_deinit(&l->walk);
	file_close(&l->file);
	buffer_deinit(&l->found);
	buffer_deinit(&l->shown);
	buffer_deinit(&l->text);
	free(l);
}

static struct bytes listing_first(const struct buffer *names)
{
	return bytes_text((const char *)buffer_bytes(names).data);
}

/* ---- on the worker ---- */

static int listing_add(struct listing *l, struct bytes name, const struct stat *st)
{
	char date[DATE_TEXT_SIZE], hex[SHA256_HEX_SIZE];
	const char *quote = l->file.hashed ? "\"" : "";
	uint8_t *to;

	int r = buffer_print(&l->text, "%s{\"name\":", l->begun ? ",\n" : "[");
	if (r < 0 || (r = buffer_reserve(&l->text, json_quote_size(name), &to)) < 0)
		return r;
	buffer_commit(&l->text, json_quote(name, to));
	l->begun = true;
	date_format(files_modified_ms(st), date);
	sha256_to_hex(l->file.sha256, hex);
	return buffer_print(&l->text, ",\"size\":%llu,\"time\":\"%s\",\"sha256\":%s%s%s}",
		(unsigned long long)st->st_size, date, quote, l->file.hashed ? hex : "null", quote);
}

/* The file at hand has its digest, or will have none. A file that went away is none. */
static int listing_hash(struct listing *l, struct bytes name)
{
	struct catalogue *c = l->files->catalogue;

	if (l->file.fd < 0 && file_open(c, name, &l->file) < 0)
		return 0;
	int r = file_hash(c, &l->file);
	if (r == FILE_MORE)
		return r;
	r = listing_add(l, name, &l->file.st);
	file_close(&l->file);
	l->file = FILE_NULL;
	return r;
}

/* Which names the client may see is known on the loop's thread: so one job finds names, and the
 * next one hashes those of them that are shown. */
static void listing_run_find(struct job *j)
{
	struct listing *l = container_of(j, struct listing, job);
	uint64_t end = clock_monotonic_ms() + LISTING_STRETCH_MS;
	struct bytes name;
	struct stat st;
	int r = 0;

	while (r == 0 && buffer_len(&l->found) < LISTING_PIECE && clock_monotonic_ms() < end) {
		r = walk_next(&l->walk, &name, &st);
		if (r == 0 && utf8_valid(name))
			r = buffer_append(&l->found, name.data, name.len + 1);
	}
	l->walked = r == WALK_END;
	l->result = r < 0 ? r : 0;
}

static void listing_run_hash(struct job *j)
{
	struct listing *l = container_of(j, struct listing, job);
	uint64_t end = clock_monotonic_ms() + LISTING_STRETCH_MS;
	int r = 0;

	while (r == 0 && buffer_len(&l->shown) && buffer_len(&l->text) < LISTING_PIECE &&
		clock_monotonic_ms() < end) {
		struct bytes name = listing_first(&l->shown);
		r = listing_hash(l, name);
		if (r == 0)
			buffer_consume(&l->shown, name.len + 1);
	}
	l->result = r < 0 ? r : 0;
}

/* ---- on the loop ---- */

static void listing_go_on(struct listing *l);

/* Leaves out what the client may not see. 0 or -ENOMEM. */
static int listing_choose(struct listing *l)
{
	int r = 0;

	while (r == 0 && buffer_len(&l->found)) {
		struct bytes name = listing_first(&l->found);
		if (login_sees(l->exchange->connection, ACCESS_GET, name))
			r = buffer_append(&l->shown, name.data, name.len + 1);
		buffer_consume(&l->found, name.len + 1);
	}
	return r;
}

static void listing_done(struct job *j)
{
	struct listing *l = container_of(j, struct listing, job);
	struct exchange *x = l->exchange;

	files_did(l->files);
	if (!x) {
		listing_free(l);
		return;
	}
	int r = l->result < 0 ? l->result : listing_choose(l);
	bool is_last = l->walked && !buffer_len(&l->shown);
	if (r == 0 && is_last)
		r = buffer_print(&l->text, "%s]\n", l->begun ? "" : "[");
	if (r < 0) {
		connection_close(x->connection);
		return;
	}
	if (buffer_len(&l->text) && !exchange_write(x, buffer_bytes(&l->text)))
		return;
	buffer_consume(&l->text, buffer_len(&l->text));
	if (is_last)
		exchange_end(x);
	else
		listing_go_on(l);
}

static void listing_go_on(struct listing *l)
{
	if (!l->job.busy && !stream_is_blocked(&l->exchange->connection->stream))
		files_do(l->files, &l->job,
			buffer_len(&l->shown) ? listing_run_hash : listing_run_find, listing_done);
}

/* The prefix of R's path, without its last slash; empty for all files. */
static bool listing_prefix(struct exchange *x, struct listing *l, const struct http_request *r)
{
	struct bytes name;

	if (bytes_equal(r->path, BYTES_LITERAL("/files/")))
		return true;
	struct http_request trimmed = *r;
	trimmed.path.len--;
	if (!files_name(x, &trimmed, l->name, &name))
		return false;
	l->name_len = name.len;
	return true;
}

static void list_begin(struct exchange *x, const struct http_request *r)
{
	struct listing *l = calloc(1, sizeof(*l));

	x->own = l;
	if (!l) {
		files_refuse(x, -ENOMEM);
		return;
	}
	l->files = x->connection->server->files;
	l->exchange = x;
	l->walk = WALK_NULL;
	l->file = FILE_NULL;
	if (!exchange_may(x, ACCESS_GET, BYTES_NULL) || !listing_prefix(x, l, r))
		return;
	if (walk_init(&l->walk, l->files->catalogue->folder, bytes_of(l->name, l->name_len)) < 0) {
		files_refuse(x, -ENOMEM);
		return;
	}
	struct http_writer w = exchange_begin(x, 200);
	http_writer_text(&w, "Content-Type", "application/json");
	http_writer_text(&w, "Cache-Control", "no-store");
	if (exchange_stream(x, &w))
		listing_go_on(l);
}

static void list_writable(struct exchange *x)
{
	if (x->streaming)
		listing_go_on(x->own);
}

static void list_close(struct exchange *x)
{
	struct listing *l = x->own;

	if (!l)
		return;
	l->exchange = NULL;
	if (!l->job.busy)
		listing_free(l);
}

const struct handler files_list = {
	.begin = list_begin,
	.writable = list_writable,
	.close = list_close,
	.finite = true,
};

/*
 * GET /files/ and GET /files/DIR/: a JSON array, made by a job, a piece at a time, as the client
 * takes it.
 */

#include "base/cleanup.h"
#include "base/date.h"
#include "base/utf8.h"
#include "hub/walk.h"
#include "server/files.h"
#include "server/login.h"
#include "server/server.h"
#include "wire/json.h"

#include <stdlib.h>

/* A piece; one entry is far smaller. */
enum { LISTING_PIECE = 64 * 1024 };

struct listing {
	struct job job;
	struct files *files;
	struct exchange *exchange; /* NULL: the client is gone */
	struct walk walk;
	struct file file; /* the one being hashed */
	struct buffer entries;
	bool begun;   /* one was sent */
	int result;   /* of the job */
	bool is_last; /* all is in `text` */
	size_t name_len;
	uint8_t name[FILE_NAME_MAX_LEN + 1];
};

static void listing_free(struct listing *l)
{
	walk_deinit(&l->walk);
	file_close(&l->file);
	buffer_deinit(&l->entries);
	free(l);
}

/* ---- on the worker ---- */

/* Which names the client may see is known on the loop's thread: an entry is the length of its name
 * and of its text, and both. */
struct entry {
	uint32_t name_len;
	uint32_t text_len;
};

static int listing_add(struct listing *l, struct bytes name, const struct stat *st)
{
	cleanup(buffer_deinit) struct buffer text = BUFFER_NULL;
	char date[DATE_TEXT_SIZE], hex[SHA256_HEX_SIZE];
	const char *quote = l->file.hashed ? "\"" : "";
	uint8_t *to;

	int r = buffer_print(&text, "{\"name\":");
	if (r < 0 || (r = buffer_reserve(&text, json_quote_size(name), &to)) < 0)
		return r;
	buffer_commit(&text, json_quote(name, to));
	date_format((uint64_t)st->st_mtim.tv_sec * 1000 + (uint64_t)st->st_mtim.tv_nsec / 1000000,
		date);
	sha256_to_hex(l->file.sha256, hex);
	r = buffer_print(&text, ",\"size\":%llu,\"time\":\"%s\",\"sha256\":%s%s%s}",
		(unsigned long long)st->st_size, date, quote, l->file.hashed ? hex : "null", quote);
	struct entry e = {(uint32_t)name.len, (uint32_t)buffer_len(&text)};
	if (r < 0 || (r = buffer_append(&l->entries, &e, sizeof(e))) < 0 ||
		(r = buffer_append(&l->entries, name.data, name.len)) < 0)
		return r;
	return buffer_append(&l->entries, text.data, e.text_len);
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

static void listing_run(struct job *j)
{
	struct listing *l = container_of(j, struct listing, job);
	struct bytes name;
	struct stat st;
	int r = 0;

	while (r == 0 && buffer_len(&l->entries) < LISTING_PIECE) {
		name = bytes_text(l->walk.name);
		if (l->file.fd < 0)
			r = walk_next(&l->walk, &name, &st);
		l->is_last = r == WALK_END;
		if (r == 0 && utf8_valid(name))
			r = listing_hash(l, name);
	}
	l->result = r < 0 ? r : 0;
}

/* ---- on the loop ---- */

static void listing_go_on(struct listing *l);

/* The text of what the client may see. 0 or -ENOMEM. */
static int listing_text(struct listing *l, struct buffer *text)
{
	struct bytes rest = buffer_bytes(&l->entries);
	struct entry e;
	int r = 0;

	for (; r == 0 && rest.len; rest = bytes_skip(rest, e.text_len)) {
		memcpy(&e, rest.data, sizeof(e));
		struct bytes name = bytes_of(rest.data + sizeof(e), e.name_len);
		rest = bytes_skip(rest, sizeof(e) + e.name_len);
		if (!login_sees(l->exchange->connection, ACCESS_GET, name))
			continue;
		r = buffer_print(text, "%s%.*s", l->begun ? ",\n" : "[", (int)e.text_len,
			(const char *)rest.data);
		l->begun = true;
	}
	buffer_consume(&l->entries, buffer_len(&l->entries));
	if (r == 0 && l->is_last)
		r = buffer_print(text, "%s]\n", l->begun ? "" : "[");
	return r;
}

static void listing_done(struct job *j)
{
	cleanup(buffer_deinit) struct buffer text = BUFFER_NULL;
	struct listing *l = container_of(j, struct listing, job);
	struct exchange *x = l->exchange;

	files_did(l->files);
	if (!x) {
		listing_free(l);
		return;
	}
	if (l->result < 0 || listing_text(l, &text) < 0) {
		connection_close(x->connection);
		return;
	}
	if (buffer_len(&text) && !exchange_write(x, buffer_bytes(&text)))
		return;
	if (l->is_last)
		exchange_end(x);
	else
		listing_go_on(l);
}

static void listing_go_on(struct listing *l)
{
	if (!l->job.busy && !stream_is_blocked(&l->exchange->connection->stream))
		files_do(l->files, &l->job, listing_run, listing_done);
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

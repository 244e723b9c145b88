#include "client/upload_send.h"

#include "client/file_target.h"
#include "wire/http_digest.h"
#include "wire/http_upload.h"

#include <errno.h>
#include <stdio.h>

enum {
	UPLOAD_PIECE = 1024 * 1024,
	UPLOAD_TURN = 8 * UPLOAD_PIECE, /* sent before others are looked at */
};

/* ---- the body ---- */

/* Waits for the rest of the file to be hashed. */
int upload_hash(struct upload *u)
{
	int r = 0;

	if (!u->hashed)
		r = hasher_finish(u->hasher, u->end, u->digest);
	u->hashed = r == 0;
	transfer_moved(&u->transfer);
	return r;
}

static int upload_end_body(struct upload *u)
{
	char digest[HTTP_DIGEST_SIZE], line[HTTP_DIGEST_SIZE + 16];

	int r = upload_hash(u);
	if (r < 0)
		return r;
	u->whole = true;
	http_digest_format(u->digest, digest);
	int len = snprintf(line, sizeof(line), "Repr-Digest: %s\r\n", digest);
	return http_call_end(&u->transfer.call, bytes_of(line, (size_t)len));
}

static void upload_on_pump(uv_timer_t *timer)
{
	upload_pump(container_of(timer, struct upload, pump));
}

/* What is there now is one chunk. 0 or -ENOMEM; *left is what can be sent. */
static int upload_chunk(struct upload *u, uint64_t *left)
{
	struct http_call *c = &u->transfer.call;
	int r = 0;

	*left = u->end - u->sent;
	if (!c->chunked)
		return 0;
	if (!c->chunk && *left)
		r = http_call_begin_file(c, *left);
	*left = c->chunk;
	return r;
}

/* 1: blocked; 0: the turn's share is sent; or a negative errno. */
static int upload_send_share(struct upload *u)
{
	uint64_t stop = u->sent + UPLOAD_TURN, left;

	while (u->sent < stop) {
		int r = upload_chunk(u, &left);
		if (r < 0 || !left)
			return r;
		ssize_t n = http_call_offer_file(&u->transfer.call, u->file->fd, u->sent,
			left < UPLOAD_PIECE ? (size_t)left : UPLOAD_PIECE);
		if (n <= 0)
			return n < 0 ? (int)n : 1;
		u->sent += (uint64_t)n;
		transfer_moved(&u->transfer);
	}
	return 0;
}

void upload_pump(struct upload *u)
{
	bool sending = u->step == UPLOAD_CREATE || u->step == UPLOAD_APPEND;

	if (!sending || u->handed || u->is_small || u->whole || u->transfer.call.over)
		return;
	int r = upload_send_share(u);
	if (u->file->grows && u->progressed)
		u->progressed(u);
	u->transfer.waiting = r == 0 && u->sent == u->end && !u->complete;
	if (r == 0 && u->sent == u->end && u->complete)
		r = upload_end_body(u);
	else if (r == 0 && u->sent < u->end)
		uv_timer_start(&u->pump, upload_on_pump, 0, 0);
	if (r == -ENODATA)
		upload_fail(u, -EBADMSG, "it has become shorter while it was sent");
	else if (r < 0)
		upload_fail(u, r, "cannot read it");
}

/* ---- requests ---- */

static void upload_write_length(struct upload *u, struct http_writer *w)
{
	http_writer_number(w, "Upload-Draft-Interop-Version", HTTP_UPLOAD_INTEROP);
	http_writer_text(w, "Upload-Complete", http_upload_complete_text(true));
	if (u->complete)
		http_writer_number(w, "Upload-Length", u->end);
	http_writer_text(w, "Trailer", "Repr-Digest");
}

static void upload_write_facts(const struct upload *u, struct http_writer *w)
{
	char time[HTTP_FILE_TIME_SIZE], mode[HTTP_FILE_MODE_SIZE];

	http_file_format_time(
		u->file->st.st_mtim.tv_sec, (uint32_t)u->file->st.st_mtim.tv_nsec, time);
	http_file_format_mode(u->file->st.st_mode, mode);
	http_writer_text(w, "File-Time", time);
	http_writer_text(w, "File-Mode", mode);
}

static int upload_send_small(struct upload *u, struct http_writer *w)
{
	struct transfer *t = &u->transfer;
	char digest[HTTP_DIGEST_SIZE];

	http_digest_format(u->digest, digest);
	http_writer_text(w, "Repr-Digest", digest);
	int r = http_call_start(&t->call, w, u->end, t->timeout_ms);
	u->whole = true;
	return r < 0 ? r : http_call_write(&t->call, buffer_bytes(&u->small));
}

/* No byte of it goes through the socket. */
static int upload_hand_over(struct upload *u, struct http_writer *w)
{
	struct transfer *t = &u->transfer;

	http_writer_text(w, "File-Descriptor", "?1");
	http_call_give_file(&t->call, u->file->fd);
	u->whole = true;
	return http_call_start(&t->call, w, 0, t->timeout_ms);
}

static int upload_send_body(struct upload *u, struct http_writer *w, bool chunked)
{
	struct transfer *t = &u->transfer;
	uint64_t left = chunked ? HTTP_LENGTH_UNKNOWN : u->end - u->offset;

	if (u->offset < u->start)
		return -ESTALE;
	u->sent = u->offset;
	u->whole = false;
	if (!u->hashed)
		hasher_extend(u->hasher, u->end);
	return http_call_start(&t->call, w, left, t->timeout_ms);
}

static int upload_create(struct upload *u)
{
	struct http_writer w;

	u->offset = 0;
	int r = file_target(&u->target, u->file->name);
	if (r == 0)
		r = buffer_append(&u->target, u->file->query, strlen(u->file->query));
	if (r < 0)
		return r;
	http_call_begin(&u->transfer.call, &w, HTTP_PUT, buffer_bytes(&u->target));
	http_writer_text(&w, "Content-Type", "application/octet-stream");
	if (!u->file->grows)
		upload_write_facts(u, &w);
	if (u->is_small)
		return upload_send_small(u, &w);
	u->handed = u->hands && !u->sends && !u->file->grows;
	if (u->handed)
		return upload_hand_over(u, &w);
	if (!u->plain)
		upload_write_length(u, &w);
	return upload_send_body(u, &w, !u->plain);
}

static int upload_append(struct upload *u)
{
	struct http_writer w;

	http_call_begin(&u->transfer.call, &w, HTTP_PATCH, bytes_text(u->location));
	http_writer_text(&w, "Content-Type", HTTP_UPLOAD_MEDIA_TYPE);
	http_writer_number(&w, "Upload-Offset", u->offset);
	upload_write_length(u, &w);
	return upload_send_body(u, &w, true);
}

static int upload_ask(struct upload *u)
{
	struct transfer *t = &u->transfer;
	struct http_writer w;

	http_call_begin(&t->call, &w, HTTP_HEAD, bytes_text(u->location));
	http_writer_number(&w, "Upload-Draft-Interop-Version", HTTP_UPLOAD_INTEROP);
	return http_call_start(&t->call, &w, 0, t->timeout_ms);
}

static int upload_look(struct upload *u)
{
	struct transfer *t = &u->transfer;
	struct http_writer w;

	int r = file_target(&u->target, u->file->name);
	if (r < 0)
		return r;
	http_call_begin(&t->call, &w, HTTP_HEAD, buffer_bytes(&u->target));
	http_writer_text(&w, "Want-Repr-Digest", "sha-256=10");
	return http_call_start(&t->call, &w, 0, t->timeout_ms);
}

int upload_send(struct upload *u)
{
	static int (*const requests[])(struct upload * u) = {
		[UPLOAD_CREATE] = upload_create,
		[UPLOAD_ASK] = upload_ask,
		[UPLOAD_APPEND] = upload_append,
		[UPLOAD_LOOK] = upload_look,
	};

	return requests[u->step](u);
}

#include "client/upload.h"

#include "base/cleanup.h"
#include "client/file_target.h"
#include "wire/http_digest.h"
#include "wire/http_upload.h"

#include <errno.h>
#include <stdio.h>

enum {
	UPLOAD_SMALL = 64 * 1024,
	UPLOAD_NOTED_MIN = 1024 * 1024,
	UPLOAD_PIECE = 1024 * 1024,
	UPLOAD_TURN = 8 * UPLOAD_PIECE, /* sent before others are looked at */
};

static struct upload *upload_of(struct transfer *t)
{
	return container_of(t, struct upload, transfer);
}

static uint64_t upload_size(const struct upload *u)
{
	return (uint64_t)u->file->st.st_size;
}

static bool upload_is_small(const struct upload *u)
{
	return upload_size(u) <= UPLOAD_SMALL;
}

/* ---- ends ---- */

static void upload_end(struct upload *u, const struct fault *why)
{
	hasher_stop(u->hasher);
	uv_timer_stop(&u->pump);
	transfer_stop(&u->transfer);
	if (!why)
		upload_note_remove(&u->note);
	upload_note_deinit(&u->note);
	u->done(u, why);
}

static void upload_on_gave_up(struct transfer *t, const struct fault *why)
{
	upload_end(upload_of(t), why);
}

static void upload_fail(struct upload *u, int error, const char *what)
{
	struct fault why;

	if (error == -EBADMSG)
		fault_set(&why, error, "%s: %s", u->file->shown, what);
	else
		fault_errno(&why, error, "%s: %s", u->file->shown, what);
	transfer_give_up(&u->transfer, &why);
}

static void upload_forget(struct upload *u)
{
	u->location[0] = 0;
	u->noted = false;
	u->next = UPLOAD_CREATE;
	upload_note_remove(&u->note);
}

/* ---- the body ---- */

/* Waits for the rest of the file to be hashed. */
static int upload_hash(struct upload *u)
{
	int r = 0;

	if (!u->hashed)
		r = hasher_finish(u->hasher, upload_size(u), u->digest);
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

static void upload_pump(struct upload *u);

static void upload_on_pump(uv_timer_t *timer)
{
	upload_pump(container_of(timer, struct upload, pump));
}

/* 1: blocked; 0: the turn's share is sent; or a negative errno. */
static int upload_send_share(struct upload *u)
{
	uint64_t stop = u->sent + UPLOAD_TURN;

	if (stop > upload_size(u))
		stop = upload_size(u);
	while (u->sent < stop) {
		uint64_t left = stop - u->sent;
		ssize_t n = http_call_offer_file(&u->transfer.call, u->file->fd, u->sent,
			left < UPLOAD_PIECE ? (size_t)left : UPLOAD_PIECE);
		if (n <= 0)
			return n < 0 ? (int)n : 1;
		u->sent += (uint64_t)n;
		transfer_moved(&u->transfer);
	}
	return 0;
}

static void upload_pump(struct upload *u)
{
	bool sending = u->step == UPLOAD_CREATE || u->step == UPLOAD_APPEND;

	if (!sending || u->handed || upload_is_small(u) || u->whole || u->transfer.call.over)
		return;
	int r = upload_send_share(u);
	if (r == 0 && u->sent == upload_size(u))
		r = upload_end_body(u);
	else if (r == 0)
		uv_timer_start(&u->pump, upload_on_pump, 0, 0);
	if (r == -ENODATA)
		upload_fail(u, -EBADMSG, "it has become shorter while it was sent");
	else if (r < 0)
		upload_fail(u, r, "cannot read it");
}

/* ---- requests ---- */

static void upload_write_length(struct upload *u, struct http_writer *w)
{
	char number[24];

	http_writer_number(w, "Upload-Draft-Interop-Version", HTTP_UPLOAD_INTEROP);
	http_writer_text(w, "Upload-Complete", http_upload_complete_text(true));
	snprintf(number, sizeof(number), "%llu", (unsigned long long)upload_size(u));
	http_writer_text(w, "Upload-Length", number);
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
	int r = http_call_start(&t->call, w, upload_size(u), t->timeout_ms);
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
	uint64_t left = upload_size(u) - u->offset;

	u->sent = u->offset;
	u->whole = false;
	int r = http_call_start(&t->call, w, chunked ? HTTP_LENGTH_UNKNOWN : left, t->timeout_ms);
	if (r == 0 && left)
		r = http_call_begin_file(&t->call, left);
	return r;
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
	upload_write_facts(u, &w);
	if (upload_is_small(u))
		return upload_send_small(u, &w);
	u->handed = u->hands;
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

static void upload_on_begin(struct transfer *t)
{
	static int (*const requests[])(struct upload * u) = {
		[UPLOAD_CREATE] = upload_create,
		[UPLOAD_ASK] = upload_ask,
		[UPLOAD_APPEND] = upload_append,
		[UPLOAD_LOOK] = upload_look,
	};
	struct upload *u = upload_of(t);

	u->step = u->next;
	u->next = u->location[0] ? UPLOAD_ASK : UPLOAD_CREATE; /* should it break */
	int r = requests[u->step](u);
	if (r < 0)
		upload_fail(u, r, "cannot send it");
	else
		upload_pump(u);
}

/* ---- answers ---- */

/* The path of a Location, whose scheme and host are ours whatever they are called. */
static bool upload_take_location(struct upload *u, struct bytes value)
{
	static const char *const schemes[] = {"http://", "https://"};

	for (size_t i = 0; i < 2; i++) {
		size_t len = strlen(schemes[i]);
		if (value.len < len || memcmp(value.data, schemes[i], len) != 0)
			continue;
		value = bytes_skip(value, len);
		while (value.len && value.data[0] != '/')
			value = bytes_skip(value, 1);
	}
	if (!value.len || value.len >= sizeof(u->location) || value.data[0] != '/')
		return false;
	memcpy(u->location, value.data, value.len);
	u->location[value.len] = 0;
	return true;
}

static void upload_on_interim(struct transfer *t, const struct http_response *r)
{
	struct upload *u = upload_of(t);
	struct http_upload said;

	http_upload_read(&r->fields, &said);
	if (r->status != 104 || u->step != UPLOAD_CREATE || said.interop != HTTP_UPLOAD_INTEROP ||
		!upload_take_location(u, http_fields_get_only(&r->fields, "Location")))
		return;
	u->next = UPLOAD_ASK;
	if (upload_size(u) >= UPLOAD_NOTED_MIN)
		upload_note_write(&u->note, u->location);
}

static void upload_on_head(struct transfer *t, const struct http_response *r)
{
	struct upload *u = upload_of(t);
	struct http_upload upload;
	uint8_t digest[SHA256_SIZE];

	if (u->step == UPLOAD_ASK) {
		http_upload_read(&r->fields, &upload);
		if (upload.has_offset && upload.offset > u->offset)
			transfer_gained(t);
		u->next = upload.complete ? UPLOAD_LOOK : UPLOAD_APPEND;
		if (upload.has_offset && upload.offset <= upload_size(u))
			u->offset = upload.offset;
		else if (!upload.complete)
			upload_forget(u);
		return;
	}
	int said = http_digest_get(&r->fields, "Repr-Digest", digest);
	u->confirmed = said == 0;
	u->wrong = said != HTTP_DIGEST_NONE &&
		   (upload_hash(u) < 0 || memcmp(digest, u->digest, SHA256_SIZE) != 0);
}

static void upload_on_body(struct transfer *t, struct bytes piece)
{
}

static void upload_succeeded(struct upload *u)
{
	switch (u->step) {
	case UPLOAD_ASK:
		transfer_again(&u->transfer);
		break;
	case UPLOAD_LOOK:
		if (!u->wrong) {
			upload_end(u, NULL);
			break;
		}
		upload_forget(u);
		transfer_again(&u->transfer);
		break;
	default:
		if (u->handed && !u->confirmed) {
			u->hands = false; /* who knows what it has */
			transfer_again(&u->transfer);
		} else if (u->wrong) {
			upload_fail(u, -EBADMSG, "the server has something else (SHA-256)");
		} else if (!u->whole) {
			upload_fail(u, -EPROTO, "the server did not wait for all of it");
		} else {
			upload_end(u, NULL);
		}
	}
}

/* Whether there is another way; it has been taken then. */
static bool upload_finds_a_way(struct upload *u, int status)
{
	bool gone = status == 404 || status == 410;

	if (u->step == UPLOAD_LOOK && gone) {
		upload_forget(u);
	} else if ((u->step == UPLOAD_ASK || u->step == UPLOAD_APPEND) && gone) {
		u->next = UPLOAD_LOOK;
	} else if (u->step == UPLOAD_APPEND && status == 400 && u->noted) {
		upload_forget(u); /* the file is another one after all */
	} else if (u->step == UPLOAD_CREATE && !u->plain && !upload_is_small(u) &&
		   (status == 411 || status == 501)) {
		u->plain = true;
	} else if (u->step == UPLOAD_CREATE && u->handed && status == 400) {
		u->hands = false;
	} else {
		return false;
	}
	transfer_again(&u->transfer);
	return true;
}

static void upload_on_ended(struct transfer *t)
{
	struct upload *u = upload_of(t);
	struct fault why;

	uv_timer_stop(&u->pump);
	if (t->reply.status < 300) {
		upload_succeeded(u);
	} else if (upload_finds_a_way(u, t->reply.status)) {
		return;
	} else if (t->reply.status == 409 && u->step == UPLOAD_APPEND) {
		fault_set(&why, -EAGAIN, "%s: the hub has another offset", u->file->shown);
		transfer_break(t, &why);
	} else {
		transfer_refused(t, u->file->shown);
	}
}

static void upload_on_writable(struct transfer *t)
{
	upload_pump(upload_of(t));
}

static const struct transfer_handler upload_transfer = {
	.begin = upload_on_begin,
	.interim = upload_on_interim,
	.head = upload_on_head,
	.body = upload_on_body,
	.writable = upload_on_writable,
	.ended = upload_on_ended,
	.gave_up = upload_on_gave_up,
};

/* ---- life ---- */

int upload_init(struct upload *u, struct loop *l, const struct address *a, struct trust *trust,
	uint64_t timeout_ms, void (*done)(struct upload *u, const struct fault *why))
{
	*u = (struct upload){.done = done};
	uv_timer_init(&l->uv, &u->pump);
	int r = transfer_init(&u->transfer, l, a, trust, timeout_ms, &upload_transfer);
	u->hasher = hasher_new();
	u->hands = http_call_passes_files(&u->transfer.call);
	return r < 0 || !u->hasher ? -ENOMEM : 0;
}

void upload_deinit(struct upload *u)
{
	if (!u->done)
		return;
	uv_timer_stop(&u->pump);
	transfer_deinit(&u->transfer);
	u->hasher = hasher_free(u->hasher);
	upload_note_deinit(&u->note);
	buffer_deinit(&u->small);
	buffer_deinit(&u->target);
}

static int upload_read_small(struct upload *u)
{
	size_t size = (size_t)upload_size(u);
	uint8_t *to;

	buffer_consume(&u->small, buffer_len(&u->small));
	int r = buffer_reserve(&u->small, size + 1, &to);
	if (r < 0)
		return r;
	ssize_t n = pread(u->file->fd, to, size + 1, 0);
	if (n < 0)
		return -errno;
	if ((size_t)n != size)
		return -ENODATA;
	buffer_commit(&u->small, size);
	return hasher_finish(u->hasher, size, u->digest);
}

int upload_start(struct upload *u, const struct upload_file *file, struct fault *why)
{
	const struct address *a = u->transfer.call.address;

	u->file = file;
	u->location[0] = 0;
	u->offset = u->sent = 0;
	u->noted = u->hashed = u->wrong = u->handed = false;
	hasher_start(u->hasher, file->fd);
	int r = 0;
	if (upload_is_small(u)) {
		r = upload_read_small(u);
		u->hashed = true;
	} else {
		hasher_extend(u->hasher, upload_size(u));
		r = upload_note_init(&u->note, a, file->name, &file->st);
		u->noted = r == 0 && upload_note_read(&u->note, u->location);
	}
	if (r < 0) {
		hasher_stop(u->hasher);
		return fault_errno(why, r == -ENODATA ? -EBADMSG : r, "%s", file->shown);
	}
	u->next = u->noted ? UPLOAD_ASK : UPLOAD_CREATE;
	transfer_start(&u->transfer);
	return 0;
}

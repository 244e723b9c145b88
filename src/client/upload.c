#include "client/upload.h"

#include "client/upload_send.h"
#include "wire/http_digest.h"
#include "wire/http_upload.h"

#include <errno.h>
#include <stdio.h>

enum {
	UPLOAD_SMALL = 64 * 1024,
	UPLOAD_NOTED_MIN = 1024 * 1024,
	UPLOAD_AHEAD = 8 * 1024 * 1024, /* sending may be, of hashing */
};

static struct upload *upload_of(struct transfer *t)
{
	return container_of(t, struct upload, transfer);
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

void upload_fail(struct upload *u, int error, const char *what)
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

static void upload_on_begin(struct transfer *t)
{
	struct upload *u = upload_of(t);

	u->step = u->next;
	u->next = u->location[0] ? UPLOAD_ASK : UPLOAD_CREATE; /* should it break */
	int r = upload_send(u);
	if (r == -ESTALE)
		upload_fail(u, -EBADMSG, "what has been sent is gone and cannot be sent again");
	else if (r < 0)
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
	if (u->end >= UPLOAD_NOTED_MIN && !u->file->grows)
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
		if (upload.has_offset && upload.offset <= u->end)
			u->offset = upload.offset;
		else if (!upload.complete)
			upload_forget(u);
		return;
	}
	if (u->step == UPLOAD_CREATE && u->handed) {
		struct bytes taken = http_fields_get_only(&r->fields, "File-Descriptor");
		u->confirmed = bytes_equal(taken, BYTES_LITERAL("?1"));
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

/* What was hashed need not be what was sent, then. */
static bool upload_has_changed(const struct upload *u)
{
	const struct stat *before = &u->file->st;
	struct stat now;

	return !u->file->grows && fstat(u->file->fd, &now) == 0 &&
	       (now.st_size != before->st_size || now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
		       now.st_mtim.tv_nsec != before->st_mtim.tv_nsec);
}

static void upload_succeeded(struct upload *u)
{
	switch (u->step) {
	case UPLOAD_ASK:
		transfer_again(&u->transfer);
		break;
	case UPLOAD_LOOK:
		if (u->confirmed && !u->wrong) {
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
	} else if (u->step == UPLOAD_CREATE && !u->plain && !u->is_small && !u->file->grows &&
		   (status == 411 || status == 501)) {
		u->plain = true;
	} else if (u->step == UPLOAD_CREATE && u->handed && status == 400) {
		u->sends = true;
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
	} else if (t->reply.status == 400 && upload_has_changed(u)) {
		upload_fail(u, -EBADMSG, "it has changed while it was sent");
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
	size_t size = (size_t)u->end;
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
	u->noted = u->hashed = u->wrong = u->handed = u->sends = false;
	u->start = 0;
	u->end = file->grows ? 0 : (uint64_t)file->st.st_size;
	u->complete = !file->grows;
	u->is_small = u->complete && u->end <= UPLOAD_SMALL;
	hasher_start(u->hasher, file->fd);
	int r = 0;
	if (u->is_small) {
		r = upload_read_small(u);
		u->hashed = true;
	} else if (u->complete) {
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

void upload_grow(struct upload *u, uint64_t end, bool complete)
{
	u->end = end;
	u->complete = complete;
	hasher_extend(u->hasher, end);
	transfer_moved(&u->transfer);
	if (u->transfer.active && !u->transfer.call.over)
		upload_pump(u);
}

uint64_t upload_release(struct upload *u, uint64_t start)
{
	uint64_t known = u->sent > UPLOAD_AHEAD ? u->sent - UPLOAD_AHEAD : 0;
	uint64_t hashed = hasher_reach(u->hasher, known);

	u->start = start;
	return u->sent < hashed ? u->sent : hashed;
}

/*
 * The requests that upload: PUT and POST of a file, PATCH, HEAD and DELETE of an upload.
 */

#include "net/stream_files.h"
#include "server/login.h"
#include "server/server.h"
#include "server/topics.h"
#include "server/upload.h"
#include "wire/http_digest.h"
#include "wire/http_file.h"
#include "wire/http_range.h"
#include "wire/media.h"

#include <errno.h>
#include <stdio.h>

static const char *const conditions[] = {"If-Match", "If-None-Match", "If-Unmodified-Since", NULL};

/* ---- digests ---- */

/* 0, HTTP_DIGEST_NONE, or HTTP_DIGEST_BAD when it has been refused. */
static int read_digest(struct exchange *x, const struct http_fields *fields, const char *name,
	uint8_t sha256[SHA256_SIZE])
{
	int r = http_digest_get(fields, name, sha256);

	if (r == HTTP_DIGEST_BAD)
		exchange_refuse(x, 400, "%s is broken", name);
	return r;
}

static bool expect_digest(struct upload *u, const struct http_fields *fields, const char *name)
{
	uint8_t sha256[SHA256_SIZE];

	int r = read_digest(u->exchange, fields, name, sha256);
	if (r == 0)
		upload_expect_digest(u, sha256);
	return r != HTTP_DIGEST_BAD;
}

/* Of a whole file in one request the content's digest is the file's. */
static bool read_digests(struct upload *u, const struct http_fields *fields)
{
	return expect_digest(u, fields, "Repr-Digest") &&
	       (u->lasting || expect_digest(u, fields, "Content-Digest"));
}

static bool read_trailers(struct upload *u)
{
	struct http_lines lines = {.rest = buffer_bytes(&u->trailers)};
	struct http_fields fields = {0};

	if (!lines.rest.len || http_lines_fields(&lines, &fields).status)
		return true;
	return read_digests(u, &fields);
}

/* ---- the head of PUT ---- */

static void read_state(struct upload *u, const struct http_request *r)
{
	struct record *record = &u->partial.record;
	struct http_file file;

	http_file_read(&r->fields, &file);
	record->has_mode = file.has_mode;
	record->mode = file.mode;
	record->has_time = file.has_time;
	record->time = (struct timespec){.tv_sec = file.seconds, .tv_nsec = file.nanoseconds};
}

static bool read_announcement(struct upload *u, const struct http_request *r)
{
	struct record *record = &u->partial.record;
	struct bytes topic, sender;

	if (!r->query.data)
		return true;
	int e = uri_query_get(r->query, "topic", record->topic, sizeof(record->topic), &topic);
	if (e == -ENOENT)
		return true;
	if (e < 0 || !name_valid(topic)) {
		exchange_refuse(u->exchange, 400, "a topic's name is 1 to %d of A-Z a-z 0-9 . _ -",
			NAME_MAX_LEN);
		return false;
	}
	if (!exchange_may(u->exchange, ACCESS_WRITE, topic) ||
		!topics_sender(u->exchange, r, record->sender, sizeof(record->sender), &sender))
		return false;
	record->topic_len = (uint8_t)topic.len;
	record->sender_len = (uint8_t)sender.len;
	return true;
}

static bool read_length(struct upload *u, const struct http_request *r)
{
	struct record *record = &u->partial.record;
	const struct http_upload *said = &u->said.upload;
	bool known = r->framing != HTTP_CHUNKED;
	uint64_t here = r->framing == HTTP_LENGTH ? r->content_length : 0;

	if (said->has_length) {
		record->has_length = true;
		record->length = said->length;
	} else if (known && (!u->lasting || said->complete)) {
		record->has_length = true;
		record->length = here;
	}
	if (!u->lasting || !record->has_length)
		return true;
	if (here <= record->length && (!known || !said->complete || here == record->length))
		return true;
	upload_refuse_length(u);
	return false;
}

/* The open file that came with the request. */
static bool read_descriptor(struct upload *u, const struct http_request *r)
{
	if (!files_wants_descriptor(r))
		return true;
	struct files *f = u->files;
	const char *wrong = NULL;
	u->source = stream_take_file(&u->exchange->connection->stream);
	u->lasting = false;
	if (u->source < 0)
		wrong = "no open file came with the request";
	else if (r->framing != HTTP_NO_BODY)
		wrong = "a request that hands a file over has no body";
	else if (f->copies >= FILES_MAX_COPIES)
		wrong = "too many files are being handed over; send the bytes";
	if (wrong) {
		exchange_refuse(u->exchange, 400, "%s", wrong);
		return false;
	}
	u->copies = true;
	f->copies++;
	return true;
}

static bool read_name(struct upload *u, const struct http_request *r)
{
	uint8_t text[FILE_NAME_MAX_LEN + 1];
	struct bytes name;

	if (!files_name(u->exchange, r, text, &name) ||
		!exchange_may(u->exchange, ACCESS_PUT, name))
		return false;
	memcpy(u->partial.record.name, name.data, name.len);
	u->partial.record.name_len = (uint16_t)name.len;
	return true;
}

static bool read_conditions(struct upload *u, const struct http_request *r)
{
	if (files_keep_fields(&u->fields, &r->fields, conditions) < 0) {
		files_refuse(u->exchange, -ENOMEM);
		return false;
	}
	u->conditional = buffer_len(&u->fields);
	return true;
}

/* RFC 9110 section 14.5: who stores no parts must not take one for the whole. A part that is all of
 * it, as `curl -C - -T` sends it, is none. */
static bool is_whole(struct exchange *x, const struct http_request *r)
{
	struct bytes text = http_fields_get(&r->fields, "Content-Range");
	struct http_range range;
	uint64_t size;

	if (!text.data)
		return true;
	if (http_content_range_parse(text, &range, &size) == 0 && range.len == size &&
		r->framing == HTTP_LENGTH && r->content_length == size)
		return true;
	exchange_refuse(x, 400, "a part is no file; uploads are resumed with Upload-Offset");
	return false;
}

/* Who counts for an upload as long as it is unfinished: who has proved who it is, or the address.
 * Clients on sockets without addresses are one. */
static void read_holder(struct upload *u)
{
	const struct connection *c = u->exchange->connection;
	struct bytes name = login_name(c);
	struct bytes address = c->visitor ? c->visitor->node.key : BYTES_NULL;
	struct record *record = &u->partial.record;
	char text[1 + 2 * VISITOR_KEY_MAX + 1] = "@"; /* in no name */

	for (size_t i = 0; i < address.len; i++)
		snprintf(text + 1 + 2 * i, 3, "%02x", address.data[i]);
	struct bytes holder = name.data ? name : bytes_text(text);
	record->holder_len =
		(uint8_t)(holder.len < sizeof(record->holder) ? holder.len
							      : sizeof(record->holder));
	memcpy(record->holder, holder.data, record->holder_len);
}

static void put_begin(struct exchange *x, const struct http_request *r)
{
	if (exchange_postpones(x))
		return;
	struct upload *u = upload_new(x);
	x->own = u;
	if (!u) {
		files_refuse(x, -ENOMEM);
		return;
	}
	allowance_count(x->connection, 1, 0);
	http_upload_read(&r->fields, &u->said.upload);
	u->lasting = u->said.upload.interop == HTTP_UPLOAD_INTEROP && u->said.upload.has_complete;
	if (!u->lasting)
		u->said.upload = (struct http_upload){0};
	u->verb = UPLOAD_CREATE;
	x->body.trailers = &u->trailers;
	read_state(u, r);
	read_holder(u);
	if (is_whole(x, r) && read_name(u, r) && read_digests(u, &r->fields) &&
		read_descriptor(u, r) && read_conditions(u, r) && read_announcement(u, r) &&
		read_length(u, r))
		upload_create(u);
}

/* ---- bodies ---- */

static void upload_body(struct exchange *x, struct bytes piece)
{
	struct upload *u = x->own;
	struct intake *in = &u->intake;
	const struct record *record = &u->partial.record;
	uint64_t size = in->received + piece.len;

	allowance_count(x->connection, 0, piece.len);
	allowance_holds(x->connection);
	if (in->error)
		return;
	if (u->lasting && record->has_length && size > record->length) {
		upload_refuse_length(u);
		return;
	}
	int r = partial_charge(&u->partial, size);
	if (r == 0)
		r = intake_add(in, piece);
	if (r < 0)
		upload_refuse(u, r);
	else if (intake_is_full(in))
		connection_hold(x->connection);
}

static void upload_complete(struct exchange *x)
{
	struct upload *u = x->own;

	if (!read_trailers(u))
		return;
	u->complete = true;
	upload_advance(u);
}

const struct handler files_put = {
	.begin = put_begin,
	.body = upload_body,
	.complete = upload_complete,
	.close = upload_close,
	.patient = true,
};

/* ---- /uploads/ID ---- */

static struct bytes upload_id(const struct http_request *r)
{
	return bytes_skip(r->path, strlen("/uploads/"));
}

static void append_begin(struct exchange *x, const struct http_request *r)
{
	struct upload_said said = {0};

	if (exchange_postpones(x))
		return;
	allowance_count(x->connection, 1, 0);
	http_upload_read(&r->fields, &said.upload);
	if (!media_is(http_fields_get(&r->fields, "Content-Type"), HTTP_UPLOAD_MEDIA_TYPE)) {
		exchange_refuse(x, 415, "an upload is appended to with " HTTP_UPLOAD_MEDIA_TYPE);
		return;
	}
	if (said.upload.interop != HTTP_UPLOAD_INTEROP || !said.upload.has_offset ||
		!said.upload.has_complete) {
		exchange_refuse(x, 400,
			"appending takes Upload-Draft-Interop-Version: %d, Upload-Offset and "
			"Upload-Complete",
			HTTP_UPLOAD_INTEROP);
		return;
	}
	int e = read_digest(x, &r->fields, "Repr-Digest", said.sha256);
	if (e == HTTP_DIGEST_BAD)
		return;
	said.has_sha256 = e == 0;
	upload_seek(x, upload_id(r), UPLOAD_APPEND, &said);
	struct upload *u = x->own;
	if (!u)
		return;
	buffer_deinit(&u->trailers);
	x->body.trailers = &u->trailers;
}

const struct handler uploads_append = {
	.begin = append_begin,
	.body = upload_body,
	.complete = upload_complete,
	.close = upload_close,
	.patient = true,
};

static void head_begin(struct exchange *x, const struct http_request *r)
{
	upload_seek(x, upload_id(r), UPLOAD_OFFSET, &(struct upload_said){0});
}

const struct handler uploads_head = {.begin = head_begin, .close = upload_close};

static void cancel_begin(struct exchange *x, const struct http_request *r)
{
	upload_seek(x, upload_id(r), UPLOAD_CANCEL, &(struct upload_said){0});
}

const struct handler uploads_cancel = {.begin = cancel_begin, .close = upload_close};

#include "client/download.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "client/file_target.h"
#include "wire/http_date.h"
#include "wire/http_digest.h"
#include "wire/http_range.h"

#include <errno.h>
#include <stdio.h>

/* What is smaller is not worth going on with. */
enum { DOWNLOAD_KEPT_MIN = 1024 * 1024, DOWNLOAD_STRETCH = 8 * 1024 * 1024 };

static struct download *download_of(struct transfer *t)
{
	return container_of(t, struct download, transfer);
}

static bool download_is_stream(const struct download *d)
{
	return d->out >= 0;
}

static void download_drop_given(struct download *d)
{
	uv_timer_stop(&d->copying);
	cleanup_close(&d->given);
	d->given = -1;
}

/* ---- ends ---- */

static void download_end(struct download *d, const struct fault *why)
{
	hasher_stop(d->hasher);
	landing_close(&d->landing);
	download_drop_given(d);
	transfer_stop(&d->transfer);
	d->busy = false;
	d->done(d, why);
}

static void download_on_gave_up(struct transfer *t, const struct fault *why)
{
	download_end(download_of(t), why);
}

static void download_fail(struct download *d, int error, const char *what)
{
	struct fault why;

	if (error == -EBADMSG)
		fault_set(&why, error, "%s: %s", d->name, what);
	else
		fault_errno(&why, error, "%s: %s", d->name, what);
	transfer_give_up(&d->transfer, &why);
}

/* ---- asking ---- */

static void download_on_begin(struct transfer *t)
{
	struct download *d = download_of(t);
	struct http_writer w;
	char range[64];

	download_drop_given(d);
	http_call_begin(&t->call, &w, HTTP_GET, buffer_bytes(&d->target));
	http_writer_text(&w, "Accept-Encoding", "identity");
	http_writer_text(&w, "Want-Repr-Digest", "sha-256=10");
	if (!download_is_stream(d) && http_call_passes_files(&t->call))
		http_writer_text(&w, "File-Descriptor", "?1");
	if (d->got && d->etag[0]) {
		snprintf(range, sizeof(range), "bytes=%llu-", (unsigned long long)d->got);
		http_writer_text(&w, "Range", range);
		http_writer_text(&w, "If-Range", d->etag);
	}
	int r = http_call_start(&t->call, &w, 0, t->timeout_ms);
	if (r < 0)
		download_fail(d, r, "cannot ask for it");
}

/* ---- the answer ---- */

/* The whole file comes, from its beginning. */
static int download_restart(struct download *d, const struct http_response *r)
{
	bool kept = d->size >= DOWNLOAD_KEPT_MIN;
	struct bytes etag = http_fields_get_only(&r->fields, "ETag");

	d->resumed = 0;
	if (download_is_stream(d)) {
		if (d->got) /* it cannot be taken back */
			return -ESTALE;
		sha256_reset(d->sha256);
	} else {
		int e = landing_restart(&d->landing, kept ? etag : BYTES_NULL);
		if (e < 0)
			return e;
		hasher_start(d->hasher, d->landing.fd);
	}
	d->got = 0;
	bool strong = etag.len > 2 && etag.len <= LANDING_ETAG_MAX && etag.data[0] == '"';
	snprintf(d->etag, sizeof(d->etag), "%.*s", strong ? (int)etag.len : 0,
		(const char *)etag.data);
	return 0;
}

static int download_resume(struct download *d, const struct http_response *r)
{
	struct bytes value = http_fields_get_only(&r->fields, "Content-Range");
	struct bytes etag = http_fields_get(&r->fields, "ETag");
	struct http_range range;
	uint64_t size;

	if (http_content_range_parse(value, &range, &size) < 0 || range.start != d->got ||
		range.len == 0 || size == UINT64_MAX || range.start + range.len != size)
		return -EPROTO;
	if (etag.data && !bytes_equal(etag, bytes_text(d->etag)))
		return -EPROTO;
	d->size = size;
	return 0;
}

/* The open file has come in place of its bytes. What is here of it already need not be copied. */
static int download_take_given(struct download *d, const struct http_response *r)
{
	struct bytes etag = http_fields_get_only(&r->fields, "ETag");
	struct stat st;

	d->given = http_call_take_file(&d->transfer.call);
	if (d->given < 0 || fstat(d->given, &st) < 0 || !S_ISREG(st.st_mode))
		return -EPROTO;
	d->size = (uint64_t)st.st_size;
	bool same = d->got && d->got <= d->size && bytes_equal(etag, bytes_text(d->etag));
	return same ? 0 : download_restart(d, r);
}

static bool download_is_handed(const struct download *d, const struct http_response *r)
{
	struct bytes said = http_fields_get_only(&r->fields, "File-Descriptor");

	return !download_is_stream(d) && bytes_equal(said, BYTES_LITERAL("?1"));
}

static void download_read_facts(struct download *d, const struct http_response *r)
{
	struct bytes modified = http_fields_get_only(&r->fields, "Last-Modified");
	uint64_t seconds;

	http_file_read(&r->fields, &d->facts);
	if (!d->facts.has_time &&
		http_date_parse(modified, clock_real_ms() / 1000, &seconds) == 0) {
		d->facts.has_time = true;
		d->facts.seconds = (int64_t)seconds;
		d->facts.nanoseconds = 0;
	}
	d->promised = http_digest_get(&r->fields, "Repr-Digest", d->digest) == 0;
}

static void download_on_head(struct transfer *t, const struct http_response *r)
{
	struct download *d = download_of(t);
	int e = -EPROTO;

	download_read_facts(d, r);
	if (r->status == 200 && download_is_handed(d, r)) {
		e = download_take_given(d, r);
	} else if (r->status == 200) {
		d->size = r->content_length;
		e = download_restart(d, r);
	} else if (r->status == 206) {
		e = download_resume(d, r);
	}
	if (e == -ESTALE)
		download_fail(d, -EBADMSG, "it has changed, or cannot be gone on with");
	else if (e == -EPROTO)
		download_fail(d, e, "the server answers something else than was asked for");
	else if (e < 0)
		download_fail(d, e, "cannot begin");
}

static int download_write_all(int fd, struct bytes piece)
{
	while (piece.len) {
		ssize_t n = write(fd, piece.data, piece.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		piece = bytes_skip(piece, (size_t)n);
	}
	return 0;
}

static void download_on_body(struct transfer *t, struct bytes piece)
{
	struct download *d = download_of(t);
	int r;

	if (download_is_stream(d)) {
		sha256_update(d->sha256, piece.data, piece.len);
		r = download_write_all(d->out, piece);
	} else {
		r = landing_add(&d->landing, piece);
		hasher_extend(d->hasher, d->landing.size);
	}
	d->got += piece.len;
	transfer_gained(t);
	if (r < 0)
		download_fail(d, r, "cannot write it");
}

/* ---- the end ---- */

static int download_digest(struct download *d, uint8_t digest[SHA256_SIZE])
{
	if (!download_is_stream(d))
		return hasher_finish(d->hasher, d->got, digest);
	sha256_finish(d->sha256, digest);
	return 0;
}

/* What was there before may have been bad, the disk full or the power gone: once more from the
 * beginning. */
static void download_begin_anew(struct download *d)
{
	landing_restart(&d->landing, BYTES_NULL);
	hasher_start(d->hasher, d->landing.fd);
	d->got = d->resumed = 0;
	d->etag[0] = 0;
	transfer_again(&d->transfer);
}

static void download_run_landing(struct job *j)
{
	struct download *d = container_of(j, struct download, job);

	d->result = landing_finish(&d->landing, &d->facts, &d->why);
}

static void download_landed(struct job *j)
{
	struct download *d = container_of(j, struct download, job);

	if (!d->busy)
		landing_close(&d->landing); /* since download_deinit() nobody waits for it */
	else if (d->result < 0)
		transfer_give_up(&d->transfer, &d->why);
	else
		download_end(d, NULL);
}

/* The disk takes its time, and other files have to go on. */
static void download_land(struct download *d)
{
	transfer_stop(&d->transfer);
	job_start(d->transfer.call.link.loop, &d->job, download_run_landing, download_landed);
}

static void download_judge(struct download *d)
{
	uint8_t digest[SHA256_SIZE];

	int r = download_digest(d, digest);
	if (r < 0) {
		download_fail(d, r, "cannot read what was written");
		return;
	}
	d->checked = d->promised;
	if (d->promised && memcmp(digest, d->digest, SHA256_SIZE) != 0) {
		if (d->resumed) {
			download_begin_anew(d);
			return;
		}
		landing_drop(&d->landing);
		download_fail(d, -EBADMSG, "what came is not what was promised (SHA-256)");
		return;
	}
	memcpy(d->digest, digest, SHA256_SIZE);
	if (download_is_stream(d))
		download_end(d, NULL);
	else
		download_land(d);
}

static void download_on_copying(uv_timer_t *timer);

/* Some of the file that was handed over; the loop has its turn before the next. */
static void download_copy(struct download *d)
{
	int r = 0;

	if (d->got < d->size) {
		uint64_t left = d->size - d->got;
		ssize_t n = landing_copy(&d->landing, d->given,
			left < DOWNLOAD_STRETCH ? (size_t)left : DOWNLOAD_STRETCH);
		r = n < 0 ? (int)n : n == 0 ? -EIO : 0;
		d->got = d->landing.size;
		hasher_extend(d->hasher, d->got);
		transfer_moved(&d->transfer);
	}
	if (r < 0)
		download_fail(d, r, "cannot copy it");
	else if (d->got < d->size)
		uv_timer_start(&d->copying, download_on_copying, 0, 0);
	else
		download_judge(d);
}

static void download_on_copying(uv_timer_t *timer)
{
	download_copy(container_of(timer, struct download, copying));
}

static void download_on_ended(struct transfer *t)
{
	struct download *d = download_of(t);

	if (t->reply.status < 300 && d->given >= 0) {
		download_copy(d);
	} else if (t->reply.status < 300) {
		d->size = d->got;
		download_judge(d);
	} else if (t->reply.status == 416 && d->got && !download_is_stream(d)) {
		download_begin_anew(d);
	} else {
		transfer_refused(t, d->name);
	}
}

static void download_on_writable(struct transfer *t)
{
}

static void download_on_interim(struct transfer *t, const struct http_response *r)
{
}

static const struct transfer_handler download_transfer = {
	.begin = download_on_begin,
	.interim = download_on_interim,
	.head = download_on_head,
	.body = download_on_body,
	.writable = download_on_writable,
	.ended = download_on_ended,
	.gave_up = download_on_gave_up,
};

/* ---- life ---- */

int download_init(struct download *d, struct loop *l, const struct address *a, struct trust *trust,
	uint64_t timeout_ms, void (*done)(struct download *d, const struct fault *why))
{
	*d = (struct download){.landing = LANDING_NULL, .given = -1, .out = -1, .done = done};

	uv_timer_init(&l->uv, &d->copying);
	int r = transfer_init(&d->transfer, l, a, trust, timeout_ms, &download_transfer);
	d->hasher = hasher_new();
	d->sha256 = sha256_new();
	return r < 0 || !d->hasher || !d->sha256 ? -ENOMEM : 0;
}

void download_deinit(struct download *d)
{
	if (d->hasher)
		hasher_stop(d->hasher);
	if (d->busy && !d->job.busy)
		landing_close(&d->landing);
	d->busy = false;
	if (d->done)
		download_drop_given(d);
	transfer_deinit(&d->transfer);
	d->hasher = hasher_free(d->hasher);
	d->sha256 = sha256_free(d->sha256);
	buffer_deinit(&d->target);
}

static int download_begin(struct download *d, const char *name, struct fault *why)
{
	d->name = name;
	d->got = d->resumed = 0;
	d->size = HTTP_LENGTH_UNKNOWN;
	d->etag[0] = 0;
	d->checked = false;
	int r = file_target(&d->target, name);
	return r < 0 ? fault_errno(why, r, "%s", name) : 0;
}

int download_start(
	struct download *d, const char *name, int root, const char *path, struct fault *why)
{
	int r = download_begin(d, name, why);

	if (r == 0)
		r = landing_open(&d->landing, root, path, why);
	if (r < 0)
		return r;
	d->out = -1;
	d->got = d->resumed = d->landing.size;
	memcpy(d->etag, d->landing.etag, sizeof(d->etag));
	hasher_start(d->hasher, d->landing.fd);
	hasher_extend(d->hasher, d->got);
	d->busy = true;
	transfer_start(&d->transfer);
	return 0;
}

int download_start_to(struct download *d, const char *name, int out, struct fault *why)
{
	int r = download_begin(d, name, why);

	if (r < 0)
		return r;
	d->out = out;
	d->busy = true;
	transfer_start(&d->transfer);
	return 0;
}

#include "server/upload.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "server/login.h"
#include "server/server.h"
#include "wire/http_condition.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

/* In memory without a request: so many at most, for so long. */
enum { UPLOADS_IDLE = 64, UPLOADS_IDLE_MS = 10 * 60 * 1000 };

/* The digest is still being computed: once more. */
enum { UPLOAD_MORE = 1 };

static void upload_do(struct upload *u, void (*run)(struct job *j));

/* ---- jobs ---- */

/* What the name stands for, as far as it matters to U. 0, UPLOAD_MORE or a negative errno. */
static int upload_look(struct upload *u)
{
	struct record *record = &u->partial.record;
	struct catalogue *c = u->files->catalogue;
	struct http_current current = {0};
	char etag[FILES_ETAG_SIZE];
	struct http_fields fields;
	int r = 0;

	if (u->file.fd < 0)
		r = file_open(c, record_name(record), &u->file);
	if (r == -ENOTDIR)
		return -EEXIST;
	if (r < 0 && r != -ENOENT)
		return r;
	if (!u->conditional)
		return 0;
	record->has_expected = true;
	record->expected.exists = r == 0;
	if (r == 0) {
		r = file_hash(c, &u->file);
		if (r)
			return r == FILE_MORE ? UPLOAD_MORE : r == FILE_CHANGED ? -EAGAIN : r;
		record->expected.st = u->file.st;
		current = files_current(&u->file, etag);
	}
	files_kept_fields(&u->fields, &fields);
	return http_condition_check(&fields, HTTP_PUT, &current, clock_real_ms() / 1000) ? -ESTALE
											 : 0;
}

/* The file that was handed over is one that can be copied; its size is the length. */
static int upload_look_at_source(struct upload *u)
{
	int flags = fcntl(u->source, F_GETFL);

	if (flags < 0 || (flags & O_PATH) || (flags & O_ACCMODE) == O_WRONLY ||
		fstat(u->source, &u->state) < 0 || !S_ISREG(u->state.st_mode))
		return -EBADF;
	u->partial.record.has_length = true;
	u->partial.record.length = (uint64_t)u->state.st_size;
	return 0;
}

static void upload_run_create(struct job *j)
{
	struct upload *u = container_of(j, struct upload, job);
	struct partial *p = &u->partial;

	u->result = upload_look(u);
	if (u->result)
		return;
	file_close(&u->file);
	u->result = u->source >= 0 ? upload_look_at_source(u) : 0;
	if (u->result)
		return;
	u->result = partial_create(p, u->files->catalogue, u->lasting);
	if (u->result == 0 && p->record.has_length)
		u->result = partial_charge(p, p->record.length);
	if (u->result < 0)
		partial_discard(p);
}

static void upload_run_open(struct job *j)
{
	struct upload *u = container_of(j, struct upload, job);

	u->result = partial_open(&u->partial, u->files->catalogue, bytes_text(u->id));
}

/* It could not get its name now, but may later: when there is room again. */
static bool upload_may_go_on(const struct upload *u)
{
	return u->lasting && u->result < 0 && u->result != -ESTALE;
}

static void upload_run_commit(struct job *j)
{
	struct upload *u = container_of(j, struct upload, job);

	u->result = u->wrong ? PARTIAL_WRONG : partial_commit(&u->partial, &u->file, &u->is_new);
	if (upload_may_go_on(u))
		partial_forget_hash(&u->partial);
	else if (u->result)
		partial_discard(&u->partial);
}

static void upload_run_discard(struct job *j)
{
	partial_discard(&container_of(j, struct upload, job)->partial);
}

static void upload_on_intake(struct intake *in)
{
	upload_advance(container_of(in, struct upload, intake));
}

/* The file has its name. */
static void upload_succeeded(struct upload *u)
{
	struct server_counters *counters = &u->files->server->counters;

	u->finished = true;
	counters->files_in++;
	counters->files_bytes_in += (uint64_t)u->file.st.st_size;
	if (!u->file.hashed)
		learner_add(&u->files->learner, record_name(&u->partial.record));
}

static void upload_job_done(struct job *j)
{
	struct upload *u = container_of(j, struct upload, job);

	files_did(u->files);
	if (j->run == upload_run_create && u->result == UPLOAD_MORE && u->exchange) {
		upload_do(u, upload_run_create);
		return;
	}
	if (j->run == upload_run_commit) {
		if (u->result == 0)
			upload_succeeded(u);
		u->gone = u->result && !upload_may_go_on(u);
		u->intake.error = u->gone ? 0 : u->result;
	} else if (j->run == upload_run_discard || u->result) {
		u->gone = true;
	} else {
		u->opened = true;
		intake_init(&u->intake, u->files, &u->partial, upload_on_intake);
	}
	upload_advance(u);
}

static void upload_do(struct upload *u, void (*run)(struct job *j))
{
	files_do(u->files, &u->job, run, upload_job_done);
}

/* ---- life ---- */

static void upload_free(struct upload *u)
{
	list_unlink(&u->node);
	u->files->copies -= u->copies;
	if (u->opened)
		intake_deinit(&u->intake);
	partial_close(&u->partial);
	file_close(&u->file);
	discard_add(&u->files->discard, u->source);
	buffer_deinit(&u->fields);
	buffer_deinit(&u->trailers);
	free(u);
}

void upload_expect_digest(struct upload *u, const uint8_t sha256[SHA256_SIZE])
{
	struct record *record = &u->partial.record;

	if (record->has_sha256 && memcmp(record->sha256, sha256, SHA256_SIZE) != 0)
		u->wrong = true;
	record->has_sha256 = true;
	memcpy(record->sha256, sha256, SHA256_SIZE);
}

struct upload *upload_new(struct exchange *x)
{
	struct upload *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	list_init(&u->node);
	u->files = x->connection->server->files;
	u->exchange = x;
	u->partial = PARTIAL_NULL;
	u->file = FILE_NULL;
	u->source = -1;
	return u;
}

void uploads_forget(struct files *f, bool all)
{
	uint64_t now = loop_now(f->server->loop);
	size_t idle = 0;

	list_each (node, &f->uploads)
		idle += !container_of(node, struct upload, node)->exchange;
	/* Those that became idle first are first. */
	list_each_safe (node, &f->uploads) {
		struct upload *u = container_of(node, struct upload, node);
		if (u->exchange || u->job.busy || (u->opened && !intake_is_idle(&u->intake)))
			continue;
		if (!all && idle <= UPLOADS_IDLE && now - u->idle_ms < UPLOADS_IDLE_MS)
			break;
		upload_free(u);
		idle--;
	}
}

/* No request is about it, and no job is at it. */
static void upload_rest(struct upload *u)
{
	struct files *f = u->files;

	if (u->opened && !u->finished && !u->gone && !u->lasting) {
		upload_do(u, upload_run_discard);
		return;
	}
	if (!u->opened || !u->lasting || u->gone) {
		upload_free(u);
		return;
	}
	u->idle_ms = loop_now(f->server->loop);
	list_unlink(&u->node);
	list_push(&f->uploads, &u->node);
	uploads_forget(f, false);
}

void upload_close(struct exchange *x)
{
	struct upload *u = x->own;

	if (!u)
		return;
	x->own = NULL;
	u->exchange = NULL;
	hub_forget(u->files->server->hub, &u->ticket);
	if (u->opened && !u->lasting && !u->job.busy)
		intake_cancel(&u->intake);
	upload_advance(u);
}

/* ---- a request that is about an upload ---- */

static struct upload *upload_find(struct files *f, struct bytes id)
{
	list_each (node, &f->uploads) {
		struct upload *u = container_of(node, struct upload, node);
		if (bytes_equal(id, bytes_text(u->id)) && !u->gone)
			return u;
	}
	return NULL;
}

/* The connection that was still filling it, or was asking, is closed. */
static void upload_take_over(struct upload *u, struct exchange *x)
{
	struct exchange *before = u->exchange;

	if (before) {
		hub_forget(u->files->server->hub, &u->ticket);
		before->own = NULL;
		connection_close(before->connection);
	}
	u->exchange = x;
	u->admitted = false;
	u->complete = false;
}

void upload_seek(
	struct exchange *x, struct bytes id, enum upload_verb verb, const struct upload_said *said)
{
	struct files *f = x->connection->server->files;
	struct upload *u = upload_find(f, id);

	/* Before the one that fills it is disturbed; one from the disk is asked about when its name
	 * is known. */
	if (!exchange_may(
		    x, ACCESS_PUT, u && u->opened ? record_name(&u->partial.record) : BYTES_NULL))
		return;
	if (u) {
		upload_take_over(u, x);
	} else if (id.len != PARTIAL_ID_LEN || !(u = upload_new(x))) {
		files_refuse(x, id.len != PARTIAL_ID_LEN ? -ENOENT : -ENOMEM);
		return;
	} else {
		u->lasting = true;
		memcpy(u->id, id.data, id.len);
		list_push(&f->uploads, &u->node);
		upload_do(u, upload_run_open);
	}
	x->own = u;
	u->verb = verb;
	u->said = *said;
	if (verb == UPLOAD_APPEND)
		connection_hold(x->connection);
	upload_advance(u);
}

void upload_create(struct upload *u)
{
	connection_hold(u->exchange->connection);
	upload_do(u, upload_run_create);
}

/* ---- what comes next ---- */

/* The file has its name; the request is the one that brought its end, or a later one. */
static void upload_answer_end(struct upload *u, uint64_t announced)
{
	if (u->admitted)
		upload_answer_finished(u, announced);
	else if (!exchange_may(u->exchange, ACCESS_PUT, record_name(&u->partial.record)))
		return;
	else if (u->verb == UPLOAD_OFFSET)
		upload_answer_offset(u, 204);
	else if (u->verb == UPLOAD_APPEND)
		upload_refuse_completed(u);
	else
		upload_refuse(u, -ENOENT);
}

static void upload_announced(struct ticket *t, int result, uint64_t id)
{
	struct upload *u = container_of(t, struct upload, ticket);

	upload_answer_end(u, result < 0 ? 0 : id);
}

/* Tells the topic; the answer follows once it has the message. */
static void upload_announce(struct upload *u)
{
	cleanup(buffer_deinit) struct buffer text = BUFFER_NULL;
	const struct record *record = &u->partial.record;
	struct publish publish = {
		.message =
			{
				.time_ms = clock_real_ms(),
				.topic = bytes_of(record->topic, record->topic_len),
				.from = bytes_of(record->sender, record->sender_len),
			},
		.ticket = u->exchange ? &u->ticket : NULL,
	};
	int r = buffer_print(&text, "shared /files/");

	if (r == 0)
		r = uri_escape(&text, record_name(record), "/");
	if (r == 0)
		r = buffer_print(&text, " (%llu bytes)", (unsigned long long)u->file.st.st_size);
	publish.message.body = buffer_bytes(&text);
	u->ticket.settled = upload_announced;
	u->announced = true;
	if (r == 0)
		r = server_publish(u->files->server, &publish);
	if (r < 0 && u->exchange)
		upload_answer_end(u, 0);
}

/* The request is whole, and so is the file if it says so. */
static void upload_finish(struct upload *u)
{
	const struct record *record = &u->partial.record;

	if (u->lasting && !u->said.upload.complete) {
		upload_answer_offset(u, u->verb == UPLOAD_CREATE ? 201 : 204);
		return;
	}
	if (u->lasting && record->has_length && record->length != u->intake.received) {
		upload_refuse_length(u);
		return;
	}
	if (!u->copies)
		intake_finish(&u->intake);
	if (intake_is_idle(&u->intake))
		upload_do(u, upload_run_commit);
}

static void upload_admit_creation(struct upload *u)
{
	u->admitted = true;
	if (u->lasting) {
		memcpy(u->id, u->partial.id, sizeof(u->id));
		list_push(&u->files->uploads, &u->node);
		upload_say_resumable(u);
	}
	if (u->source >= 0) {
		allowance_count(u->exchange->connection, 0, (size_t)u->state.st_size);
		intake_copy(
			&u->intake, take_fd(&u->source), &u->state, u->partial.record.has_sha256);
	}
	upload_advance(u);
}

static void upload_admit_append(struct upload *u)
{
	struct record *record = &u->partial.record;
	const struct http_upload *said = &u->said.upload;

	intake_deinit(&u->intake);
	if (u->intake.error)
		partial_forget_hash(&u->partial);
	intake_init(&u->intake, u->files, &u->partial, upload_on_intake);
	if (said->offset != u->partial.size) {
		upload_refuse_offset(u);
		return;
	}
	if (said->has_length && record->has_length && said->length != record->length) {
		upload_refuse_length(u);
		return;
	}
	if (said->has_length) {
		record->has_length = true;
		record->length = said->length;
	}
	if (u->said.has_sha256)
		upload_expect_digest(u, u->said.sha256);
	u->admitted = true;
	upload_advance(u);
}

static void upload_admit(struct upload *u)
{
	if (u->verb != UPLOAD_CREATE &&
		!exchange_may(u->exchange, ACCESS_PUT, record_name(&u->partial.record)))
		return;
	switch (u->verb) {
	case UPLOAD_CREATE:
		upload_admit_creation(u);
		break;
	case UPLOAD_APPEND:
		upload_admit_append(u);
		break;
	case UPLOAD_OFFSET:
		upload_answer_offset(u, 204);
		break;
	case UPLOAD_CANCEL:
		upload_do(u, upload_run_discard);
		break;
	}
}

static void upload_fill(struct upload *u)
{
	if (u->exchange->connection->holding && !intake_is_full(&u->intake))
		exchange_go_on(u->exchange);
}

/* With a request that is about it, and no job that is at it. */
static void upload_go_on(struct upload *u)
{
	if (u->finished)
		upload_answer_end(u, 0);
	else if (u->gone && u->verb == UPLOAD_CANCEL && !u->result)
		upload_answer_cancelled(u);
	else if (u->gone)
		upload_refuse(u, u->result ? u->result : -ENOENT);
	else if (!u->admitted)
		upload_admit(u);
	else if (u->intake.error)
		upload_refuse(u, u->intake.error);
	else
		upload_finish(u);
}

void upload_advance(struct upload *u)
{
	bool idle = !u->job.busy && (!u->opened || intake_is_idle(&u->intake));

	if (u->finished && u->partial.record.topic_len && !u->announced) {
		bool asked = u->exchange != NULL;
		upload_announce(u);
		if (asked)
			return;
	}
	if (u->ticket.pending)
		return;
	if (u->exchange && u->admitted && !u->complete && !u->intake.error)
		upload_fill(u);
	else if (idle && u->exchange)
		upload_go_on(u);
	else if (idle)
		upload_rest(u);
}

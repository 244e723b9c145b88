#include "server/intake.h"

#include "base/cleanup.h"
#include "server/server.h"

#include <errno.h>

static void intake_advance(struct intake *in);

/* ---- blocks ---- */

static struct block *block_new(struct files *f)
{
	struct block *b;

	if (list_empty(&f->spare)) {
		b = malloc(sizeof(*b) + FILES_BLOCK);
		if (!b)
			return NULL;
		list_init(&b->node);
	} else {
		b = container_of(f->spare.next, struct block, node);
		list_unlink(&b->node);
		f->spares--;
	}
	f->blocks++;
	b->len = 0;
	b->writing = b->written = b->hashing = b->hashed = false;
	return b;
}

static void block_free(struct files *f, struct block *b)
{
	list_unlink(&b->node);
	f->blocks--;
	if (f->spares < FILES_SPARE_BLOCKS) {
		list_push(&f->spare, &b->node);
		f->spares++;
	} else {
		free(b);
	}
}

/* The last block, when no job has it yet. */
static struct block *intake_last(struct intake *in)
{
	if (list_empty(&in->blocks))
		return NULL;
	struct block *b = container_of(in->blocks.prev, struct block, node);
	return b->writing || b->hashing || b->len == FILES_BLOCK ? NULL : b;
}

static struct block *intake_grow(struct intake *in)
{
	struct block *b = block_new(in->files);

	if (!b)
		return NULL;
	b->at = in->received;
	list_push(&in->blocks, &b->node);
	in->count++;
	return b;
}

static void intake_drop(struct intake *in, struct block *b)
{
	block_free(in->files, b);
	in->count--;
}

static void intake_drop_done(struct intake *in)
{
	list_each_safe (node, &in->blocks) {
		struct block *b = container_of(node, struct block, node);
		bool in_job = (b->writing && !b->written) || (b->hashing && !b->hashed);
		if (in->error ? !in_job : b->written && b->hashed)
			intake_drop(in, b);
	}
}

/* ---- jobs ---- */

static void intake_run_write(struct job *j)
{
	struct intake_job *w = container_of(j, struct intake_job, job);
	struct intake *in = w->intake;
	struct iovec iov[INTAKE_BATCH];

	for (size_t i = 0; i < w->count; i++)
		iov[i] = (struct iovec){w->batch[i]->data, w->batch[i]->len};
	if (w->count)
		w->result = partial_write(in->partial, iov, (int)w->count);
	else
		w->result = partial_copy(in->partial, in->source, &in->state);
}

static void intake_run_hash(struct job *j)
{
	struct intake_job *h = container_of(j, struct intake_job, job);
	struct partial *p = h->intake->partial;

	h->result = partial_hash_written(p, h->until);
	if (h->result)
		return;
	for (size_t i = 0; i < h->count; i++)
		partial_hash(p, bytes_of(h->batch[i]->data, h->batch[i]->len));
}

static void intake_ended(struct intake *in, struct intake_job *ended)
{
	files_did(in->files);
	if (ended->result && ended->result != PARTIAL_MORE && !in->error)
		in->error = ended->result;
	ended->count = 0;
	intake_drop_done(in);
	intake_advance(in);
	in->changed(in);
}

static void intake_wrote(struct job *j)
{
	struct intake_job *w = container_of(j, struct intake_job, job);
	struct intake *in = w->intake;

	for (size_t i = 0; i < w->count; i++)
		w->batch[i]->written = true;
	in->written = in->partial->size;
	if (!w->count && w->result != PARTIAL_MORE) {
		in->received = in->written;
		discard_add(&in->files->discard, take_fd(&in->source));
	}
	intake_ended(in, w);
}

static void intake_hashed(struct job *j)
{
	struct intake_job *h = container_of(j, struct intake_job, job);

	for (size_t i = 0; i < h->count; i++)
		if (h->result == 0)
			h->batch[i]->hashed = true;
		else
			h->batch[i]->hashing = false;
	intake_ended(h->intake, h);
}

static void intake_start_writing(struct intake *in)
{
	struct intake_job *w = &in->writing;

	list_each (node, &in->blocks) {
		struct block *b = container_of(node, struct block, node);
		if (b->writing || w->count == INTAKE_BATCH)
			continue;
		b->writing = true;
		w->batch[w->count++] = b;
	}
	if (w->count || in->source >= 0)
		files_do(in->files, &w->job, intake_run_write, intake_wrote);
}

static void intake_start_hashing(struct intake *in)
{
	struct intake_job *h = &in->hashing;
	uint64_t hashed = in->partial->hashed;

	h->until = in->chasing ? in->written : hashed;
	list_each (node, &in->blocks) {
		struct block *b = container_of(node, struct block, node);
		if (b->hashing || h->count == INTAKE_BATCH)
			continue;
		if (!h->count)
			h->until = b->at;
		b->hashing = true;
		h->batch[h->count++] = b;
	}
	if (h->count || h->until > hashed)
		files_do(in->files, &h->job, intake_run_hash, intake_hashed);
}

static void intake_advance(struct intake *in)
{
	if (in->error)
		return;
	if (!in->writing.job.busy)
		intake_start_writing(in);
	if (!in->hashing.job.busy)
		intake_start_hashing(in);
}

/* ---- from outside ---- */

void intake_init(
	struct intake *in, struct files *f, struct partial *p, void (*changed)(struct intake *in))
{
	*in = (struct intake){
		.files = f,
		.partial = p,
		.received = p->size,
		.written = p->size,
		.source = -1,
		.changed = changed,
	};
	in->writing.intake = in;
	in->hashing.intake = in;
	list_init(&in->blocks);
}

void intake_deinit(struct intake *in)
{
	if (!in->files)
		return;
	while (!list_empty(&in->blocks))
		intake_drop(in, container_of(in->blocks.next, struct block, node));
	discard_add(&in->files->discard, take_fd(&in->source));
}

int intake_add(struct intake *in, struct bytes piece)
{
	while (piece.len) {
		struct block *b = intake_last(in);
		if (!b)
			b = intake_grow(in);
		if (!b)
			return -ENOMEM;
		size_t room = FILES_BLOCK - b->len, len = piece.len < room ? piece.len : room;
		memcpy(b->data + b->len, piece.data, len);
		b->len += len;
		in->received += len;
		piece = bytes_skip(piece, len);
	}
	intake_advance(in);
	return 0;
}

void intake_copy(struct intake *in, int fd, const struct stat *state, bool hashed)
{
	in->source = fd;
	in->state = *state;
	in->chasing = hashed;
	intake_advance(in);
}

void intake_finish(struct intake *in)
{
	in->chasing = true;
	intake_advance(in);
}

void intake_cancel(struct intake *in)
{
	if (!in->error)
		in->error = -ECANCELED;
	intake_drop_done(in);
}

bool intake_is_full(const struct intake *in)
{
	return in->count >= INTAKE_BLOCKS || (in->count && in->files->blocks >= FILES_MAX_BLOCKS);
}

bool intake_is_idle(const struct intake *in)
{
	if (in->writing.job.busy || in->hashing.job.busy)
		return false;
	if (in->error)
		return true;
	return !in->count && in->source < 0 && (!in->chasing || in->partial->hashed >= in->written);
}

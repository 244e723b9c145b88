/*
 * The hub's side of the SQLite store: batches and reads go to the threads, and what they have done
 * is handed out when the hub polls, batches first, in the order in which they were given.
 */

#include "hub/store_sqlite.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "hub/batch.h"
#include "hub/name.h"
#include "hub/pending.h"
#include "hub/sqlite_reader.h"
#include "hub/sqlite_writer.h"

enum {
	MAX_TOPICS = 100000,
	MAX_KEYS = 1000000,
	MAX_PENDING = 8 << 20,
};

struct store_sqlite {
	struct store store;
	struct store_sqlite_options options;
	struct sqlite_writer writer;
	struct sqlite_reader reader;
	struct batch *filling; /* of this turn; NULL when nothing was appended */
	struct batch *spare;
	struct list held; /* batches not settled, the one that is filling too */
	struct list done; /* of those, the ones written */
	size_t settled;	  /* records of the first of them */
	bool ticking;	  /* a tick is on its way */
};

static struct store_sqlite *sqlite_of(struct store *s)
{
	return container_of(s, struct store_sqlite, store);
}

/* An empty batch, which is held; NULL when memory is out. */
static struct batch *batch_open(struct store_sqlite *q)
{
	struct batch *b = q->spare ? take(q->spare) : batch_new();

	if (b)
		list_push(&q->held, &b->held);
	return b;
}

static void batch_close(struct store_sqlite *q, struct batch *b)
{
	list_unlink(&b->held);
	batch_reset(b);
	if (q->spare)
		batch_free(b);
	else
		q->spare = b;
}

static int sqlite_append(struct store *s, const struct publish *p)
{
	struct store_sqlite *q = sqlite_of(s);
	size_t cost = batch_cost(p);
	int r;

	if (q->options.max_bytes && cost > q->options.max_bytes)
		r = -EMSGSIZE;
	else
		r = pending_check(s, cost, q->options.max_pending);
	if (!r && !q->filling && !(q->filling = batch_open(q)))
		r = -ENOMEM;
	if (!r)
		r = batch_add(q->filling, p);
	if (r < 0)
		return r;
	pending_add(s, p->ticket, cost, q->options.max_pending);
	return 0;
}

static void sqlite_commit(struct store *s)
{
	struct store_sqlite *q = sqlite_of(s);

	if (q->filling)
		worker_give(&q->writer.worker, &take(q->filling)->node);
}

/* Tells the hub, then the publisher. */
static void sqlite_settle(struct store *s, const struct batch *b, struct batch_record *record)
{
	struct message m = batch_message(b, record);
	struct ticket *ticket = record->ticket;

	s->state.pending--;
	s->state.error = record->result == -EEXIST ? 0 : record->result;
	if (record->result < 0) {
		s->state.failed++;
	} else if (record->repeat) {
		s->state.repeats++;
	} else {
		s->state.last_id = m.id;
		if (s->listener)
			s->listener->accepted(s->listener, &m);
	}
	if (ticket) {
		record->ticket = NULL;
		ticket->pending--;
		ticket->settled(ticket, record->result, record->result ? 0 : record->id);
	}
}

/* All that is counted but last_id, which follows what the hub has heard of. */
static void sqlite_count(struct store_sqlite *q)
{
	struct sqlite_state now = sqlite_writer_state(&q->writer);
	struct store_state *state = &q->store.state;

	state->first_id = now.first_id;
	state->messages = now.messages;
	state->bytes = now.bytes;
	state->dropped = now.dropped;
	state->commits = now.commits;
	state->topics = now.topics;
}

/* Settles the next record of the batches that are written, and gives its size. */
static size_t sqlite_settle_next(struct store_sqlite *q)
{
	struct batch *b = container_of(q->done.next, struct batch, node);

	if (q->settled < b->count) {
		struct batch_record *record = &b->records[q->settled++];
		size_t size = batch_record_size(record);
		q->store.state.pending_bytes -= size;
		sqlite_settle(&q->store, b, record);
		return size;
	}
	list_unlink(&b->node);
	q->settled = 0;
	q->ticking &= !b->now_ms;
	batch_close(q, b);
	return 0;
}

static void sqlite_poll_writer(struct store_sqlite *q, size_t max_bytes)
{
	size_t bytes = 0;

	worker_collect(&q->writer.worker, &q->done);
	if (!list_empty(&q->done))
		sqlite_count(q);
	while (!list_empty(&q->done) && bytes < max_bytes)
		bytes += sqlite_settle_next(q);
	atomic_store(&q->writer.accepted, q->store.state.last_id);
}

static void sqlite_poll_reader(struct store_sqlite *q)
{
	struct list done = LIST_INIT(done);

	worker_collect(&q->reader.worker, &done);
	while (!list_empty(&done)) {
		struct sqlite_read *job = container_of(done.next, struct sqlite_read, node);
		struct store_read *r = job->read;
		struct message m;
		list_unlink(&job->node);
		if (r) {
			r->pending = NULL;
			r->lost = job->lost;
			r->upto = job->upto;
			r->upto_seq = job->upto_seq;
			while (!job->result && sqlite_read_next(job, &m))
				r->message(r, &m);
			r->done(r, job->result);
		}
		sqlite_read_free(job);
	}
}

static bool sqlite_poll(struct store *s, size_t max_bytes)
{
	struct store_sqlite *q = sqlite_of(s);

	sqlite_poll_writer(q, max_bytes);
	if (!list_empty(&q->done))
		return true;
	sqlite_poll_reader(q);
	pending_look(s, q->options.max_pending);
	return false;
}

/* The writer is to drop what is over a bound, if anything can be. */
static void sqlite_tick(struct store *s, uint64_t now_ms)
{
	struct store_sqlite *q = sqlite_of(s);
	const struct store_sqlite_options *o = &q->options;
	bool over = o->max_age_ms || (o->max_messages && s->state.messages > o->max_messages) ||
		    (o->max_bytes && s->state.bytes > o->max_bytes);

	if (!over || !s->state.messages || q->ticking)
		return;
	struct batch *b = batch_open(q);
	if (!b)
		return; /* the next tick does it */
	b->now_ms = now_ms;
	q->ticking = true;
	worker_give(&q->writer.worker, &b->node);
}

static void sqlite_read(struct store *s, struct store_read *r)
{
	struct sqlite_read *job = sqlite_read_new(r);

	if (!job) {
		r->done(r, -ENOMEM);
		return;
	}
	r->pending = job;
	worker_give(&sqlite_of(s)->reader.worker, &job->node);
}

static void sqlite_cancel(struct store *s, struct store_read *r)
{
	struct sqlite_read *job = r->pending;

	job->read = NULL;
	r->pending = NULL;
}

static void sqlite_forget(struct store *s, struct ticket *t)
{
	batches_forget(&sqlite_of(s)->held, t);
	t->pending = 0;
}

static void sqlite_topics(
	struct store *s, void (*visit)(void *data, const struct store_topic *t), void *data)
{
	sqlite_topics_visit(&sqlite_of(s)->writer.topics, visit, data);
}

static struct store *sqlite_free(struct store *s)
{
	struct store_sqlite *q = sqlite_of(s);
	struct list reads = LIST_INIT(reads);

	sqlite_commit(s);
	sqlite_reader_close(&q->reader);
	sqlite_writer_close(&q->writer);
	worker_collect(&q->reader.worker, &reads);
	list_each_safe (node, &reads)
		sqlite_read_free(container_of(node, struct sqlite_read, node));
	list_each_safe (node, &q->held)
		batch_free(container_of(node, struct batch, held));
	batch_free(q->spare);
	free(q);
	return NULL;
}

static const struct store_ops sqlite_ops = {
	.name = "sqlite",
	.append = sqlite_append,
	.commit = sqlite_commit,
	.poll = sqlite_poll,
	.tick = sqlite_tick,
	.read = sqlite_read,
	.cancel = sqlite_cancel,
	.forget = sqlite_forget,
	.topics = sqlite_topics,
	.free = sqlite_free,
};

static void sqlite_defaults(struct store_sqlite_options *o)
{
	o->max_topics = o->max_topics ? o->max_topics : MAX_TOPICS;
	o->max_keys = o->max_keys ? o->max_keys : MAX_KEYS;
	o->max_pending = o->max_pending ? o->max_pending : MAX_PENDING;
}

int store_sqlite_open(struct store **store, const char *path,
	const struct store_sqlite_options *options, struct fault *why)
{
	cleanup(cleanup_free) struct store_sqlite *q = calloc(1, sizeof(*q));

	if (!q)
		return fault_errno(why, -ENOMEM, "%s", path);
	q->store.ops = &sqlite_ops;
	q->options = *options;
	sqlite_defaults(&q->options);
	list_init(&q->held);
	list_init(&q->done);
	q->writer.worker.wake = options->wake;
	q->writer.worker.data = options->data;
	int r = sqlite_writer_open(&q->writer, path, &q->options, why);
	if (r < 0)
		return r;
	q->reader.worker.wake = options->wake;
	q->reader.worker.data = options->data;
	q->reader.writer = &q->writer;
	r = sqlite_reader_open(&q->reader, path, why);
	if (r < 0) {
		sqlite_writer_close(&q->writer);
		return r;
	}
	sqlite_count(q);
	q->store.state.last_id = sqlite_writer_state(&q->writer).last_id;
	*store = &take(q)->store;
	return 0;
}

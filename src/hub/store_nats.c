/*
 * The hub's side of the JetStream store: what the feed has brought goes to the hub in the stream's
 * order; a publish is settled, in the order in which it was appended, once it has its answer and
 * the feed has come to it. A topic's count is one of this run: it only numbers what is live.
 */

#include "hub/store_nats.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "hub/nats_link.h"
#include "hub/nats_reader.h"
#include "hub/pending.h"
#include "hub/table.h"

enum {
	MAX_PENDING = 8 << 20,
	HEADERS_MAX = 4096, /* beside the body, of what the server takes */
	EXPIRE_MS = 10000,
	FREE_MS = 5000,
};

struct stream_topic {
	struct table_node node;
	uint64_t messages;
	uint64_t last_id;
	uint64_t last_seq;
	char name[];
};

struct store_nats {
	struct store store;
	struct store_nats_options options;
	struct nats_url url;
	natsConnection *connection; /* of the reader */
	jsCtx *js;
	uint64_t max_payload;
	struct nats_link *link;
	struct nats_reader reader;
	struct table topics;
	struct batch *filling; /* of this turn */
	struct batch *coming;  /* what the feed brought */
	size_t came;	       /* records of it that were handed out */
	struct batch *empty;   /* to be filled by the feed next */
	struct list held;      /* what was appended and not settled, by batches */
	size_t settled;	       /* records of the first of them */
	uint64_t expired_ms;   /* what came before and was answered is waited for no more */
};

static struct store_nats *nats_of(struct store *s)
{
	return container_of(s, struct store_nats, store);
}

/* ---- in ---- */

static int nats_append(struct store *s, const struct publish *p)
{
	struct store_nats *n = nats_of(s);
	size_t cost = batch_cost(p);
	int r;

	if (cost + HEADERS_MAX > n->max_payload)
		return -EMSGSIZE;
	r = pending_check(s, cost, n->options.max_pending);
	if (r < 0)
		return r;
	if (!n->filling) {
		n->filling = batch_new();
		if (!n->filling)
			return -ENOMEM;
		list_push(&n->held, &n->filling->held);
	}
	r = batch_add(n->filling, p);
	if (r < 0)
		return r;
	pending_add(s, p->ticket, cost, n->options.max_pending);
	return 0;
}

static void nats_commit(struct store *s)
{
	struct store_nats *n = nats_of(s);

	if (n->filling && n->filling->count)
		nats_link_give(n->link, take(n->filling));
}

/* ---- out ---- */

/* NULL when memory is out. */
static struct stream_topic *topic_get(struct store_nats *n, struct bytes name)
{
	struct table_node *node = table_find(&n->topics, name);

	if (node)
		return container_of(node, struct stream_topic, node);
	struct stream_topic *t = calloc(1, sizeof(*t) + name.len);
	if (!t)
		return NULL;
	memcpy(t->name, name.data, name.len);
	t->node.key = bytes_of(t->name, name.len);
	if (table_insert(&n->topics, &t->node) < 0) {
		free(t);
		return NULL;
	}
	n->store.state.topics++;
	return t;
}

/* The stream's next message. */
static size_t nats_accept(struct store_nats *n, const struct batch_record *record)
{
	struct message m = batch_message(n->coming, record);
	struct stream_topic *t = topic_get(n, m.topic);
	struct store_state *state = &n->store.state;

	state->last_id = m.id;
	state->messages++;
	state->bytes += batch_record_size(record);
	if (!state->first_id)
		state->first_id = m.id;
	if (t) {
		t->messages++;
		t->last_id = m.id;
		m.seq = ++t->last_seq;
	}
	if (n->store.listener)
		n->store.listener->accepted(n->store.listener, &m);
	return batch_record_size(record);
}

/* True when there is more. */
static bool nats_poll_feed(struct store_nats *n, size_t max_bytes)
{
	size_t bytes = 0;

	if (!n->empty)
		n->empty = batch_new();
	if (!n->coming && n->empty) {
		n->coming = nats_link_receive(n->link, n->empty);
		if (n->coming)
			n->empty = NULL;
	}
	while (n->coming && n->came < n->coming->count && bytes < max_bytes)
		bytes += nats_accept(n, &n->coming->records[n->came++]);
	if (n->coming && n->came == n->coming->count) {
		batch_reset(n->coming);
		n->empty = take(n->coming);
		n->came = 0;
	}
	return bytes != 0;
}

static void nats_settle(struct store *s, struct batch_record *record, struct batch_record outcome)
{
	struct ticket *ticket = take(record->ticket);

	s->state.pending--;
	s->state.pending_bytes -= batch_record_size(record);
	s->state.error = outcome.result;
	s->state.failed += outcome.result < 0;
	s->state.repeats += outcome.repeat;
	if (ticket) {
		ticket->pending--;
		ticket->settled(ticket, outcome.result, outcome.result ? 0 : outcome.id);
	}
}

/* Settles what has its answer and has come with the feed, in order. */
static void nats_poll_answers(struct store_nats *n)
{
	struct store *s = &n->store;
	struct batch_record outcome;
	struct batch *b;

	for (int r; (r = nats_link_outcome(n->link, n->settled, &b, &outcome)) != 0;) {
		if (!b)
			break;
		if (r > 0 && !outcome.result && outcome.id > s->state.last_id &&
			outcome.time_ms >= n->expired_ms)
			break;
		if (r > 0) {
			nats_settle(s, &b->records[n->settled++], outcome);
			continue;
		}
		if (!nats_link_take_off(n->link, b))
			break;
		list_unlink(&b->held);
		batch_free(b);
		n->settled = 0;
	}
}

static void nats_poll_reader(struct store_nats *n)
{
	struct list done = LIST_INIT(done);

	worker_collect(&n->reader.worker, &done);
	while (!list_empty(&done)) {
		struct nats_read *job = container_of(done.next, struct nats_read, node);
		struct store_read *r = job->read;
		list_unlink(&job->node);
		if (r) {
			r->pending = NULL;
			r->lost = job->lost;
			r->upto = job->upto;
			r->upto_seq = 0;
			for (size_t i = 0; !job->result && i < job->rows->count; i++) {
				struct message m = batch_message(job->rows, &job->rows->records[i]);
				r->message(r, &m);
			}
			r->done(r, job->result);
		}
		nats_read_free(job);
	}
}

/* What the server counts is right; what has come since is counted twice until the next time. */
static void nats_count(struct store_nats *n, const jsStreamInfo *info)
{
	struct store_state *state = &n->store.state;
	char name[NAME_MAX_LEN + 1];

	state->first_id = info->State.Msgs ? info->State.FirstSeq : 0;
	state->messages = info->State.Msgs;
	state->bytes = info->State.Bytes;
	const jsStreamStateSubjects *subjects = info->State.Subjects;
	for (int i = 0; subjects && i < subjects->Count; i++) {
		struct stream_topic *t = NULL;
		if (nats_topic(n->url.stream, subjects->List[i].Subject, name))
			t = topic_get(n, bytes_text(name));
		if (t)
			t->messages = subjects->List[i].Msgs;
	}
}

static void nats_poll_news(struct store_nats *n)
{
	jsStreamInfo *info = nats_link_news(n->link);

	if (info)
		nats_count(n, info);
	jsStreamInfo_Destroy(info);
}

static bool nats_poll(struct store *s, size_t max_bytes)
{
	struct store_nats *n = nats_of(s);

	bool more = nats_poll_feed(n, max_bytes);
	nats_poll_answers(n);
	if (more)
		return true;
	nats_poll_reader(n);
	nats_poll_news(n);
	pending_look(s, n->options.max_pending);
	return false;
}

static void nats_tick(struct store *s, uint64_t now_ms)
{
	struct store_nats *n = nats_of(s);

	n->expired_ms = now_ms - EXPIRE_MS;
	nats_link_expire(n->link, n->expired_ms);
	n->options.wake(n->options.data);
}

/* ---- reads, and the rest ---- */

static void nats_read(struct store *s, struct store_read *r)
{
	struct nats_read *job = nats_read_new(r, s->state.last_id);

	if (!job) {
		r->done(r, -ENOMEM);
		return;
	}
	r->pending = job;
	worker_give(&nats_of(s)->reader.worker, &job->node);
}

static void nats_cancel(struct store *s, struct store_read *r)
{
	struct nats_read *job = r->pending;

	job->read = NULL;
	r->pending = NULL;
}

static void nats_forget(struct store *s, struct ticket *t)
{
	batches_forget(&nats_of(s)->held, t);
	t->pending = 0;
}

struct visit {
	void (*topic)(void *data, const struct store_topic *t);
	void *data;
};

static void nats_visit(void *data, struct table_node *node)
{
	const struct visit *visit = data;
	const struct stream_topic *t = container_of(node, struct stream_topic, node);

	if (t->messages)
		visit->topic(
			visit->data, &(struct store_topic){node->key, t->messages, t->last_id});
}

static void nats_topics(
	struct store *s, void (*topic)(void *data, const struct store_topic *t), void *data)
{
	struct visit visit = {topic, data};

	table_each(&nats_of(s)->topics, nats_visit, &visit);
}

/* Gives what is pending the time to be answered; no one is told. */
static void nats_drain(struct store_nats *n)
{
	const struct timespec pause = {.tv_nsec = 5000000};
	uint64_t until = clock_monotonic_ms() + FREE_MS;

	n->store.listener = NULL;
	batches_forget(&n->held, NULL);
	nats_commit(&n->store);
	while (!list_empty(&n->held) && clock_monotonic_ms() < until) {
		n->expired_ms = UINT64_MAX; /* an answer is enough */
		nats_poll_answers(n);
		if (!list_empty(&n->held))
			nanosleep(&pause, NULL);
	}
}

/* Without link and reader. Returns NULL. */
static struct store *nats_discard(struct store_nats *n)
{
	for (struct table_node *node; (node = table_any(&n->topics));) {
		table_remove(&n->topics, node);
		free(container_of(node, struct stream_topic, node));
	}
	table_deinit(&n->topics);
	jsCtx_Destroy(n->js);
	natsConnection_Destroy(n->connection);
	nats_url_deinit(&n->url);
	free(n);
	return NULL;
}

static struct store *nats_free(struct store *s)
{
	struct store_nats *n = nats_of(s);
	struct list reads = LIST_INIT(reads);

	nats_drain(n);
	worker_stop(&n->reader.worker);
	n->link = nats_link_free(n->link);
	worker_collect(&n->reader.worker, &reads);
	list_each_safe (node, &reads)
		nats_read_free(container_of(node, struct nats_read, node));
	list_each_safe (node, &n->held)
		batch_free(container_of(node, struct batch, held));
	batch_free(n->coming);
	batch_free(n->empty);
	return nats_discard(n);
}

static const struct store_ops nats_ops = {
	.name = "nats",
	.append = nats_append,
	.commit = nats_commit,
	.poll = nats_poll,
	.tick = nats_tick,
	.read = nats_read,
	.cancel = nats_cancel,
	.forget = nats_forget,
	.topics = nats_topics,
	.free = nats_free,
};

/* The newest message of each topic, as far as there is one. */
static void nats_find_newest(struct store_nats *n, const jsStreamInfo *info)
{
	const jsStreamStateSubjects *subjects = info->State.Subjects;
	char name[NAME_MAX_LEN + 1];

	for (int i = 0; subjects && i < subjects->Count; i++) {
		const char *subject = subjects->List[i].Subject;
		struct stream_topic *t = NULL;
		natsMsg *msg = NULL;
		if (nats_topic(n->url.stream, subject, name))
			t = topic_get(n, bytes_text(name));
		if (!t || js_GetLastMsg(&msg, n->js, n->url.stream, subject, NULL, NULL))
			continue;
		t->last_id = natsMsg_GetSequence(msg);
		natsMsg_Destroy(msg);
	}
}

static int nats_start(struct store_nats *n, uint64_t last_id, struct fault *why)
{
	int r = nats_link_new(&n->link, &n->url, n->js, last_id, &n->options, why);

	if (r < 0)
		return r;
	n->reader.place = &n->link->place;
	n->reader.js = n->js;
	n->reader.worker.wake = n->options.wake;
	n->reader.worker.data = n->options.data;
	r = nats_reader_start(&n->reader);
	if (r < 0) {
		n->link = nats_link_free(n->link);
		fault_errno(why, r, "%s: no thread to read it", n->url.shown);
	}
	return r;
}

int store_nats_open(struct store **store, const char *url, const struct store_nats_options *options,
	struct fault *why)
{
	struct store_nats *n = calloc(1, sizeof(*n));
	jsStreamInfo *info = NULL;

	if (!n)
		return fault_errno(why, -ENOMEM, "cannot make the store");
	n->store.ops = &nats_ops;
	n->options = *options;
	if (!n->options.max_pending)
		n->options.max_pending = MAX_PENDING;
	list_init(&n->held);
	table_init(&n->topics);
	int r = nats_url_parse(&n->url, url, why);
	if (!r)
		r = nats_connect(&n->url, NULL, &n->connection, &n->js, why);
	if (!r)
		r = nats_stream_open(n->js, &n->url, options, &info, why);
	if (!r)
		r = nats_start(n, info->State.LastSeq, why);
	if (!r) {
		n->store.state.last_id = info->State.LastSeq;
		n->max_payload = (uint64_t)natsConnection_GetMaxPayload(n->connection);
		nats_count(n, info);
		nats_find_newest(n, info);
		*store = &n->store;
	}
	jsStreamInfo_Destroy(info);
	if (r < 0)
		nats_discard(n);
	return r;
}

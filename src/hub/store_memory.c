/*
 * A message is a record in the journal: a fixed head, the sender's name, the body. Its number is
 * its id. For each topic a ring holds the ids of its records, so a reader of one topic never walks
 * another's. Dropping is counted message by message (`state.first_id`); the journal's chunk goes
 * when the last record in it has gone.
 */

#include "hub/store_memory.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "hub/journal.h"
#include "hub/keys.h"
#include "hub/table.h"

enum {
	MAX_BYTES = 64 << 20,
	MAX_MESSAGES = 1000000,
	MAX_TOPICS = 10000,
	MAX_KEYS = 100000,
	RECORD_COST = 48, /* beside its bytes: mark, run, place in its topic's ring */
	RING_MIN = 16,
};

struct memory_topic {
	struct table_node node;
	struct list empty; /* on the store's list while it has no message */
	uint64_t *ids;	   /* ring of the messages held */
	uint32_t first;
	uint32_t count;
	uint32_t cap; /* a power of two, or 0 */
	uint64_t last_seq;
	uint64_t dropped_id; /* the newest message dropped */
	char name[];
};

struct record {
	struct memory_topic *topic;
	uint64_t seq;
	uint64_t time_ms;
	uint32_t from_len;
	uint32_t body_len;
};

struct store_memory {
	struct store store;
	struct store_memory_options options;
	struct journal journal;
	struct table topics;
	struct list empty;	     /* topics, the one that first became so first */
	struct memory_topic *recent; /* the last one appended to */
	struct keys keys;
	uint64_t evicted_id; /* the newest message dropped of topics no longer known */
};

static struct store_memory *memory_of(struct store *s)
{
	return container_of(s, struct store_memory, store);
}

static uint64_t topic_id(const struct memory_topic *t, uint32_t i)
{
	return t->ids[(t->first + i) & (t->cap - 1)];
}

/* Gives the ring CAP places; it holds no more ids than that. */
static int topic_resize(struct memory_topic *t, uint32_t cap)
{
	uint64_t *ids = malloc(cap * sizeof(*ids));

	if (!ids)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->count; i++)
		ids[i] = topic_id(t, i);
	free(t->ids);
	t->ids = ids;
	t->cap = cap;
	t->first = 0;
	return 0;
}

static void topic_drop_oldest(struct store_memory *m, struct memory_topic *t)
{
	t->dropped_id = topic_id(t, 0);
	t->first = (t->first + 1) & (t->cap - 1);
	t->count--;
	if (!t->count)
		list_push(&m->empty, &t->empty);
	if (t->cap > RING_MIN && t->count < t->cap / 8)
		(void)topic_resize(t, t->cap / 2); /* else it stays as large as it is */
}

static void topic_free(struct store_memory *m, struct memory_topic *t)
{
	if (m->recent == t)
		m->recent = NULL;
	if (m->evicted_id < t->dropped_id)
		m->evicted_id = t->dropped_id;
	table_remove(&m->topics, &t->node);
	list_unlink(&t->empty);
	m->store.state.topics--;
	free(t->ids);
	free(t);
}

static int topic_new(struct store_memory *m, struct bytes name, struct memory_topic **topic)
{
	if (m->store.state.topics >= m->options.max_topics) {
		if (list_empty(&m->empty))
			return -EDQUOT;
		topic_free(m, container_of(m->empty.next, struct memory_topic, empty));
	}
	cleanup(cleanup_free) struct memory_topic *t = malloc(sizeof(*t) + name.len);
	if (!t)
		return -ENOMEM;
	*t = (struct memory_topic){.dropped_id = m->evicted_id};
	memcpy(t->name, name.data, name.len);
	t->node.key = bytes_of(t->name, name.len);
	int r = table_insert(&m->topics, &t->node);
	if (r < 0)
		return r;
	list_init(&t->empty);
	list_push(&m->empty, &t->empty);
	m->store.state.topics++;
	*topic = take(t);
	return 0;
}

static struct memory_topic *topic_find(struct store_memory *m, struct bytes name)
{
	struct table_node *node = table_find(&m->topics, name);

	return node ? container_of(node, struct memory_topic, node) : NULL;
}

/* The topic, with a place for one more message: 0, -EDQUOT or -ENOMEM. */
static int topic_prepare(struct store_memory *m, struct bytes name, struct memory_topic **topic)
{
	struct memory_topic *t = m->recent;

	if (!t || !bytes_equal(t->node.key, name)) {
		t = topic_find(m, name);
		int r = t ? 0 : topic_new(m, name, &t);
		if (r < 0)
			return r;
		m->recent = t;
	}
	*topic = t;
	if (t->count < t->cap)
		return 0;
	return topic_resize(t, t->cap ? t->cap * 2 : RING_MIN);
}

static uint64_t record_cost(size_t len)
{
	return len + RECORD_COST;
}

/* The record of ID, which is held, and where it lies. */
static struct record record_get(const struct store_memory *m, uint64_t id, struct journal_entry *e)
{
	struct record record;

	journal_entry(&m->journal, id, e);
	memcpy(&record, e->bytes.data, sizeof(record));
	return record;
}

static struct message record_message(const struct store_memory *m, uint64_t id)
{
	struct journal_entry e;
	struct record record = record_get(m, id, &e);
	const uint8_t *from = e.bytes.data + sizeof(record);

	return (struct message){
		.id = id,
		.seq = record.seq,
		.time_ms = record.time_ms,
		.origin = e.origin,
		.topic = record.topic->node.key,
		.from = bytes_of(from, record.from_len),
		.body = bytes_of(from + record.from_len, record.body_len),
	};
}

static void memory_drop_oldest(struct store_memory *m)
{
	struct store_state *state = &m->store.state;
	struct journal_entry e;
	struct record record = record_get(m, state->first_id, &e);

	topic_drop_oldest(m, record.topic);
	state->bytes -= record_cost(e.bytes.len);
	state->messages--;
	state->dropped++;
	state->first_id = state->messages ? state->first_id + 1 : 0;
	if (!state->messages)
		journal_clear(&m->journal);
	else if (e.end == journal_drop_end(&m->journal))
		journal_drop(&m->journal);
}

static void memory_bound(struct store_memory *m)
{
	const struct store_state *state = &m->store.state;

	while (state->messages > 1 &&
		(state->bytes > m->options.max_bytes || state->messages > m->options.max_messages))
		memory_drop_oldest(m);
}

/* Puts MESSAGE in the journal and in its topic, and fills in what the store gives it. */
static int memory_write(struct store_memory *m, struct message *message)
{
	struct store_state *state = &m->store.state;
	size_t len = sizeof(struct record) + message->from.len + message->body.len;
	struct memory_topic *t;
	int r = topic_prepare(m, message->topic, &t);

	if (r < 0)
		return r;
	uint8_t *to = journal_reserve(&m->journal, len);
	if (!to)
		return -ENOMEM;
	message->id = ++state->last_id;
	message->seq = ++t->last_seq;
	struct record record = {
		.topic = t,
		.seq = message->seq,
		.time_ms = message->time_ms,
		.from_len = (uint32_t)message->from.len,
		.body_len = (uint32_t)message->body.len,
	};
	memcpy(to, &record, sizeof(record));
	to += sizeof(record);
	if (message->from.len)
		memcpy(to, message->from.data, message->from.len);
	if (message->body.len)
		memcpy(to + message->from.len, message->body.data, message->body.len);
	journal_commit(&m->journal, len, message->id, message->origin);
	if (!t->count)
		list_unlink(&t->empty);
	t->ids[(t->first + t->count++) & (t->cap - 1)] = message->id;
	state->bytes += record_cost(len);
	state->messages++;
	if (!state->first_id)
		state->first_id = message->id;
	return 0;
}

static int memory_store(struct store_memory *m, const struct publish *p, uint64_t *id)
{
	struct message message = p->message;
	struct key_use *use = NULL;
	size_t len = sizeof(struct record) + message.from.len + message.body.len;

	if (record_cost(len) > m->options.max_bytes)
		return -EMSGSIZE;
	if (p->key.len) {
		const struct key_use *used = keys_find(&m->keys, message.topic, p->key);
		if (used) {
			int known = keys_check(used, message.body);
			*id = used->id;
			m->store.state.repeats += !known;
			return known;
		}
		int r = keys_add(&m->keys, message.topic, p->key, &use);
		if (r < 0)
			return r;
	}
	int r = memory_write(m, &message);
	if (r < 0) {
		if (use)
			keys_take_back(&m->keys);
		return r;
	}
	*id = message.id;
	if (use)
		*use = (struct key_use){message.id, keys_hash(message.body)};
	memory_bound(m);
	if (m->store.listener)
		m->store.listener->accepted(m->store.listener, &message);
	return 0;
}

static int memory_append(struct store *s, const struct publish *p)
{
	uint64_t id = 0;
	int r = memory_store(memory_of(s), p, &id);

	if (!r && p->ticket)
		p->ticket->settled(p->ticket, 0, id);
	return r;
}

static void memory_tick(struct store *s, uint64_t now_ms)
{
	struct store_memory *m = memory_of(s);
	uint64_t age = m->options.max_age_ms;

	while (age && s->state.messages &&
		record_message(m, s->state.first_id).time_ms + age < now_ms)
		memory_drop_oldest(m);
}

/* The place in the topic's ring of its first message of which ID and TIME_MS are not too small. */
static uint32_t topic_search(const struct store_memory *m, const struct memory_topic *t,
	uint64_t after_id, uint64_t since_ms)
{
	uint32_t low = 0;
	uint32_t high = t->count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		uint64_t id = topic_id(t, mid);
		if (id > after_id && (!since_ms || record_message(m, id).time_ms >= since_ms))
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

static void memory_read(struct store *s, struct store_read *r)
{
	struct store_memory *m = memory_of(s);
	const struct memory_topic *t = topic_find(m, r->topic);
	size_t bytes = 0;

	r->upto = s->state.last_id;
	r->upto_seq = t ? t->last_seq : 0;
	r->lost = r->after_id < (t ? t->dropped_id : m->evicted_id);
	uint32_t count = t ? t->count : 0;
	uint32_t i = t ? topic_search(m, t, r->after_id, r->since_ms) : 0;
	while (i < count && bytes < r->max_bytes) {
		struct message message = record_message(m, topic_id(t, i++));
		bytes += sizeof(struct record) + message.from.len + message.body.len;
		if (i < count && bytes >= r->max_bytes) {
			r->upto = message.id;
			r->upto_seq = message.seq;
		}
		r->message(r, &message);
	}
	r->done(r, 0);
}

struct visit {
	void (*topic)(void *data, const struct store_topic *t);
	void *data;
};

static void memory_visit(void *data, struct table_node *node)
{
	const struct visit *visit = data;
	const struct memory_topic *t = container_of(node, struct memory_topic, node);

	if (t->count)
		visit->topic(visit->data,
			&(struct store_topic){node->key, t->count, topic_id(t, t->count - 1)});
}

static void memory_topics(
	struct store *s, void (*topic)(void *data, const struct store_topic *t), void *data)
{
	struct visit visit = {topic, data};

	table_each(&memory_of(s)->topics, memory_visit, &visit);
}

static struct store *memory_free(struct store *s)
{
	struct store_memory *m = memory_of(s);

	for (struct table_node *node; (node = table_any(&m->topics));)
		topic_free(m, container_of(node, struct memory_topic, node));
	table_deinit(&m->topics);
	keys_deinit(&m->keys);
	journal_deinit(&m->journal);
	free(m);
	return NULL;
}

/* Nothing is ever under way between two calls, so there is nothing to commit, cancel or forget. */
static const struct store_ops memory_ops = {
	.name = "memory",
	.append = memory_append,
	.tick = memory_tick,
	.read = memory_read,
	.topics = memory_topics,
	.free = memory_free,
};

struct store *store_memory_new(const struct store_memory_options *options)
{
	struct store_memory *m = malloc(sizeof(*m));

	if (!m)
		return NULL;
	*m = (struct store_memory){.store.ops = &memory_ops};
	if (options)
		m->options = *options;
	if (!m->options.max_bytes)
		m->options.max_bytes = MAX_BYTES;
	if (!m->options.max_messages)
		m->options.max_messages = MAX_MESSAGES;
	if (!m->options.max_topics)
		m->options.max_topics = MAX_TOPICS;
	if (!m->options.max_keys)
		m->options.max_keys = MAX_KEYS;
	journal_init(&m->journal, 1, 0);
	table_init(&m->topics);
	list_init(&m->empty);
	keys_init(&m->keys, m->options.max_keys);
	return &m->store;
}

#include "hub/hub.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "hub/hub_state.h"
#include "hub/replay.h"

enum {
	TAPE_BYTES = 4 << 20,
	TAPES_BYTES = 256 << 20,
	MAX_TOPICS = 100000,
	REPLAY_BYTES = 128 << 10,
};

static struct hub *hub_of(struct store_listener *l)
{
	return container_of(l, struct hub, listener);
}

struct topic *hub_topic(struct hub *hub, struct bytes name)
{
	if (hub->recent && bytes_equal(hub->recent->node.key, name))
		return hub->recent;
	struct table_node *node = table_find(&hub->topics, name);
	if (!node)
		return NULL;
	hub->recent = container_of(node, struct topic, node);
	return hub->recent;
}

void hub_want_flush(struct hub *hub)
{
	if (hub->wanted)
		return;
	hub->wanted = true;
	if (hub->options.wake)
		hub->options.wake(hub, hub->options.data);
}

static void hub_accepted(struct store_listener *l, const struct message *m)
{
	struct hub *hub = hub_of(l);
	struct topic *topic = hub_topic(hub, m->topic);

	hub->counters.accepted++;
	if (topic)
		topic_append(topic, m);
	if (hub->options.accepted)
		hub->options.accepted(hub, m, hub->options.data);
}

static void hub_drained(struct store_listener *l)
{
	struct hub *hub = hub_of(l);

	if (hub->options.drained)
		hub->options.drained(hub, hub->options.data);
}

static size_t or_default(size_t value, size_t fallback)
{
	return value ? value : fallback;
}

struct hub *hub_new(struct store *store, const struct hub_options *options)
{
	struct hub *hub = malloc(sizeof(*hub));

	if (!hub)
		return NULL;
	*hub = (struct hub){.store = store};
	if (options)
		hub->options = *options;
	hub->options.tape_bytes = or_default(hub->options.tape_bytes, TAPE_BYTES);
	hub->options.tapes_bytes = or_default(hub->options.tapes_bytes, TAPES_BYTES);
	hub->options.max_topics = or_default(hub->options.max_topics, MAX_TOPICS);
	hub->options.replay_bytes = or_default(hub->options.replay_bytes, REPLAY_BYTES);
	hub->listener = (struct store_listener){
		.accepted = hub_accepted,
		.drained = hub_drained,
	};
	table_init(&hub->topics);
	list_init(&hub->dirty);
	store->listener = &hub->listener;
	return hub;
}

struct hub *hub_free(struct hub *hub)
{
	if (!hub)
		return NULL;
	for (struct table_node *node; (node = table_any(&hub->topics));) {
		const struct topic *topic = container_of(node, struct topic, node);
		const struct tape *tape = container_of(topic->tapes.next, struct tape, of_topic);
		cursor_deinit(container_of(tape->cursors.next, struct cursor, node));
	}
	table_deinit(&hub->topics);
	hub->store->listener = NULL;
	free(hub);
	return NULL;
}

int hub_publish(struct hub *hub, const struct publish *p)
{
	int r = -EINVAL;

	if (name_valid(p->message.topic) && p->key.len <= STORE_KEY_MAX)
		r = store_append(hub->store, p);
	if (r < 0) {
		hub->counters.refused++;
		return r;
	}
	hub->counters.messages_in++;
	hub->counters.bytes_in += p->message.body.len;
	hub_want_flush(hub);
	return 0;
}

bool hub_is_full(const struct hub *hub)
{
	return hub->store->state.full;
}

void hub_forget(struct hub *hub, struct ticket *t)
{
	store_forget(hub->store, t);
}

/* Sets C to where SINCE says: 0 or -ENOMEM. */
static int hub_place(struct hub *hub, struct cursor *c, struct since since)
{
	uint64_t last_id = hub->store->state.last_id;
	int r = 0;

	switch (since.kind) {
	case SINCE_NOW:
		c->position = c->tape->journal.end;
		break;
	case SINCE_ID:
		/* An id that was never given is another store's: all of ours comes after it. */
		r = replay_begin(c, since.value <= last_id ? since.value : 0);
		if (!r && since.value > last_id) {
			replay_skip(c->replay, 0);
			c->replay->told = false;
		}
		break;
	case SINCE_ALL:
	case SINCE_TIME:
		r = replay_begin(c, 0);
		if (r)
			break;
		c->replay->told = false;
		c->replay->since_ms = since.kind == SINCE_TIME ? since.value : 0;
		break;
	}
	return r;
}

int hub_subscribe(struct hub *hub, struct bytes topic, const struct tape_format *format,
	struct since since, struct cursor *c)
{
	struct topic *at;

	if (!name_valid(topic))
		return -EINVAL;
	int r = topic_open(hub, topic, &at);
	if (r < 0)
		return r;
	r = topic_tape(at, format, &c->tape);
	if (r < 0) {
		topic_release(at);
		return r;
	}
	c->error = 0;
	list_push(&c->tape->cursors, &c->node);
	c->tape->subscribers++;
	hub->counters.subscribers++;
	r = hub_place(hub, c, since);
	if (r < 0)
		cursor_deinit(c);
	return r;
}

void hub_flush(struct hub *hub)
{
	struct list dirty = LIST_INIT(dirty);

	hub->wanted = false;
	hub->brimming = false;
	store_commit(hub->store);
	list_splice(&dirty, &hub->dirty);
	while (!list_empty(&dirty)) {
		struct tape *tape = container_of(dirty.next, struct tape, dirty);
		list_unlink(&tape->dirty);
		tape_flush(tape);
	}
}

bool hub_brimming(const struct hub *hub)
{
	return hub->brimming;
}

void hub_poll(struct hub *hub)
{
	while (store_poll(hub->store, hub->options.tape_bytes / 8))
		if (hub->brimming)
			hub_flush(hub);
}

static void hub_tick_topic(void *data, struct table_node *node)
{
	struct topic *topic = container_of(node, struct topic, node);

	list_each (tape, &topic->tapes)
		tape_tick(container_of(tape, struct tape, of_topic));
}

void hub_tick(struct hub *hub, uint64_t now_ms)
{
	store_tick(hub->store, now_ms);
	table_each(&hub->topics, hub_tick_topic, NULL);
}

const struct hub_counters *hub_counters(const struct hub *hub)
{
	return &hub->counters;
}

const struct store_state *hub_store_state(const struct hub *hub)
{
	return &hub->store->state;
}

struct listing {
	struct hub *hub;
	void (*visit)(void *data, const struct hub_topic_info *t);
	void *data;
};

static void list_stored(void *data, const struct store_topic *t)
{
	const struct listing *l = data;
	struct topic *topic = hub_topic(l->hub, t->name);
	struct hub_topic_info info = {t->name, t->messages, t->last_id, 0};

	if (topic) {
		topic->listed = true;
		info.subscribers = topic_subscribers(topic);
	}
	l->visit(l->data, &info);
}

static void list_unstored(void *data, struct table_node *node)
{
	const struct listing *l = data;
	struct topic *topic = container_of(node, struct topic, node);

	if (!topic->listed) {
		struct hub_topic_info info = {node->key, 0, 0, topic_subscribers(topic)};
		l->visit(l->data, &info);
	}
	topic->listed = false;
}

void hub_topics(
	struct hub *hub, void (*visit)(void *data, const struct hub_topic_info *t), void *data)
{
	struct listing l = {hub, visit, data};

	store_topics(hub->store, list_stored, &l);
	table_each(&hub->topics, list_unstored, &l);
}

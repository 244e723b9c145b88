#pragma once

/*
 * A store in front of another that takes its time, as one with a disk does: appends and reads are
 * kept, and some of them done at each poll.
 */

#include <stdlib.h>

#include "hub/store.h"

struct slow_publish {
	struct list node;
	struct publish publish;
	uint8_t *bytes;
};

struct slow_read {
	struct list node;
	struct store_read *read;
};

struct slow_store {
	struct store store;
	struct store *inner;
	struct store_listener listener;
	struct list publishes;
	struct list reads;
};

static inline struct slow_store *slow_of(struct store *s)
{
	return container_of(s, struct slow_store, store);
}

static inline int slow_append(struct store *s, const struct publish *p)
{
	struct slow_publish *kept = malloc(sizeof(*kept));
	const struct message *m = &p->message;

	kept->publish = *p;
	kept->bytes = malloc(m->topic.len + m->from.len + m->body.len + 1);
	memcpy(kept->bytes, m->topic.data, m->topic.len);
	memcpy(kept->bytes + m->topic.len, m->from.data, m->from.len);
	memcpy(kept->bytes + m->topic.len + m->from.len, m->body.data, m->body.len);
	kept->publish.message.topic.data = kept->bytes;
	kept->publish.message.from.data = kept->bytes + m->topic.len;
	kept->publish.message.body.data = kept->bytes + m->topic.len + m->from.len;
	if (p->ticket)
		p->ticket->pending++;
	s->state.pending++;
	list_push(&slow_of(s)->publishes, &kept->node);
	return 0;
}

static inline void slow_publish_done(struct slow_store *slow, struct slow_publish *kept)
{
	struct ticket *t = kept->publish.ticket;

	list_unlink(&kept->node);
	kept->publish.ticket = NULL;
	int r = store_append(slow->inner, &kept->publish);
	slow->store.state = slow->inner->state;
	if (t) {
		t->pending--;
		t->settled(t, r, r ? 0 : slow->inner->state.last_id);
	}
	free(kept->bytes);
	free(kept);
}

static inline void slow_accepted(struct store_listener *l, const struct message *m)
{
	struct slow_store *slow = container_of(l, struct slow_store, listener);

	slow->store.state = slow->inner->state;
	slow->store.listener->accepted(slow->store.listener, m);
}

static inline void slow_cancel(struct store *s, struct store_read *r)
{
	struct slow_read *kept = r->pending;

	list_unlink(&kept->node);
	r->pending = NULL;
	free(kept);
}

static inline bool slow_poll(struct store *s, size_t max_bytes)
{
	struct slow_store *slow = slow_of(s);

	while (!list_empty(&slow->publishes) && rand() % 30)
		slow_publish_done(
			slow, container_of(slow->publishes.next, struct slow_publish, node));
	while (!list_empty(&slow->reads) && rand() % 8) {
		struct slow_read *kept = container_of(slow->reads.next, struct slow_read, node);
		struct store_read *r = kept->read;
		slow_cancel(s, r);
		store_read(slow->inner, r);
	}
	return false;
}

static inline void slow_read(struct store *s, struct store_read *r)
{
	struct slow_read *kept = malloc(sizeof(*kept));

	kept->read = r;
	r->pending = kept;
	list_push(&slow_of(s)->reads, &kept->node);
}

static inline void slow_tick(struct store *s, uint64_t now_ms)
{
	store_tick(slow_of(s)->inner, now_ms);
	s->state = slow_of(s)->inner->state;
}

static inline void slow_topics(
	struct store *s, void (*visit)(void *data, const struct store_topic *t), void *data)
{
	store_topics(slow_of(s)->inner, visit, data);
}

static inline struct store *slow_free(struct store *s)
{
	struct slow_store *slow = slow_of(s);

	while (!list_empty(&slow->publishes))
		slow_publish_done(
			slow, container_of(slow->publishes.next, struct slow_publish, node));
	store_free(slow->inner);
	free(slow);
	return NULL;
}

static inline struct store *slow_store_new(struct store *inner)
{
	static const struct store_ops ops = {
		.name = "slow",
		.append = slow_append,
		.poll = slow_poll,
		.tick = slow_tick,
		.read = slow_read,
		.cancel = slow_cancel,
		.topics = slow_topics,
		.free = slow_free,
	};
	struct slow_store *slow = calloc(1, sizeof(*slow));

	slow->store.ops = &ops;
	slow->inner = inner;
	slow->listener.accepted = slow_accepted;
	inner->listener = &slow->listener;
	list_init(&slow->publishes);
	list_init(&slow->reads);
	return &slow->store;
}

#pragma once

/*
 * Store: where messages are kept, and what gives them their order and ids
 *
 * The store leads. A publish is appended; what the store has accepted it hands to its listener (the
 * hub) in its own order, and only then tells the publisher by his ticket. Memory accepts inside
 * the append; SQLite and NATS later, in batches.
 *
 * Ids grow by store and never go back, not even across restarts; they may have holes. A message's
 * `seq` is its topic's own count without holes, kept as long as the topic has messages. Times are
 * the publisher's; where one is looked for, they are taken to grow.
 *
 * All functions are for the one thread that runs the hub, none blocks but store_free, and every
 * callback comes on that thread. A store with threads of its own is given a `wake` when it is
 * opened, the one callback that comes from any thread; the owner then has hub_poll called.
 */

#include <stdbool.h>

#include "base/list.h"
#include "base/message.h"

/*
 * Who wants to know what became of a publish. One ticket may go with many publishes. It belongs to
 * the publisher, who must call store_forget (hub_forget) before its memory goes while `pending` is
 * not 0.
 */
struct ticket {
	/* Once for each publish, in the store's order. RESULT 0: stored as ID (for a repeated key
	 * the id of the first). Negative: not stored; -EEXIST: the key was used with another body;
	 * -ENOSPC, -EROFS, -EIO, … may come from within hub_publish. Must not end the hub; may call
	 * anything else. */
	void (*settled)(struct ticket *t, int result, uint64_t id);
	size_t pending; /* publishes not yet settled; kept by the store */
};

struct publish {
	struct message message; /* all but id and seq; its bytes are borrowed for the call */
	struct bytes key;	/* a repeat with the same key is not stored again; empty: none */
	struct ticket *ticket;	/* NULL: no one asks */
};

enum { STORE_KEY_MAX = 255 };

/* What a store tells the one who uses it. */
struct store_listener {
	/* M is stored; its bytes are valid for the call. */
	void (*accepted)(struct store_listener *l, const struct message *m);
	/* Appends that failed with -EAGAIN would be taken again. */
	void (*drained)(struct store_listener *l);
};

/*
 * One batch of a topic's messages, in order. The reader embeds it, fills in the question and leaves
 * it alone until `done`; store_cancel takes it back.
 */
struct store_read {
	struct bytes topic; /* must stay valid until done */
	uint64_t after_id;  /* messages with a greater id */
	uint64_t since_ms;  /* and of this time or later; 0 for any */
	size_t max_bytes;   /* ends after the message that reaches it; one at least is given */

	/* M's bytes are valid for the call; must not call the store. */
	void (*message)(struct store_read *r, const struct message *m);
	/*
	 * The batch is over; may come from within store_read. RESULT: 0 or negative errno.
	 * `upto`: all the topic's messages that the store has with ids in (after_id, upto] have
	 * been given; no less than the last id accepted before the read when the batch is not full.
	 * `upto_seq`: the seq of the topic's newest message up to there, 0 when not known.
	 */
	void (*done)(struct store_read *r, int result);
	uint64_t upto;
	uint64_t upto_seq;
	/* The store once had messages of the topic after after_id that it has dropped. Set before
	 * the first message is given. */
	bool lost;
	void *pending; /* the store's while the read is on its way, else NULL */
};

struct store_topic {
	struct bytes name;
	uint64_t messages; /* held */
	uint64_t last_id;
};

/* Counted by the store, read by anyone. */
struct store_state {
	uint64_t first_id; /* of the oldest message held, 0 when there is none */
	uint64_t last_id;  /* of the newest ever accepted */
	uint64_t messages; /* held */
	uint64_t bytes;	   /* held */
	uint64_t dropped;  /* no longer held */
	uint64_t repeats;  /* publishes whose key was known */
	uint64_t failed;   /* publishes that were taken, and then not stored */
	uint64_t commits;
	size_t topics;
	size_t pending;	      /* publishes on their way */
	size_t pending_bytes; /* and their size */
	bool full;	      /* wait for `drained`; what was read already is still taken */
	int error;	      /* negative errno while appends fail, for people */
};

/* ERROR, negative, in words for people. */
const char *store_error(int error);

struct store;

struct store_ops {
	const char *name;
	int (*append)(struct store *s, const struct publish *p);
	void (*commit)(struct store *s);
	bool (*poll)(struct store *s, size_t max_bytes);
	void (*tick)(struct store *s, uint64_t now_ms);
	void (*read)(struct store *s, struct store_read *r);
	void (*cancel)(struct store *s, struct store_read *r);
	void (*forget)(struct store *s, struct ticket *t);
	void (*topics)(struct store *s, void (*visit)(void *data, const struct store_topic *t),
		void *data);
	struct store *(*free)(struct store *s);
};

struct store {
	const struct store_ops *ops;
	struct store_listener *listener;
	struct store_state state;
};

/*
 * Takes P. 0: taken; its ticket is settled sooner or later, maybe before this returns. Negative:
 * not taken, the ticket not touched: -EAGAIN when as much is on the way as may be (wait for
 * `drained`), -EMSGSIZE when it is larger than the store can hold, -EDQUOT when there are too many
 * topics, -EEXIST, -ENOSPC, -EROFS, -EIO, -ENOMEM.
 */
static inline int store_append(struct store *s, const struct publish *p)
{
	return s->ops->append(s, p);
}

/* The turn is over: what was appended in it is one batch. */
static inline void store_commit(struct store *s)
{
	if (s->ops->commit)
		s->ops->commit(s);
}

/* Hands out what the store's threads have done, about MAX_BYTES of accepted messages at the most:
 * true when there is more. */
static inline bool store_poll(struct store *s, size_t max_bytes)
{
	return s->ops->poll && s->ops->poll(s, max_bytes);
}

/* Time has passed (about once a second): drops what is over the age kept. */
static inline void store_tick(struct store *s, uint64_t now_ms)
{
	if (s->ops->tick)
		s->ops->tick(s, now_ms);
}

/* Begins R; `done` is always called, be it before this returns, unless R is cancelled. */
static inline void store_read(struct store *s, struct store_read *r)
{
	s->ops->read(s, r);
}

/* No callback of R comes any more. Safe when it is not on its way. */
static inline void store_cancel(struct store *s, struct store_read *r)
{
	if (r->pending)
		s->ops->cancel(s, r);
}

/* T is not settled any more; its publishes go on. */
static inline void store_forget(struct store *s, struct ticket *t)
{
	if (t->pending)
		s->ops->forget(s, t);
}

/* Visits every topic that has messages; the visitor must not call the store. */
static inline void store_topics(
	struct store *s, void (*visit)(void *data, const struct store_topic *t), void *data)
{
	s->ops->topics(s, visit, data);
}

/* Writes what is pending (this may block), tells no one, frees. Takes NULL, returns NULL. */
static inline struct store *store_free(struct store *s)
{
	return s ? s->ops->free(s) : NULL;
}

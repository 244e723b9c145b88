#pragma once

/*
 * Hub: topics and who is subscribed to them, in front of a store
 *
 * A publish goes to the store; what the store has accepted goes on the tapes of its topic, in the
 * store's order; then the publisher's ticket is settled. Nothing is written to anyone before the
 * turn of the loop ends: hub_flush then calls `ready` once for every cursor of every tape that
 * grew, so a subscriber costs one write a turn, not one a message.
 *
 * A topic exists here only while someone is subscribed to it; its history is the store's.
 *
 * One thread. No socket, no wire, no clock: times come with the messages.
 */

#include "hub/cursor.h"
#include "hub/name.h"
#include "hub/store.h"
#include "hub/tape.h"

struct hub_options {
	size_t tape_bytes;   /* a tape holds at most this for slow cursors; 0: 4 MiB */
	size_t tapes_bytes;  /* all tapes together; 0: 256 MiB */
	size_t max_topics;   /* with subscribers; 0: 100,000 */
	size_t replay_bytes; /* read from the store at a time for one cursor; 0: 128 KiB */
	/* hub_flush is wanted at the end of this turn. Once a turn, from within hub calls. */
	void (*wake)(struct hub *hub, void *data);
	/* The hub was full and is so no more. */
	void (*drained)(struct hub *hub, void *data);
	/* M is stored. For who shows what passes; NULL when no one does. */
	void (*accepted)(struct hub *hub, const struct message *m, void *data);
	void *data;
};

struct hub_counters {
	uint64_t messages_in;  /* publishes taken */
	uint64_t bytes_in;     /* their bodies */
	uint64_t accepted;     /* by the store, others' hubs' included */
	uint64_t bytes_out;    /* written to subscribers */
	uint64_t messages_out; /* written to subscribers, the last of each cursor counted when whole
				*/
	uint64_t skipped;      /* messages that a subscriber was told are missing */
	uint64_t replays;      /* times a subscriber went to the store */
	uint64_t refused;      /* publishes not taken */
	size_t topics;	       /* with subscribers */
	size_t subscribers;
	size_t replaying;
	size_t tape_bytes;   /* memory of all tapes now */
	size_t replay_bytes; /* memory of all replays now */
};

struct hub_topic_info {
	struct bytes name;
	uint64_t messages; /* held by the store */
	uint64_t last_id;  /* 0: nothing held */
	size_t subscribers;
};

enum since_kind {
	SINCE_NOW,  /* only what comes from now on */
	SINCE_ID,   /* what comes after id `value`; told what is no longer there */
	SINCE_ALL,  /* all there is */
	SINCE_TIME, /* all there is of real time `value` (ms) or later */
};

struct since {
	enum since_kind kind;
	uint64_t value;
};

#define SINCE_NONE ((struct since){SINCE_NOW, 0})

/* Uses STORE, which stays the caller's and must outlive it. NULL when memory is out. */
struct hub *hub_new(struct store *store, const struct hub_options *options);

/* Cursors still subscribed are unsubscribed; `ready` is not called. Takes NULL, returns NULL. */
struct hub *hub_free(struct hub *hub);

/*
 * 0: taken, the ticket is settled sooner or later (memory store: before this returns). Negative:
 * not taken, the ticket is not touched: -EINVAL for a bad topic name or key, or as store_append.
 */
int hub_publish(struct hub *hub, const struct publish *p);

/* A publish would give -EAGAIN until `drained`. To be asked before a message is taken off a wire.
 */
bool hub_is_full(const struct hub *hub);

/* T is not settled any more; its publishes go on. */
void hub_forget(struct hub *hub, struct ticket *t);

/*
 * Subscribes C (initialised, not subscribed) to the topic from SINCE on. FORMAT must outlive it.
 * The caller then writes as in `ready`. 0, -EINVAL for a bad name, -EDQUOT for too many topics, or
 * -ENOMEM.
 */
int hub_subscribe(struct hub *hub, struct bytes topic, const struct tape_format *format,
	struct since since, struct cursor *c);

/* The end of a turn: commits the batch, and serves the cursors of every tape that grew. */
void hub_flush(struct hub *hub);

/*
 * A tape has taken so much this turn that hub_flush should come before more is published, lest
 * cursors that keep up fall off. To be asked between two reads, never inside a wire's callback.
 */
bool hub_brimming(const struct hub *hub);

/* Hands out what the store has done since: after the store's `wake`, on the hub's thread. Flushes
 * in between when that is much. */
void hub_poll(struct hub *hub);

/* About once a second: age bounds, memory of idle tapes. NOW_MS is real time. */
void hub_tick(struct hub *hub, uint64_t now_ms);

const struct hub_counters *hub_counters(const struct hub *hub);
const struct store_state *hub_store_state(const struct hub *hub);

/* Every topic that has messages or subscribers. The visitor must not call the hub. */
void hub_topics(
	struct hub *hub, void (*visit)(void *data, const struct hub_topic_info *t), void *data);

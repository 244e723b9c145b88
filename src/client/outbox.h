#pragma once

/*
 * Outbox: what was published and is not yet known to be stored, in order
 *
 * Every message has a number, 1 for the first of the session. A wire takes the next unsent one, as
 * often as its connection can carry more; the hub's answers settle them from the front. When the
 * connection is lost, what was sent but not settled is unsent again, under the same numbers, so a
 * hub that remembers numbers stores none of them twice.
 *
 * It owns copies of the bodies, in one buffer, and is bounded.
 */

#include "base/bytes.h"

/* ERROR 0: stored as ID, which is 0 where the wire does not tell. Negative errno: not stored, or
 * not known to be. */
typedef void outbox_settled(void *data, int error, uint64_t id);

enum { OUTBOX_LIMIT = 4 * 1024 * 1024 };

struct outbox {
	struct buffer records; /* each a struct record and its body, see outbox.c */
	size_t sent;	       /* bytes of them that the wire has */
	uint64_t count;	       /* messages not settled */
	uint64_t count_sent;   /* of these, with the wire */
	uint64_t settled;      /* messages settled so far; the number of the last of them */
};

#define OUTBOX_NULL ((struct outbox){0})

/* Drops what is there, telling no one. */
void outbox_deinit(struct outbox *o);

/* It is full from OUTBOX_LIMIT on, so there is always room for one message more or for none. */
static inline bool outbox_is_full(const struct outbox *o)
{
	return buffer_len(&o->records) >= OUTBOX_LIMIT;
}

/* Copies BODY in. SETTLED may be NULL. 0; -EAGAIN when it is full; -ENOMEM. */
int outbox_push(struct outbox *o, struct bytes body, outbox_settled *settled, void *data);

/* The next unsent message, which counts as sent from now on; false when there is none. BODY is
 * valid until the next push or settle. */
bool outbox_next(struct outbox *o, struct bytes *body);

/* Takes the last outbox_next() back. */
void outbox_unnext(struct outbox *o, struct bytes body);

/* Settles the oldest message, which must be there; its callback may push. */
void outbox_settle(struct outbox *o, int error, uint64_t id);

/* Nothing is with the wire any more. */
void outbox_rewind(struct outbox *o);

static inline bool outbox_has_unsent(const struct outbox *o)
{
	return o->count > o->count_sent;
}

/* The number of the next unsent message, whether or not it is there. */
static inline uint64_t outbox_next_number(const struct outbox *o)
{
	return o->settled + o->count_sent + 1;
}

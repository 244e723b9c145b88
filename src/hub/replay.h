#pragma once

/*
 * Replay: a cursor on its way through the store (see cursor.h)
 *
 * Reads a batch of messages after the last one the cursor has, encodes them into a journal of its
 * own, lets that be written, and reads the next, until what follows is all on the tape.
 */

#include "hub/cursor.h"
#include "hub/journal.h"
#include "hub/store.h"

struct replay {
	struct cursor *cursor;
	struct store_read read;
	struct journal journal; /* what is to be written before anything else */
	size_t charged;		/* of its memory, to the hub */
	uint64_t after_id;	/* the last message in the journal or written before */
	uint64_t after_seq;	/* its number in the topic, if `counted` */
	uint64_t since_ms;
	bool counted; /* so what is missing can be told exactly */
	bool told;    /* what is missing is told at all: not before the first message of `all` */
	bool inside;  /* the call that reads; `ready` is not called for what it brings */
};

/* Makes C, subscribed to its tape, replay what comes after AFTER_ID: 0 or -ENOMEM. */
int replay_begin(struct cursor *c, uint64_t after_id);

/* Makes the live cursor C replay what comes after the last message it has written; the rest of one
 * that it has begun is kept. Out of memory, the cursor has failed. */
void replay_fall(struct cursor *c);

/* Tells that N messages are missing here, 0 when the number is not known. */
void replay_skip(struct replay *r, uint64_t n);

/* What follows is all on the tape. */
bool replay_over(const struct replay *r);

/* Reads the next batch, all before having been written. False: it is on its way. */
bool replay_read(struct replay *r);

/* Cancels what is on its way. The cursor is live again; its position is the caller's to set. */
void replay_end(struct replay *r);

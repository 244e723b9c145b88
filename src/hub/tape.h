#pragma once

/*
 * Tape: one topic's messages in one format, each encoded once, however many subscribers there are
 *
 * It is made when its first cursor comes and freed when its last one leaves. It holds at least what
 * its live cursors have yet to write, up to a bound; then its oldest chunk is dropped, and a cursor
 * that stood in it goes on from the store (see cursor.h). Bytes that every cursor has passed are
 * let go at the end of a turn, so the tape of subscribers who keep up is one chunk, used again and
 * again.
 */

#include "base/list.h"
#include "base/message.h"
#include "hub/journal.h"

enum { TAPE_SKIPPED_MAX = 256 };

/*
 * How a message looks on the wire. The wires' owner gives one static object for each format; two
 * subscribers share a tape when they name the same object. What it writes is what goes on the
 * connection, so HTTP chunks are part of the format: a write may end anywhere.
 */
struct tape_format {
	const char *name;
	/* No less than what `encode` writes. */
	size_t (*size)(const struct message *m);
	/* Returns the number of bytes written; 0 leaves the message out of this format. */
	size_t (*encode)(const struct message *m, uint8_t *to);
	/* The line that says that N messages are missing here, 0 when the number is not known.
	 * At most TAPE_SKIPPED_MAX bytes; 0 bytes when the format says nothing. */
	size_t (*skipped)(uint64_t n, uint8_t *to);
};

struct hub;
struct topic;

struct tape {
	struct hub *hub;
	struct topic *topic;
	const struct tape_format *format;
	struct list of_topic;
	struct list dirty;	/* on the hub's list from an append to the flush */
	struct list cursors;	/* every cursor of this tape is on one of these two */
	struct list unserved;	/* those the flush under way has still to call */
	struct journal journal; /* numbered by the topic's own count */
	size_t charged;		/* of the journal's memory, to the hub */
	size_t subscribers;
	size_t reading;	  /* of the subscribers, those that wait for the store */
	uint64_t flushed; /* where the journal ended at the last flush */
	uint64_t ticked;  /* and at the last tick */
	bool flushing;
};

/* A tape that begins after the message AFTER_ID; on TOPIC's list. NULL when memory is out. */
struct tape *tape_new(struct topic *topic, const struct tape_format *format, uint64_t after_id);

/* Frees the tape if it has no subscriber left, and the topic with it if that was its last tape. */
void tape_release(struct tape *tape);

/* Encodes M and makes the tape dirty. Out of memory, its cursors are sent to the store. */
void tape_append(struct tape *tape, const struct message *m);

/* Calls `ready` for every cursor, then lets go of what all have passed. May free the tape. */
void tape_flush(struct tape *tape);

/* Time has passed: frees the memory of a tape that has been idle since the last time. */
void tape_tick(struct tape *tape);

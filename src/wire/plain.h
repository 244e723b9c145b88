#pragma once

/*
 * The plain wire: a message is a line
 *
 * In: a line ends with LF or CR LF, which are no part of it. Any other byte passes, NUL too. A line
 * longer than MAX comes in pieces of at most MAX bytes; nothing is dropped and no UTF-8 character
 * is cut. Lines that lie whole in the bytes given are pointed at there; only the beginning of a
 * line whose end has not come is copied, into memory that exists only meanwhile. However the bytes
 * are cut, the lines are the same.
 *
 *	while ((r = plain_next(p, &in, max, &line)) == PLAIN_LINE)
 *		...
 *
 * The owner has a clock: when plain_pending() and nothing has come for a while, plain_flush() makes
 * a line of what there is. MAX is at least 4 and at most SIZE_MAX / 2.
 *
 * Out: `FROM: BODY` and LF. The body goes as it is, so one that has line ends in it is more than
 * one line for the receiver.
 */

#include "base/bytes.h"
#include "base/message.h"

struct plain {
	struct buffer rest; /* of a line without end so far; no memory while there is none */
	bool flushed;	    /* the line was given without its end, which may still come */
};

#define PLAIN_NULL ((struct plain){0})

enum {
	PLAIN_MORE = 0,
	PLAIN_LINE = 1,
};

void plain_deinit(struct plain *p);

/*
 * PLAIN_LINE: *line is the next one, valid until the next call and as long as the bytes behind *in
 * are; it may be empty. PLAIN_MORE: all of *in was used. -ENOMEM: the rest of *in was not used.
 * *in is moved past what was used.
 */
int plain_next(struct plain *p, struct bytes *in, size_t max, struct bytes *line);

/* There are bytes whose line has not ended. */
static inline bool plain_pending(const struct plain *p)
{
	return buffer_len(&p->rest);
}

/*
 * Makes a line of what is pending; to be called until it gives PLAIN_MORE. A UTF-8 character or a
 * CR LF that is cut at the end stays pending, unless this is FINAL: no more bytes come, and every
 * byte is given. A line end that comes as the first thing after a flush belongs to the line
 * flushed.
 */
int plain_flush(struct plain *p, bool final, size_t max, struct bytes *line);

/* Bytes of memory it holds beside itself. */
static inline size_t plain_memory(const struct plain *p)
{
	return p->rest.cap;
}

/* The exact size of M on this wire, and the bytes written: always the same. */
size_t plain_size(const struct message *m);
size_t plain_encode(const struct message *m, uint8_t *to);

/* `skipped N messages` and LF; COUNT 0: how many is not known. At most 64 bytes. */
size_t plain_skipped(uint64_t count, uint8_t *to);

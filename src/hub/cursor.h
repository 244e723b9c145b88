#pragma once

/*
 * Cursor: a subscriber's place in a topic
 *
 * A cursor lives in a connection and is a position, no more: LIVE, it is an offset in its topic's
 * tape, and to serve it is to write from there to the end in one call. It owes no memory.
 *
 * REPLAY is the one way to have what is not on the tape: history (`since`), and whatever the tape
 * dropped before the cursor had written it. The cursor then reads batches from the store after the
 * last message it has, into a private journal that exists only meanwhile and is encoded in the same
 * format. As soon as the tape holds everything after that last message the cursor goes on there:
 * no gap and no double, since both count by the store's ids. A message that was dropped when half
 * written is finished from a private copy, so the peer's stream stays whole. What the store no
 * longer has is told as `skipped N`, exact by the topic's own count.
 *
 * Use, in `ready` and whenever the connection can write again:
 *
 *	while ((n = cursor_next(c, iov, max)) > 0) {
 *		ssize_t wrote = writev(fd, iov, n);
 *		... stop on EAGAIN ...
 *		cursor_advance(c, wrote);
 *	}
 *
 * The vectors borrow from the tape. Between cursor_next and cursor_advance nothing else of the hub
 * may be called.
 */

#include <sys/uio.h>

#include "base/list.h"
#include "base/message.h"

struct tape;
struct replay;

struct cursor {
	struct list node;
	struct tape *tape;     /* NULL while it is not subscribed */
	struct replay *replay; /* NULL while it is live */
	uint64_t position;     /* in the tape's journal, or in the replay's */
	uint64_t origin;       /* messages of this origin are left out; 0 leaves out none */
	/* There is something to write, or the cursor has failed: called by hub_flush and hub_poll,
	 * never from within hub_publish. May subscribe, unsubscribe and end any cursor. */
	void (*ready)(struct cursor *c);
	int error; /* see cursor_error */
};

/* A cursor that is not subscribed (hub_subscribe does that). */
void cursor_init(struct cursor *c, void (*ready)(struct cursor *c));

/* Leaves the topic. Safe on a cursor that is not subscribed; it may then be subscribed again. */
void cursor_deinit(struct cursor *c);

/*
 * What to write next: fills up to MAX vectors, returns how many. 0 means that there is nothing now:
 * either it is up to date, or a read from the store is on its way, or it has failed; `ready` is
 * called when that changes.
 */
size_t cursor_next(struct cursor *c, struct iovec *iov, size_t max);

/* The same, one message only (or the rest of one): what a packet carries. */
size_t cursor_next_message(struct cursor *c, struct iovec *iov);

/* LEN bytes of those that cursor_next gave have been written; may end inside a message. */
void cursor_advance(struct cursor *c, size_t len);

/* It has been given every message that the hub has accepted (what `?poll=1` waits for). */
bool cursor_up_to_date(struct cursor *c);

/*
 * 0, or the negative errno for which the subscription cannot go on: -ENOMEM (no room for the rest
 * of a message), or what the store said when it could not read. The connection should be closed.
 */
static inline int cursor_error(const struct cursor *c)
{
	return c->error;
}

/* From now on leaves out messages of ORIGIN: to be called before the connection subscribes, or
 * while there are none of it yet. */
static inline void cursor_leave_out(struct cursor *c, uint64_t origin)
{
	c->origin = origin;
}

#pragma once

/*
 * A flow is one direction of a crossing: bytes, or packets with their boundaries, from one leg to
 * the other.
 *
 * It copies through the loop's scratch memory, so a flow that waits for bytes owns no memory. What
 * the other side does not take is held, at most one block, and nothing more is read until it is
 * out: the kernel's buffers then hold the sender back. A flow of plain streams that turns out to be
 * bulk goes over to splice(2) through a pipe of its own, which costs less CPU.
 *
 * A flow ends by itself: the end of one side's stream becomes the end of our direction at the other
 * (shutdown(2)) once all is out, and the opposite flow goes on.
 */

#include "relay/leg.h"

struct flow;

/* Who is shown each block on its way. */
struct flow_watch {
	void (*passed)(struct flow_watch *w, struct flow *f, struct bytes data);
};

struct flow {
	struct leg *from;
	struct leg *to;
	struct flow_watch *watch; /* NULL: nobody. A watched flow does not splice */
	struct buffer held;	  /* for a side of packets each has its length in front */
	int pipe[2];
	size_t piped; /* bytes in the pipe */
	uint64_t bytes;
	uint32_t bulk;	/* full blocks in a row */
	uint32_t lost;	/* packets that the other side could not take */
	bool ended : 1; /* nothing more comes */
	bool over : 1;	/* and all of it has been handed on, or has nowhere to go */
	bool cut : 1;	/* over before its end: the other side reads no more */
};

enum {
	FLOW_MOVED = 1,	  /* something was read or written; it now waits for readiness */
	FLOW_MORE = 2,	  /* it wants another call in the next turn */
	FLOW_NOTHING = 3, /* it waits for readiness as before */
};

void flow_init(struct flow *f, struct leg *from, struct leg *to);
void flow_deinit(struct flow *f);

/* Moves what can be moved, within bounds. One of the outcomes above, or the negative errno that
 * reading gave: nothing more can come or be handed on. An error of writing is none of the flow's:
 * it is over then, and `cut`. */
int flow_run(struct flow *f);

/* Holds DATA to go before anything that is read. 0 or -ENOMEM. */
int flow_prepend(struct flow *f, struct bytes data);

/* A packet from a leg without a descriptor. One that has no room is lost and counted. */
void flow_push(struct flow *f, struct bytes packet);

static inline bool flow_is_stuck(const struct flow *f)
{
	return !f->over && (buffer_len(&f->held) || f->piped);
}

#pragma once

/*
 * A message, as every floor sees it. It borrows all its bytes: from a read buffer on the way in,
 * from a store's memory on the way out; the function that hands one over says how long they live.
 */

#include "base/bytes.h"

/* The origin is a client's, who has it on every connection and in every run of the hub; all others
 * are a connection's, and mean nothing to another run. */
#define MESSAGE_ORIGIN_LASTING ((uint64_t)1 << 62)

struct message {
	uint64_t id;	  /* grows by store; 0 before the store has it */
	uint64_t seq;	  /* the topic's own count, 1 for its first; what "skipped N" counts in */
	uint64_t time_ms; /* real time at which the hub took it */
	uint64_t origin; /* who sent it and is not shown it: a connection, or a client; 0: nobody */
	struct bytes topic;
	struct bytes from;
	struct bytes body;
};

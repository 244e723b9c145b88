#pragma once

/*
 * A fleet is a relay on every core: one loop and one thread each, the first on the caller's own.
 * They listen on the same ports (SO_REUSEPORT), and the kernel spreads the connections; nothing is
 * shared but the quota. Only TCP and its like can be shared in this way: a route of another kind is
 * the first relay's alone.
 */

#include "relay/relay.h"

struct fleet;

struct fleet_options {
	struct relay_options relay; /* its quota, ids and `idle` are the fleet's; `ended` may be
				       called from any of the threads */
	unsigned threads;	    /* 0: one for each core that we may run on */
	uint64_t max_connections;
	/* All relays are over; called on the first loop. */
	void (*idle)(void *data);
	void *data;
};

/* 0 or a negative errno. */
int fleet_new(struct fleet **out, struct loop *first, const struct fleet_options *options);

/* Adds a route to all, as relay_add(). What was bound is in *bound (copied; NULL: nobody wants to
 * know), which is left as it is for a route that is one connection. */
int fleet_add(struct fleet *f, const struct address *from, struct tls_slot *slot,
	const struct address *to, size_t to_count, struct address *bound, struct fault *why);

/* Starts the other threads; the caller runs the first loop. 0 or a negative errno. */
int fleet_start(struct fleet *f);

/* Listens no more; `idle` is called when all that is under way is over. */
void fleet_stop(struct fleet *f);

/* Ends what is under way, joins the threads. Takes NULL; returns NULL. */
struct fleet *fleet_free(struct fleet *f);

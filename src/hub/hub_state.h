#pragma once

/*
 * What the files of hub/ share of the hub; no one else includes this.
 */

#include "hub/hub.h"
#include "hub/table.h"
#include "hub/topic.h"

struct hub {
	struct store_listener listener;
	struct store *store;
	struct hub_options options; /* no defaults left to fill in */
	struct hub_counters counters;
	struct table topics;
	struct topic *recent; /* the one last looked up, NULL when it has gone */
	struct list dirty;    /* tapes that grew since the last flush */
	bool wanted;	      /* the owner was asked for a flush */
	bool brimming;
};

/* The topic of that name, NULL when no one is subscribed to it. */
struct topic *hub_topic(struct hub *hub, struct bytes name);

/* Asks the owner for a flush at the end of the turn. */
void hub_want_flush(struct hub *hub);

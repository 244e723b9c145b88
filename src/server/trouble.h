#pragma once

/*
 * What a store cannot do while the hub runs, told in the hub's log
 *
 * Clients are told what became of their own messages; whoever runs the hub learns here that a disk
 * is full or a file damaged: once when it begins, and when it is over.
 */

#include "base/log.h"

struct trouble {
	int error; /* of storing, as it was last told; 0: there is none */
	struct log_limit storing;
	struct log_limit reading;
};

/* ERROR is that of the last message that the store took or not, 0 for a good one. */
void trouble_storing(struct trouble *t, int error);

/* ERROR is that of reading what PEER is to be sent; true when there is one. */
bool trouble_reading(struct trouble *t, const char *peer, int error);

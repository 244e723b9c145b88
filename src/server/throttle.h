#pragma once

/*
 * Throttle: how often one address may do what it should not
 *
 * A token has 128 bits, so nobody guesses one; but whoever tries costs work and fills the log. Each
 * address may fail 10 times, and once a second from then on; a network of 64 bits is one address in
 * IPv6, as it is to server/visitors.h. It is counted in a table of fixed size, in which an address
 * takes the place of another; so the memory is bounded, and a flood from many addresses gets no
 * more than as many first tries.
 *
 * A right token is never held up by wrong ones from the same address, which many clients may share.
 */

#include <stdbool.h>
#include <stdint.h>

enum { THROTTLE_SLOTS = 256, THROTTLE_BURST = 10, THROTTLE_STEP_MS = 1000 };

struct throttle {
	struct throttle_slot {
		uint64_t address;  /* its hash, 0: free */
		uint64_t until_ms; /* each failure moves it by one step */
	} slots[THROTTLE_SLOTS];
};

/* Counts a failure of PEER, a name as peer_name() has it whose port does not count. False when it
 * is one too many. NOW never goes back. */
bool throttle_take(struct throttle *t, const char *peer, uint64_t now_ms);

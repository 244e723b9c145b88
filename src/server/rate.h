#pragma once

/*
 * Rate: how much a client may move in a second: messages, requests to services and their replies,
 * files; and the bytes of all these
 *
 * Each of them, and each byte, costs its share of a second, and a client may be one second ahead of
 * its account: so short bursts pass, and in the long run no more than the rate.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rate_options {
	uint64_t messages; /* and the like, a second; 0: any number */
	uint64_t bytes;
};

/* One client's account: how far it is paid for, in microseconds of the clock. */
struct rate {
	uint64_t messages_us;
	uint64_t bytes_us;
};

/* Counts so much. NOW never goes back. */
void rate_count(struct rate *r, const struct rate_options *o, unsigned messages, size_t bytes,
	uint64_t now_ms);

/* All is paid for. */
bool rate_is_even(const struct rate *r, uint64_t now_ms);

/* The next message is to wait. */
bool rate_is_over(const struct rate *r, uint64_t now_ms);

#pragma once

/*
 * When to send, and how long it took. All times are in nanoseconds, the percentiles in
 * microseconds.
 */

#include <stddef.h>
#include <stdint.h>

/* Of the monotonic clock. */
void sleep_until(uint64_t ns);

struct percentiles {
	double p50;
	double p99;
};

/* Of COUNT times, one at least, which are sorted by it. */
struct percentiles percentiles_of(uint64_t *times, size_t count);

#include "times.h"

#include <stdlib.h>
#include <time.h>

void sleep_until(uint64_t ns)
{
	struct timespec t = {
		.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

struct percentiles percentiles_of(uint64_t *times, size_t count)
{
	qsort(times, count, sizeof(*times), compare);
	uint64_t p50 = times[count / 2], p99 = times[count * 99 / 100];
	return (struct percentiles){(double)p50 / 1000, (double)p99 / 1000};
}

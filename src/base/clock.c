#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t clock_read_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t clock_monotonic_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC);
}

uint64_t clock_monotonic_ms(void)
{
	return clock_read_ns(CLOCK_MONOTONIC) / 1000000;
}

uint64_t clock_real_ms(void)
{
	return clock_read_ns(CLOCK_REALTIME) / 1000000;
}

static uint64_t clock_unit_ms(const char *text, size_t *len)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		*len = strlen(units[i].name);
		if (!strncmp(text, units[i].name, *len))
			return units[i].ms;
	}
	return 0;
}

int clock_parse_span(const char *text, uint64_t *ms)
{
	uint64_t total = 0;

	if (!*text)
		return -EINVAL;
	while (*text) {
		char *end;
		if (*text < '0' || *text > '9')
			return -EINVAL;
		errno = 0;
		unsigned long long n = strtoull(text, &end, 10);
		size_t unit_len = 0;
		uint64_t unit = 1000;
		if (*end)
			unit = clock_unit_ms(end, &unit_len);
		if (errno || !unit || n > (UINT64_MAX - total) / unit)
			return -EINVAL;
		total += n * unit;
		text = end + unit_len;
	}
	*ms = total;
	return 0;
}

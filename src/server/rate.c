#include "server/rate.h"

enum { SECOND_US = 1000000, MS_US = 1000 };

static void rate_spend(uint64_t *until_us, uint64_t amount, uint64_t a_second, uint64_t now_us)
{
	if (!a_second)
		return;
	if (*until_us < now_us)
		*until_us = now_us;
	*until_us += amount * SECOND_US / a_second;
}

void rate_count(struct rate *r, const struct rate_options *o, unsigned messages, size_t bytes,
	uint64_t now_ms)
{
	rate_spend(&r->messages_us, messages, o->messages, now_ms * MS_US);
	rate_spend(&r->bytes_us, bytes, o->bytes, now_ms * MS_US);
}

bool rate_is_even(const struct rate *r, uint64_t now_ms)
{
	return r->messages_us / MS_US <= now_ms && r->bytes_us / MS_US <= now_ms;
}

bool rate_is_over(const struct rate *r, uint64_t now_ms)
{
	uint64_t ahead_us = now_ms * MS_US + SECOND_US;

	return r->messages_us >= ahead_us || r->bytes_us >= ahead_us;
}

#pragma once

/*
 * How many connections there may be at once, shared by the relays of all threads. Who finds it full
 * lets new ones wait; who gives a place back wakes those who wait.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct quota {
	uint64_t max;
	atomic_uint_fast64_t used;
	atomic_bool wanted;		/* someone waits for room */
	void (*freed)(struct quota *q); /* called from any thread when there is room for them */
	void *data;
};

static inline bool quota_take_now(struct quota *q)
{
	uint64_t used = atomic_load(&q->used);

	while (used < q->max)
		if (atomic_compare_exchange_weak(&q->used, &used, used + 1))
			return true;
	return false;
}

/* True with a place; false and `freed` will be called when there may be one. */
static inline bool quota_take(struct quota *q)
{
	if (quota_take_now(q))
		return true;
	atomic_store(&q->wanted, true);
	return quota_take_now(q); /* one may have been given back just before */
}

/* The same without taking. */
static inline bool quota_has_room(struct quota *q)
{
	if (atomic_load(&q->used) < q->max)
		return true;
	atomic_store(&q->wanted, true);
	return atomic_load(&q->used) < q->max;
}

static inline void quota_give(struct quota *q)
{
	atomic_fetch_sub(&q->used, 1);
	if (atomic_exchange(&q->wanted, false))
		q->freed(q);
}

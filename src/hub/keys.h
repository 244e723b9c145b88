#pragma once

/*
 * Keys: which idempotency keys were used for what, the newest so many of them
 *
 * A key belongs to its topic: the same one on two topics is two keys.
 */

#include "base/list.h"
#include "hub/table.h"

struct keys {
	struct table table;
	struct list order; /* oldest first */
	size_t max;
};

void keys_init(struct keys *k, size_t max);
void keys_deinit(struct keys *k);

/* The id that was stored with the key, 0 when it is not known. */
uint64_t keys_find(const struct keys *k, struct bytes topic, struct bytes key);

/* Remembers the key, which is not known yet, and forgets the oldest one over the bound. The caller
 * sets *id at once, or takes the key back. 0 or -ENOMEM. */
int keys_add(struct keys *k, struct bytes topic, struct bytes key, uint64_t **id);
/* Forgets the key last added. */
void keys_take_back(struct keys *k);

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

/* What was stored with a key. */
struct key_use {
	uint64_t id;
	uint64_t body; /* keys_hash of it, 0 when not known */
};

/* A body's bytes_hash, but never 0: files keep it. */
uint64_t keys_hash(struct bytes body);

/* 0; -EEXIST: the key was used with another body. */
int keys_check(const struct key_use *use, struct bytes body);

/* What was stored with the key, NULL when it is not known. */
const struct key_use *keys_find(const struct keys *k, struct bytes topic, struct bytes key);

/* Remembers the key, which is not known yet, and forgets the oldest one over the bound. The caller
 * fills in *use at once, or takes the key back. 0 or -ENOMEM. */
int keys_add(struct keys *k, struct bytes topic, struct bytes key, struct key_use **use);

/* Forgets the key last added. */
void keys_take_back(struct keys *k);

#pragma once

/*
 * Input as a socket might give it: cut into blocks, each in memory of its own that is gone when the
 * next one comes, so that what reads outside a block, or keeps a pointer into one, is found.
 *
 *	for (struct cuts c = cuts_of(input, max, seed); cuts_next(&c, &block);)
 *		...
 */

#include <stdint.h>
#include <stdlib.h>

#include "base/bytes.h"

struct cuts {
	struct bytes left;
	size_t max;	/* bytes of a block */
	uint64_t seed;	/* 0: all of them have MAX; else any number from 1 to MAX */
	uint8_t *block; /* the last one given */
};

static inline struct cuts cuts_of(struct bytes input, size_t max, uint64_t seed)
{
	return (struct cuts){.left = input, .max = max, .seed = seed};
}

/* A number below N (Marsaglia's xorshift; SEED is not 0). */
static inline size_t cuts_random(uint64_t *seed, size_t n)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (size_t)(*seed % n);
}

/* A seed that depends on the input alone (FNV-1a). */
static inline uint64_t cuts_seed(struct bytes input)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < input.len; i++)
		hash = (hash ^ input.data[i]) * 0x100000001b3;
	return hash ? hash : 1;
}

static inline bool cuts_next(struct cuts *c, struct bytes *block)
{
	free(c->block);
	c->block = NULL;
	if (!c->left.len)
		return false;

	size_t len = c->seed ? 1 + cuts_random(&c->seed, c->max) : c->max;
	if (len > c->left.len)
		len = c->left.len;
	c->block = malloc(len);
	if (!c->block)
		abort();
	memcpy(c->block, c->left.data, len);
	*block = bytes_of(c->block, len);
	c->left = bytes_of(c->left.data + len, c->left.len - len);
	return true;
}

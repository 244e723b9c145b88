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
	size_t taken;	/* bytes before */
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

/* Moves on by one block, and copies what is between START and its end. */
static inline bool cuts_copy(struct cuts *c, const uint8_t *start, struct bytes *block)
{
	free(c->block);
	c->block = NULL;
	if (!c->left.len)
		return false;

	size_t len = c->seed ? 1 + cuts_random(&c->seed, c->max) : c->max;
	if (len > c->left.len)
		len = c->left.len;
	c->left = bytes_skip(c->left, len);
	c->taken += len;
	size_t size = (size_t)(c->left.data - start);
	c->block = malloc(size);
	if (!c->block)
		abort();
	memcpy(c->block, start, size);
	*block = bytes_of(c->block, size);
	return true;
}

static inline bool cuts_next(struct cuts *c, struct bytes *block)
{
	return cuts_copy(c, c->left.data, block);
}

/* The same, but each block is all of the input up to its cut: what a buffer that fills shows. */
static inline bool cuts_next_prefix(struct cuts *c, struct bytes *prefix)
{
	return cuts_copy(c, c->left.data - c->taken, prefix);
}

/* Ends a walk before its end. */
static inline void cuts_deinit(struct cuts *c)
{
	free(c->block);
	c->block = NULL;
}

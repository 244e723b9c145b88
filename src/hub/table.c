#include "hub/table.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

enum { TABLE_MIN = 16 };

static uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

/* SipHash-1-3 (Aumasson and Bernstein, 2012; the variant of hash tables). */
static uint64_t sip_hash(const uint64_t secret[2], struct bytes key)
{
	uint64_t v[4] = {
		secret[0] ^ 0x736f6d6570736575,
		secret[1] ^ 0x646f72616e646f6d,
		secret[0] ^ 0x6c7967656e657261,
		secret[1] ^ 0x7465646279746573,
	};
	size_t at = 0;
	uint64_t word;

	for (; at + 8 <= key.len; at += 8) {
		memcpy(&word, key.data + at, 8);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	word = (uint64_t)key.len << 56;
	for (size_t i = at; i < key.len; i++)
		word |= (uint64_t)key.data[i] << (8 * (i - at));
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void table_init(struct table *t)
{
	*t = (struct table){0};
	if (getrandom(t->secret, sizeof(t->secret), GRND_NONBLOCK) < 0)
		t->secret[0] = (uintptr_t)t;
}

void table_deinit(struct table *t)
{
	free(t->buckets);
	t->buckets = NULL;
	t->cap = 0;
	t->count = 0;
}

static struct table_node **table_bucket(const struct table *t, uint64_t hash)
{
	return &t->buckets[hash & (t->cap - 1)];
}

struct table_node *table_find(const struct table *t, struct bytes key)
{
	if (!t->count)
		return NULL;
	uint64_t hash = sip_hash(t->secret, key);
	struct table_node *node = *table_bucket(t, hash);
	while (node && !(node->hash == hash && bytes_equal(node->key, key)))
		node = node->next;
	return node;
}

static int table_grow(struct table *t)
{
	struct table bigger = *t;

	bigger.cap = t->cap ? t->cap * 2 : TABLE_MIN;
	bigger.buckets = calloc(bigger.cap, sizeof(*bigger.buckets));
	if (!bigger.buckets)
		return -ENOMEM;
	for (size_t i = 0; i < t->cap; i++) {
		for (struct table_node *node = t->buckets[i], *next; node; node = next) {
			struct table_node **bucket = table_bucket(&bigger, node->hash);
			next = node->next;
			node->next = *bucket;
			*bucket = node;
		}
	}
	free(t->buckets);
	*t = bigger;
	return 0;
}

int table_insert(struct table *t, struct table_node *node)
{
	if (t->count >= t->cap) {
		int r = table_grow(t);
		if (r < 0)
			return r;
	}
	node->hash = sip_hash(t->secret, node->key);
	struct table_node **bucket = table_bucket(t, node->hash);
	node->next = *bucket;
	*bucket = node;
	t->count++;
	return 0;
}

void table_remove(struct table *t, struct table_node *node)
{
	struct table_node **at = table_bucket(t, node->hash);

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	t->count--;
}

struct table_node *table_any(const struct table *t)
{
	for (size_t i = 0; t->count && i < t->cap; i++)
		if (t->buckets[i])
			return t->buckets[i];
	return NULL;
}

void table_each(
	const struct table *t, void (*visit)(void *data, struct table_node *node), void *data)
{
	for (size_t i = 0; i < t->cap; i++)
		for (struct table_node *node = t->buckets[i]; node; node = node->next)
			visit(data, node);
}

#pragma once

/*
 * Table: byte strings to the structures that a node lives in (as list.h does for lists)
 *
 * Chained hashing that doubles as it fills. The hash is SipHash with a key of the process's own,
 * since the strings are chosen by clients. The table owns neither nodes nor strings.
 */

#include "base/bytes.h"

struct table_node {
	struct table_node *next;
	uint64_t hash;
	struct bytes key; /* must not change or go while it is in the table */
};

struct table {
	struct table_node **buckets;
	size_t cap; /* a power of two, or 0 */
	size_t count;
	uint64_t secret[2];
};

void table_init(struct table *t);
/* Frees the table's own memory; the nodes are no longer in it. */
void table_deinit(struct table *t);

struct table_node *table_find(const struct table *t, struct bytes key);

/* Puts in a node whose key is set and not in the table: 0 or -ENOMEM. */
int table_insert(struct table *t, struct table_node *node);
void table_remove(struct table *t, struct table_node *node);

/* Any node, NULL when there is none: for taking down. */
struct table_node *table_any(const struct table *t);

/* Visits every node; the table must not be changed meanwhile. */
void table_each(
	const struct table *t, void (*visit)(void *data, struct table_node *node), void *data);

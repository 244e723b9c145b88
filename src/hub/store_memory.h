#pragma once

/*
 * The store in memory: one journal of records, and for each topic the ids of its messages. Accepts
 * inside the append. Over a bound the oldest messages go. Ids begin at 1 with each process.
 */

#include "hub/store.h"

struct store_memory_options {
	size_t max_bytes;      /* of records; 0: 64 MiB */
	uint64_t max_messages; /* 0: 1,000,000 */
	uint64_t max_age_ms;   /* 0: any age */
	size_t max_topics;     /* with messages; 0: 10,000 */
	size_t max_keys;       /* remembered of the newest publishes that had one; 0: 10,000 */
};

/* NULL when memory is out. OPTIONS may be NULL. Freed by store_free. */
struct store *store_memory_new(const struct store_memory_options *options);

#pragma once

/*
 * The store in an SQLite file (sqlite_file.h has its schema)
 *
 * An append is a copy into the batch of this turn. At the turn's end the batch goes to the writer's
 * thread; it is accepted once its commit is on the disk. Readers work on a thread and a connection
 * of their own and never hold the writer up. Ids go on after a restart, idempotency keys too.
 *
 * An append that could not be written (disk full, failing) is settled with the error, and the next
 * one is tried anew; reading goes on.
 */

#include "base/fault.h"
#include "hub/store.h"

struct store_sqlite_options {
	/* What is kept; 0: all. */
	uint64_t max_bytes; /* of senders and bodies, and 64 a message */
	uint64_t max_messages;
	uint64_t max_age_ms;
	size_t max_topics;  /* 0: 100,000 */
	uint64_t max_keys;  /* messages whose idempotency keys are remembered; 0: 1,000,000 */
	size_t max_pending; /* bytes on their way to the disk before it is full; 0: 8 MiB */

	/* store_poll is to be called by the hub's thread. From any thread, until store_free has
	 * returned. */
	void (*wake)(void *data);
	void *data;
};

/*
 * Opens PATH, made if need be. May block. 0, or negative errno with *why: -EBUSY (another hub has
 * it), -EBADMSG (not a store, or damaged), -ENOTSUP (of a newer version), -EROFS, -ENOSPC, …
 */
int store_sqlite_open(struct store **store, const char *path,
	const struct store_sqlite_options *options, struct fault *why);

#pragma once

/*
 * The one who writes to the SQLite store's file, on its own thread
 *
 * Everything that came in while the last commit ran is one transaction: the busier the hub, the
 * more messages share a sync. If it fails, all of it has failed, and nothing has changed. The
 * oldest messages over a bound go in the same transaction, some more than came in, so a bound made
 * smaller is reached little by little.
 */

#include <stdatomic.h>

#include "hub/batch.h"
#include "hub/sqlite_checkpoint.h"
#include "hub/sqlite_file.h"
#include "hub/sqlite_log.h"
#include "hub/sqlite_topics.h"
#include "hub/store_sqlite.h"
#include "hub/worker.h"

/* What is true of the file after the last commit. */
struct sqlite_state {
	uint64_t first_id;
	uint64_t last_id;
	uint64_t messages;
	uint64_t bytes;
	uint64_t evicted_id;
	uint64_t dropped; /* since the start */
	uint64_t commits;
	size_t topics;
};

enum {
	WRITE_BEGIN,
	WRITE_COMMIT,
	WRITE_ROLLBACK,
	WRITE_ADD_TOPIC,
	WRITE_SET_TOPIC,
	WRITE_SET_HUB,
	WRITE_ADD_MESSAGE,
	WRITE_ADD_RUN,
	WRITE_FIND_KEY,
	WRITE_ADD_KEY,
	WRITE_OLDEST,
	WRITE_DROP_MESSAGES,
	WRITE_DROP_RUNS,
	WRITE_DROP_KEYS,
	WRITE_STATEMENTS,
};

struct sqlite_writer {
	struct worker worker;
	struct sqlite_file file;
	struct sqlite_log log;
	struct sqlite_checkpoint checkpoint;
	struct store_sqlite_options options;
	sqlite3_stmt *statements[WRITE_STATEMENTS];
	struct sqlite_state now; /* with the transaction under way */
	uint64_t now_ms;	 /* of the newest tick */
	/* Messages after this one must not be dropped: the hub has still to hear of them. */
	atomic_uint_fast64_t accepted;

	struct sqlite_topics topics;
	pthread_mutex_t lock; /* of what follows */
	struct sqlite_state state;
};

/* Opens the file and starts the thread; `wake` and `data` of the worker are filled in. On an error
 * nothing is left behind. */
int sqlite_writer_open(struct sqlite_writer *w, const char *path,
	const struct store_sqlite_options *options, struct fault *why);

/* Writes what it has been given, ends the thread and closes the file. */
void sqlite_writer_close(struct sqlite_writer *w);

struct sqlite_state sqlite_writer_state(struct sqlite_writer *w);

#pragma once

/*
 * Moves what the write-ahead log has to the file itself, on a thread and connection of its own
 *
 * A checkpoint writes and syncs as much as some hundred commits did, and within a commit it would
 * hold up all who wait for that. So this thread does nearly all of it beside the commits, the sync
 * too; what has come in meanwhile is little, and the writer's own checkpoint, which alone can let
 * the log begin anew, has no more to do than that.
 */

#include <stdatomic.h>

#include "hub/sqlite_file.h"
#include "hub/worker.h"

enum { CHECKPOINT_PAGES = 4000 };

struct sqlite_checkpoint {
	struct worker worker;
	struct sqlite_file file;
	struct list job;
	int sync_fd; /* of the same file, the writer's */
	bool begun;
	atomic_bool done;
	int pages; /* of the log, as far as the writer knows */
	int next;  /* pages at which it is time */
};

/* Opens the file again, and starts the thread. SYNC_FD must stay. 0 or negative errno with *why. */
int sqlite_checkpoint_open(
	struct sqlite_checkpoint *c, const char *path, int sync_fd, struct fault *why);
void sqlite_checkpoint_close(struct sqlite_checkpoint *c);

/* The writer's connection, DB, has committed. On the writer's thread. */
void sqlite_checkpoint_committed(struct sqlite_checkpoint *c, sqlite3 *db);

/* Notes how long the log is after each commit of DB. */
void sqlite_checkpoint_watch(struct sqlite_checkpoint *c, sqlite3 *db);

#pragma once

/*
 * Room in the write-ahead log, before it is needed
 *
 * To sync a file that has grown is to wait for the file system's own journal too: twice as long,
 * and far longer while others write a lot. SQLite lets its log grow with every commit, until it
 * begins anew for the first time and uses again what is there. So the log is made longer in steps,
 * with zeros, which SQLite takes for its end.
 */

#include <sqlite3.h>
#include <stdint.h>

struct sqlite_log {
	uint64_t size; /* of the file, as far as is known */
};

/* DB is about to write to its log, which has so many pages: within a transaction that keeps others
 * from writing to it. May block. */
void sqlite_log_make_room(struct sqlite_log *l, sqlite3 *db, int pages);

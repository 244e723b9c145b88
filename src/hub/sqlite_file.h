#pragma once

/*
 * The file of the SQLite store: opening, schema, errors
 *
 * The schema, version 2 (`PRAGMA user_version`; `application_id` is 0x66657279, "fery"):
 *
 *	messages  id, topic, seq, time, origin, sender, body
 *		  one row a message; id is the hub's, growing; seq counts within the topic; time is
 *in milliseconds since 1970; origin tells a run's connections apart and means nothing after it
 *	topics	  topic, name, messages, last_id, last_seq, dropped_id, dropped_seq, run_id
 *		  one row a topic; dropped: the newest of its messages that is no longer kept
 *	runs	  topic, last_id, first_id
 *		  where a topic's messages lie: a run is a stretch of ids in which they are close to
 *each other; the newest goes from the topic's run_id to its last_id and has no row. It takes the
 *place of an index, which would cost each message as much as its row
 *	keys	  topic, key, id, body
 *		  the idempotency keys of the newest messages that had one, and the body's hash
 *	hub	  last_id, messages, bytes, evicted_id
 *		  one row: the last id given, what is held, the newest message of topics forgotten
 *	log	  id, time, topic, "from", text
 *		  a view for people: `sqlite3 chat.db 'select * from log'`
 *
 * Journal mode WAL, synchronous FULL: a commit that has returned is on the disk. One hub uses a
 *file at a time (a lock of flock(2) on it); any number of other programs may read it.
 */

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/fault.h"

struct sqlite_file {
	sqlite3 *db;
	int lock; /* the descriptor that holds the lock, or -1 */
};

#define SQLITE_FILE_NULL ((struct sqlite_file){NULL, -1})

/*
 * Opens the file for the one who writes: makes it, locks it, brings its schema up to date. May
 * block. 0, -EBUSY (another hub has it), -EBADMSG (not a store, or damaged), -ENOTSUP (of a newer
 * version), -EROFS, -ENOSPC, …
 */
int sqlite_file_open(struct sqlite_file *f, const char *path, struct fault *why);

/* Opens the file, which the one who writes has open, once more; or to read only. */
int sqlite_file_open_again(struct sqlite_file *f, const char *path, struct fault *why);
int sqlite_file_open_reader(struct sqlite_file *f, const char *path, struct fault *why);

/* Safe on SQLITE_FILE_NULL. Statements must be finalized before. */
void sqlite_file_close(struct sqlite_file *f);

/* The negative errno for what DB last failed with. */
int sqlite_error(sqlite3 *db);

/* Prepares a statement that is kept: 0 or negative errno. */
int sqlite_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **statement);

/* Runs a statement that gives no row, and resets it: 0 or negative errno. */
int sqlite_run(sqlite3 *db, sqlite3_stmt *statement);

/* 1: there is a row; 0: there is none; else negative errno. */
int sqlite_step(sqlite3 *db, sqlite3_stmt *statement);

/* Values; bytes are borrowed until the statement is reset. */
static inline void sqlite_put(sqlite3_stmt *s, int at, uint64_t value)
{
	sqlite3_bind_int64(s, at, (sqlite3_int64)value);
}

static inline void sqlite_put_text(sqlite3_stmt *s, int at, struct bytes text)
{
	sqlite3_bind_text64(s, at, text.len ? (const char *)text.data : "", text.len, SQLITE_STATIC,
		SQLITE_UTF8);
}

static inline void sqlite_put_blob(sqlite3_stmt *s, int at, struct bytes blob)
{
	sqlite3_bind_blob64(
		s, at, blob.len ? (const void *)blob.data : "", blob.len, SQLITE_STATIC);
}

static inline uint64_t sqlite_get(sqlite3_stmt *s, int at)
{
	return (uint64_t)sqlite3_column_int64(s, at);
}

/* Valid until the statement moves on. */
static inline struct bytes sqlite_get_bytes(sqlite3_stmt *s, int at)
{
	const void *data = sqlite3_column_blob(s, at);

	return bytes_of(data, (size_t)sqlite3_column_bytes(s, at));
}

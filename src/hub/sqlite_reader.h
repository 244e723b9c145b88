#pragma once

/*
 * The one who reads the SQLite store's file for replays, on its own thread and connection
 *
 * A read is a job: the question, and then the rows found, one behind the other in a buffer.
 *
 * While messages are published, reading gives way: the hub's thread and the writer's come first
 * where they are on one core with it.
 */

#include "hub/name.h"
#include "hub/sqlite_file.h"
#include "hub/sqlite_writer.h"
#include "hub/worker.h"

struct sqlite_read {
	struct list node;
	struct store_read
		*read; /* NULL when it was cancelled; the hub's thread alone looks at it */

	char topic[NAME_MAX_LEN];
	size_t topic_len;
	uint64_t after_id;
	uint64_t since_ms;
	size_t max_bytes;

	/* The answer, as store_read has it. */
	struct buffer rows;
	int result;
	bool lost;
	uint64_t upto;
	uint64_t upto_seq;
	uint64_t last_id; /* of the rows so far */
};

enum {
	READ_BEGIN,
	READ_END,
	READ_TOPIC,
	READ_HUB,
	READ_TIME,
	READ_RUNS,
	READ_RUN,
	READ_STATEMENTS,
};

struct sqlite_reader {
	struct worker worker;
	struct sqlite_file file;
	struct sqlite_writer *writer;
	uint64_t run_id;   /* messages after it are of this run of the hub */
	uint64_t accepted; /* the writer's, when it was looked at last */
	uint64_t live_ns;  /* others are served until this time, or later */
	uint64_t stay_ns;  /* it gives way again after this time */
	sqlite3_stmt *statements[READ_STATEMENTS];
};

/* Opens the file a second time and starts the thread; `wake` and `data` of the worker, and the
 * writer, are filled in. On an error nothing is left behind. */
int sqlite_reader_open(struct sqlite_reader *r, const char *path, struct fault *why);
void sqlite_reader_close(struct sqlite_reader *r);

/* A job for what R asks, NULL when memory is out. */
struct sqlite_read *sqlite_read_new(struct store_read *r);
struct sqlite_read *sqlite_read_free(struct sqlite_read *read);

/* Takes the next message off the answer, false when there is none; its bytes are the job's. */
bool sqlite_read_next(struct sqlite_read *read, struct message *m);

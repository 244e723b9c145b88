#pragma once

/*
 * The topics of the SQLite store, in memory: what the writer is about to commit, and what is
 * committed. The hub's thread sees only the latter, under a lock.
 */

#include <pthread.h>

#include "base/list.h"
#include "hub/sqlite_file.h"
#include "hub/store.h"
#include "hub/table.h"

struct topic_row {
	int64_t topic; /* its number in the file, 0 when it has none yet */
	uint64_t messages;
	uint64_t last_id;
	uint64_t last_seq;
	uint64_t dropped_id;
	uint64_t dropped_seq;
	uint64_t run_id; /* where its newest run begins, 0 when it has none */
};

struct sqlite_topic {
	struct table_node node;
	struct list touched;
	struct topic_row now;
	struct topic_row state;
	char name[];
};

struct sqlite_topics {
	pthread_mutex_t lock; /* of the table's shape and every topic's `state` */
	struct table table;
	struct list touched; /* those whose `now` is not their `state` */
};

void sqlite_topics_init(struct sqlite_topics *t);
void sqlite_topics_deinit(struct sqlite_topics *t);

/* Reads them from the file. If there are more than MANY, those without messages are forgotten
 * first. */
int sqlite_topics_load(struct sqlite_topics *t, sqlite3 *db, size_t many);

struct sqlite_topic *sqlite_topics_find(struct sqlite_topics *t, struct bytes name);

/* A topic that is not in the file yet; nothing after DROPPED_ID has been dropped of it. */
int sqlite_topics_add(struct sqlite_topics *t, struct bytes name, uint64_t dropped_id,
	struct sqlite_topic **topic);

/* `now` has changed, or is about to. */
void sqlite_topics_touch(struct sqlite_topics *t, struct sqlite_topic *topic);

/* Makes what is now the state, or the other way round. */
void sqlite_topics_settle(struct sqlite_topics *t, bool committed);

/* Visits every topic that has messages. */
void sqlite_topics_visit(struct sqlite_topics *t,
	void (*topic)(void *data, const struct store_topic *t), void *data);

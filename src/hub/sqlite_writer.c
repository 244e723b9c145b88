#include "hub/sqlite_writer.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "hub/keys.h"

enum {
	MESSAGE_COST = 64, /* beside sender and body */
	RUN_GAP = 32,	   /* a run has no wider one */
	DROP_AT_LEAST = 1000,
	DROP_ON_TICK = 20000,
};

enum { TOPIC_REFUSED = 1 };

static const char *const sql[WRITE_STATEMENTS] = {
	[WRITE_BEGIN] = "BEGIN IMMEDIATE",
	[WRITE_COMMIT] = "COMMIT",
	[WRITE_ROLLBACK] = "ROLLBACK",
	[WRITE_ADD_TOPIC] = "INSERT INTO topics VALUES (NULL, ?1, 0, 0, 0, 0, 0, 0)",
	[WRITE_SET_TOPIC] = "UPDATE topics SET messages = ?2, last_id = ?3, last_seq = ?4,"
			    " dropped_id = ?5, dropped_seq = ?6, run_id = ?7 WHERE topic = ?1",
	[WRITE_SET_HUB] = "UPDATE hub SET last_id = ?1, messages = ?2, bytes = ?3",
	[WRITE_ADD_MESSAGE] = "INSERT INTO messages VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[WRITE_ADD_RUN] = "INSERT INTO runs VALUES (?1, ?2, ?3)",
	[WRITE_FIND_KEY] = "SELECT id, body FROM keys WHERE topic = ?1 AND key = ?2",
	[WRITE_ADD_KEY] = "INSERT INTO keys VALUES (?1, ?2, ?3, ?4)",
	[WRITE_OLDEST] = "SELECT id, seq, time,"
			 " length(CAST(sender AS BLOB)) + length(body), name"
			 " FROM messages CROSS JOIN topics USING (topic) ORDER BY id",
	[WRITE_DROP_MESSAGES] = "DELETE FROM messages WHERE id <= ?1",
	[WRITE_DROP_RUNS] = "DELETE FROM runs WHERE topic = ?1 AND last_id <= ?2",
	[WRITE_DROP_KEYS] = "DELETE FROM keys WHERE id <= ?1",
};

static int writer_run(struct sqlite_writer *w, int statement)
{
	return sqlite_run(w->file.db, w->statements[statement]);
}

/* The topic, with a row in the file; TOPIC_REFUSED when there are too many. */
static int topic_open(struct sqlite_writer *w, struct bytes name, struct sqlite_topic **topic)
{
	struct sqlite_topic *t = sqlite_topics_find(&w->topics, name);
	int r = 0;

	*topic = t;
	if (t && t->now.topic)
		return 0;
	if (!t && w->topics.table.count >= w->options.max_topics)
		return TOPIC_REFUSED;
	if (!t)
		r = sqlite_topics_add(&w->topics, name, w->now.evicted_id, &t);
	if (r < 0)
		return r;
	sqlite_put_text(w->statements[WRITE_ADD_TOPIC], 1, name);
	r = writer_run(w, WRITE_ADD_TOPIC);
	if (r < 0)
		return r;
	t->now.topic = sqlite3_last_insert_rowid(w->file.db);
	sqlite_topics_touch(&w->topics, t);
	*topic = t;
	return 0;
}

/* 1 when the key is known. */
static int writer_find_key(struct sqlite_writer *w, const struct sqlite_topic *t, struct bytes key,
	struct key_use *use)
{
	sqlite3_stmt *s = w->statements[WRITE_FIND_KEY];

	sqlite_put(s, 1, (uint64_t)t->now.topic);
	sqlite_put_blob(s, 2, key);
	int r = sqlite_step(w->file.db, s);
	if (r > 0)
		*use = (struct key_use){sqlite_get(s, 0), sqlite_get(s, 1)};
	sqlite3_reset(s);
	return r;
}

static int writer_add_key(
	struct sqlite_writer *w, const struct sqlite_topic *t, struct bytes key, struct key_use use)
{
	sqlite3_stmt *s = w->statements[WRITE_ADD_KEY];

	sqlite_put(s, 1, (uint64_t)t->now.topic);
	sqlite_put_blob(s, 2, key);
	sqlite_put(s, 3, use.id);
	sqlite_put(s, 4, use.body);
	return writer_run(w, WRITE_ADD_KEY);
}

/* The topic's message ID is next: in its newest run, or in a new one when that is too far away. */
static int writer_extend_run(struct sqlite_writer *w, struct topic_row *row, uint64_t id)
{
	sqlite3_stmt *s = w->statements[WRITE_ADD_RUN];
	int r = 0;

	if (row->run_id && id - row->last_id <= RUN_GAP)
		return 0;
	if (row->run_id && row->last_id > row->dropped_id) {
		sqlite_put(s, 1, (uint64_t)row->topic);
		sqlite_put(s, 2, row->last_id);
		sqlite_put(s, 3, row->run_id);
		r = writer_run(w, WRITE_ADD_RUN);
	}
	row->run_id = id;
	return r;
}

static int writer_add_message(
	struct sqlite_writer *w, const struct sqlite_topic *t, const struct message *m)
{
	sqlite3_stmt *s = w->statements[WRITE_ADD_MESSAGE];

	sqlite_put(s, 1, m->id);
	sqlite_put(s, 2, (uint64_t)t->now.topic);
	sqlite_put(s, 3, m->seq);
	sqlite_put(s, 4, m->time_ms);
	sqlite_put(s, 5, m->origin);
	sqlite_put_text(s, 6, m->from);
	sqlite_put_blob(s, 7, m->body);
	return writer_run(w, WRITE_ADD_MESSAGE);
}

/* Negative: the transaction has failed. A record that cannot be taken has its own result. */
static int writer_add(struct sqlite_writer *w, const struct batch *b, struct batch_record *record)
{
	struct message m = batch_message(b, record);
	struct bytes key = batch_key(b, record);
	struct sqlite_topic *t;
	int r = topic_open(w, m.topic, &t);

	record->result = r == TOPIC_REFUSED ? -EDQUOT : 0;
	if (r)
		return r < 0 ? r : 0;
	if (key.len) {
		struct key_use use;
		r = writer_find_key(w, t, key, &use);
		record->repeat = r > 0;
		if (r > 0) {
			record->id = use.id;
			record->result = keys_check(&use, m.body);
		}
		if (r)
			return r < 0 ? r : 0;
	}
	m.id = record->id = w->now.last_id + 1;
	m.seq = record->seq = t->now.last_seq + 1;
	sqlite_topics_touch(&w->topics, t);
	r = writer_extend_run(w, &t->now, m.id);
	if (!r)
		r = writer_add_message(w, t, &m);
	if (!r && key.len)
		r = writer_add_key(w, t, key, (struct key_use){m.id, keys_hash(m.body)});
	if (r < 0)
		return r;
	w->now.last_id = t->now.last_id = m.id;
	t->now.last_seq = m.seq;
	t->now.messages++;
	if (!w->now.messages++)
		w->now.first_id = m.id;
	w->now.bytes += m.from.len + m.body.len + MESSAGE_COST;
	return 0;
}

static bool writer_over(const struct sqlite_writer *w, uint64_t time_ms)
{
	const struct store_sqlite_options *o = &w->options;

	return (o->max_messages && w->now.messages > o->max_messages) ||
	       (o->max_bytes && w->now.bytes > o->max_bytes) ||
	       (o->max_age_ms && time_ms + o->max_age_ms < w->now_ms);
}

/* Drops the oldest that are over a bound, at most MOST. */
static int writer_drop(struct sqlite_writer *w, size_t most)
{
	sqlite3_stmt *s = w->statements[WRITE_OLDEST];
	uint64_t dropped_id = 0;
	uint64_t accepted = atomic_load(&w->accepted);
	int r;

	if (!w->options.max_age_ms && !writer_over(w, 0))
		return 0;
	while ((r = sqlite_step(w->file.db, s)) > 0) {
		uint64_t id = sqlite_get(s, 0);
		w->now.first_id = id;
		if (!most-- || id > accepted || !writer_over(w, sqlite_get(s, 2)))
			break;
		struct sqlite_topic *t = sqlite_topics_find(&w->topics, sqlite_get_bytes(s, 4));
		t->now.messages--;
		t->now.dropped_id = id;
		t->now.dropped_seq = sqlite_get(s, 1);
		sqlite_topics_touch(&w->topics, t);
		w->now.messages--;
		w->now.bytes -= sqlite_get(s, 3) + MESSAGE_COST;
		w->now.dropped++;
		dropped_id = id;
	}
	sqlite3_reset(s);
	if (!w->now.messages)
		w->now.first_id = 0;
	if (r < 0 || !dropped_id)
		return r < 0 ? r : 0;
	sqlite_put(w->statements[WRITE_DROP_MESSAGES], 1, dropped_id);
	return writer_run(w, WRITE_DROP_MESSAGES);
}

static int writer_drop_keys(struct sqlite_writer *w)
{
	if (w->now.last_id <= w->options.max_keys)
		return 0;
	sqlite_put(w->statements[WRITE_DROP_KEYS], 1, w->now.last_id - w->options.max_keys);
	return writer_run(w, WRITE_DROP_KEYS);
}

/* The runs of TOPIC that have no message any more. */
static int writer_drop_runs(struct sqlite_writer *w, const struct sqlite_topic *topic)
{
	sqlite3_stmt *s = w->statements[WRITE_DROP_RUNS];

	if (topic->now.dropped_id == topic->state.dropped_id)
		return 0;
	sqlite_put(s, 1, (uint64_t)topic->now.topic);
	sqlite_put(s, 2, topic->now.dropped_id);
	return writer_run(w, WRITE_DROP_RUNS);
}

static int writer_set_topic(struct sqlite_writer *w, const struct sqlite_topic *topic)
{
	sqlite3_stmt *s = w->statements[WRITE_SET_TOPIC];
	const struct topic_row *row = &topic->now;

	sqlite_put(s, 1, (uint64_t)row->topic);
	sqlite_put(s, 2, row->messages);
	sqlite_put(s, 3, row->last_id);
	sqlite_put(s, 4, row->last_seq);
	sqlite_put(s, 5, row->dropped_id);
	sqlite_put(s, 6, row->dropped_seq);
	sqlite_put(s, 7, row->run_id);
	int r = writer_run(w, WRITE_SET_TOPIC);
	return r < 0 ? r : writer_drop_runs(w, topic);
}

/* Brings the rows that count up to date, and commits. */
static int writer_commit(struct sqlite_writer *w)
{
	sqlite3_stmt *s = w->statements[WRITE_SET_HUB];
	const struct list *touched = &w->topics.touched;
	int r = 0;

	if (list_empty(&w->topics.touched))
		return writer_run(w, WRITE_COMMIT);
	for (struct list *node = touched->next; !r && node != touched; node = node->next)
		r = writer_set_topic(w, container_of(node, struct sqlite_topic, touched));
	if (r < 0)
		return r;
	sqlite_put(s, 1, w->now.last_id);
	sqlite_put(s, 2, w->now.messages);
	sqlite_put(s, 3, w->now.bytes);
	r = writer_run(w, WRITE_SET_HUB);
	return r < 0 ? r : writer_run(w, WRITE_COMMIT);
}

static int writer_begin(struct sqlite_writer *w)
{
	int r = writer_run(w, WRITE_BEGIN);

	if (!r)
		sqlite_log_make_room(&w->log, w->file.db, w->checkpoint.pages);
	return r;
}

/* One transaction for all batches. */
static int writer_transact(struct sqlite_writer *w, struct list *batches)
{
	size_t most = DROP_AT_LEAST;
	int r = writer_begin(w);

	list_each (node, batches) {
		struct batch *b = container_of(node, struct batch, node);
		for (size_t i = 0; !r && i < b->count; i++)
			r = writer_add(w, b, &b->records[i]);
		most += 2 * b->count + (b->now_ms ? DROP_ON_TICK : 0);
		if (b->now_ms)
			w->now_ms = b->now_ms;
	}
	if (!r)
		r = writer_drop(w, most);
	if (!r)
		r = writer_drop_keys(w);
	return r < 0 ? r : writer_commit(w);
}

static void writer_settle(struct sqlite_writer *w, bool committed)
{
	sqlite_topics_settle(&w->topics, committed);
	if (!committed) {
		w->now = w->state;
		return;
	}
	w->now.commits++;
	w->now.topics = w->topics.table.count;
	pthread_mutex_lock(&w->lock);
	w->state = w->now;
	pthread_mutex_unlock(&w->lock);
}

static void writer_work(struct worker *worker, struct list *batches)
{
	struct sqlite_writer *w = container_of(worker, struct sqlite_writer, worker);
	int r = writer_transact(w, batches);

	writer_settle(w, !r);
	if (!r) {
		sqlite_checkpoint_committed(&w->checkpoint, w->file.db);
		return;
	}
	if (!sqlite3_get_autocommit(w->file.db))
		(void)writer_run(w, WRITE_ROLLBACK); /* what can fail has failed */
	list_each (node, batches) {
		struct batch *b = container_of(node, struct batch, node);
		for (size_t i = 0; i < b->count; i++)
			b->records[i].result = r;
	}
}

static int writer_load_state(struct sqlite_writer *w)
{
	sqlite3_stmt *s;
	int r = sqlite_prepare(w->file.db,
		"SELECT (SELECT coalesce(min(id), 0) FROM messages),"
		" max(last_id, (SELECT coalesce(max(id), 0) FROM messages)),"
		" messages, bytes, evicted_id FROM hub",
		&s);

	if (!r)
		r = sqlite_step(w->file.db, s);
	if (r > 0)
		w->now = (struct sqlite_state){
			.first_id = sqlite_get(s, 0),
			.last_id = sqlite_get(s, 1),
			.messages = sqlite_get(s, 2),
			.bytes = sqlite_get(s, 3),
			.evicted_id = sqlite_get(s, 4),
		};
	else if (!r)
		r = -EBADMSG;
	sqlite3_finalize(s);
	w->state = w->now;
	atomic_store(&w->accepted, w->now.last_id);
	return r < 0 ? r : 0;
}

static int writer_load(struct sqlite_writer *w)
{
	int r = sqlite_topics_load(&w->topics, w->file.db, w->options.max_topics / 2);

	if (!r)
		r = writer_load_state(w);
	for (int i = 0; !r && i < WRITE_STATEMENTS; i++)
		r = sqlite_prepare(w->file.db, sql[i], &w->statements[i]);
	return r;
}

/* What is left when the thread has ended, or never was. */
static void writer_deinit(struct sqlite_writer *w)
{
	for (int i = 0; i < WRITE_STATEMENTS; i++)
		sqlite3_finalize(w->statements[i]);
	sqlite_topics_deinit(&w->topics);
	sqlite_file_close(&w->file);
	pthread_mutex_destroy(&w->lock);
}

static int writer_start(struct sqlite_writer *w, const char *path, struct fault *why)
{
	int r = sqlite_checkpoint_open(&w->checkpoint, path, w->file.lock, why);

	if (r < 0)
		return r;
	sqlite_checkpoint_watch(&w->checkpoint, w->file.db);
	w->worker.work = writer_work;
	w->worker.at_once = true;
	r = worker_start(&w->worker);
	if (r < 0) {
		sqlite_checkpoint_close(&w->checkpoint);
		fault_errno(why, r, "%s: no thread to write it", path);
	}
	return r;
}

int sqlite_writer_open(struct sqlite_writer *w, const char *path,
	const struct store_sqlite_options *options, struct fault *why)
{
	w->options = *options;
	w->file = SQLITE_FILE_NULL;
	sqlite_topics_init(&w->topics);
	pthread_mutex_init(&w->lock, NULL);
	int r = sqlite_file_open(&w->file, path, why);
	if (!r) {
		r = writer_load(w);
		if (r < 0)
			fault_set(why, r, "%s: %s", path, sqlite3_errmsg(w->file.db));
	}
	if (!r)
		r = writer_start(w, path, why);
	if (r < 0)
		writer_deinit(w);
	return r;
}

void sqlite_writer_close(struct sqlite_writer *w)
{
	worker_stop(&w->worker);
	sqlite_checkpoint_close(&w->checkpoint);
	writer_deinit(w);
}

struct sqlite_state sqlite_writer_state(struct sqlite_writer *w)
{
	pthread_mutex_lock(&w->lock);
	struct sqlite_state state = w->state;
	pthread_mutex_unlock(&w->lock);
	return state;
}

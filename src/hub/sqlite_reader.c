#include "hub/sqlite_reader.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "base/clock.h"

/* A step of this many rows takes some microseconds. */
enum { STEP_ROWS = 16, STAY_NS = 50000, STAY_SHARE = 4, LIVE_NS = 100000000 };

/* What stands in front of a message's bytes in the answer. */
struct row {
	uint64_t id;
	uint64_t seq;
	uint64_t time_ms;
	uint64_t origin;
	size_t from_len;
	size_t body_len;
};

static const char *const sql[READ_STATEMENTS] = {
	[READ_BEGIN] = "BEGIN",
	[READ_END] = "COMMIT",
	[READ_TOPIC] = "SELECT topic, dropped_id, last_id, last_seq, run_id FROM topics"
		       " WHERE name = ?1",
	[READ_HUB] = "SELECT last_id, evicted_id FROM hub",
	[READ_TIME] = "SELECT id, time FROM messages WHERE id > ?1 ORDER BY id LIMIT 1",
	/* Of all runs but the newest, and of that. */
	[READ_RUNS] = "SELECT id, seq, time, origin, sender, body"
		      " FROM runs CROSS JOIN messages"
		      " ON id >= max(first_id, ?2 + 1) AND id <= min(runs.last_id, ?3)"
		      " AND messages.topic = runs.topic"
		      " WHERE runs.topic = ?1 AND runs.last_id > ?2"
		      " ORDER BY runs.last_id, id",
	[READ_RUN] = "SELECT id, seq, time, origin, sender, body FROM messages"
		     " WHERE id > ?2 AND id <= ?3 AND topic = ?1 ORDER BY id",
};

struct sqlite_read *sqlite_read_new(struct store_read *r)
{
	struct sqlite_read *read = malloc(sizeof(*read));

	if (!read)
		return NULL;
	*read = (struct sqlite_read){
		.read = r,
		.topic_len = r->topic.len,
		.after_id = r->after_id,
		.since_ms = r->since_ms,
		.max_bytes = r->max_bytes,
	};
	memcpy(read->topic, r->topic.data, r->topic.len);
	return read;
}

struct sqlite_read *sqlite_read_free(struct sqlite_read *read)
{
	if (read) {
		buffer_deinit(&read->rows);
		free(read);
	}
	return NULL;
}

bool sqlite_read_next(struct sqlite_read *read, struct message *m)
{
	struct bytes rows = buffer_bytes(&read->rows);
	struct row row;

	if (!rows.len)
		return false;
	memcpy(&row, rows.data, sizeof(row));
	const uint8_t *from = rows.data + sizeof(row);
	*m = (struct message){
		.id = row.id,
		.seq = row.seq,
		.time_ms = row.time_ms,
		.origin = row.origin,
		.topic = bytes_of(read->topic, read->topic_len),
		.from = bytes_of(from, row.from_len),
		.body = bytes_of(from + row.from_len, row.body_len),
	};
	buffer_consume(&read->rows, sizeof(row) + row.from_len + row.body_len);
	return true;
}

/* The rows of one question are read in one transaction, so they fit each other. */
struct topic {
	uint64_t topic;
	uint64_t dropped_id;
	uint64_t last_id;
	uint64_t last_seq;
	uint64_t run_id;
};

/* 1: found. */
static int reader_topic(struct sqlite_reader *r, const struct sqlite_read *read, struct topic *t)
{
	sqlite3_stmt *s = r->statements[READ_TOPIC];

	sqlite_put_text(s, 1, bytes_of(read->topic, read->topic_len));
	int found = sqlite_step(r->file.db, s);
	if (found > 0)
		*t = (struct topic){sqlite_get(s, 0), sqlite_get(s, 1), sqlite_get(s, 2),
			sqlite_get(s, 3), sqlite_get(s, 4)};
	sqlite3_reset(s);
	return found;
}

/*
 * How far the answer may reach: what is committed in this transaction's view, but not beyond what
 * the hub has heard of. Nothing later than that has been dropped in this view, since the writer
 * spares what the hub has not heard of.
 */
static int reader_bounds(struct sqlite_reader *r, uint64_t *upto, uint64_t *evicted_id)
{
	sqlite3_stmt *s = r->statements[READ_HUB];
	int e = sqlite_step(r->file.db, s);
	uint64_t accepted = atomic_load(&r->writer->accepted);

	if (e > 0) {
		uint64_t last_id = sqlite_get(s, 0);
		*upto = last_id < accepted ? last_id : accepted;
		*evicted_id = sqlite_get(s, 1);
	}
	sqlite3_reset(s);
	return e > 0 ? 0 : e < 0 ? e : -EBADMSG;
}

/* Moves *after_id on to just before the first message, of any topic, of SINCE_MS or later, by
 * halving: times grow with ids. */
static int reader_seek(
	struct sqlite_reader *r, uint64_t since_ms, uint64_t upto, uint64_t *after_id)
{
	sqlite3_stmt *s = r->statements[READ_TIME];
	uint64_t low = *after_id;
	uint64_t high = upto;
	int e = 0;

	while (low < high && e >= 0) {
		uint64_t mid = low + (high - low) / 2;
		sqlite_put(s, 1, mid);
		e = sqlite_step(r->file.db, s);
		if (e > 0 && sqlite_get(s, 1) < since_ms)
			low = sqlite_get(s, 0);
		else
			high = mid;
		sqlite3_reset(s);
	}
	*after_id = low;
	return e < 0 ? e : 0;
}

/* An earlier run's connections are gone, and their origins are others' now. */
static uint64_t reader_origin(const struct sqlite_reader *r, uint64_t id, uint64_t origin)
{
	return id > r->run_id || origin & MESSAGE_ORIGIN_LASTING ? origin : 0;
}

static int reader_take(const struct sqlite_reader *r, struct sqlite_read *read, sqlite3_stmt *s)
{
	struct bytes from = sqlite_get_bytes(s, 4);
	struct bytes body = sqlite_get_bytes(s, 5);
	struct row row = {
		.id = sqlite_get(s, 0),
		.seq = sqlite_get(s, 1),
		.time_ms = sqlite_get(s, 2),
		.origin = reader_origin(r, sqlite_get(s, 0), sqlite_get(s, 3)),
		.from_len = from.len,
		.body_len = body.len,
	};
	uint8_t *to;
	int e = buffer_reserve(&read->rows, sizeof(row) + from.len + body.len, &to);

	if (e < 0)
		return e;
	memcpy(to, &row, sizeof(row));
	if (from.len)
		memcpy(to + sizeof(row), from.data, from.len);
	if (body.len)
		memcpy(to + sizeof(row) + from.len, body.data, body.len);
	buffer_commit(&read->rows, sizeof(row) + from.len + body.len);
	read->upto_seq = row.seq;
	return 0;
}

/* A question for the topic's messages in (AFTER_ID, UPTO]: RUNS or the newest RUN. */
static sqlite3_stmt *reader_ask(struct sqlite_reader *r, int question, const struct topic *topic,
	uint64_t after_id, uint64_t upto)
{
	sqlite3_stmt *s = r->statements[question];
	bool newest = question == READ_RUN;

	sqlite_put(s, 1, topic->topic);
	sqlite_put(s, 2, newest && after_id < topic->run_id ? topic->run_id - 1 : after_id);
	sqlite_put(s, 3, newest && upto > topic->last_id ? topic->last_id : upto);
	return s;
}

/* Something was published a moment ago, so that more is to be expected. */
static bool reader_is_beside_others(struct sqlite_reader *r, uint64_t now)
{
	uint64_t accepted = atomic_load(&r->writer->accepted);

	if (accepted != r->accepted) {
		r->accepted = accepted;
		r->live_ns = now + LIVE_NS;
	}
	return now < r->live_ns;
}

/*
 * Whoever wakes up waits for the thread that has the core, which may keep it for milliseconds; one
 * that offers it often is hardly noticed. Where others keep the core busy all the time, reading has
 * a share of it all the same: it stays for a part of the time that it was away.
 */
static void reader_give_way(struct sqlite_reader *r)
{
	uint64_t now = clock_monotonic_ns();

	if (now < r->stay_ns || !reader_is_beside_others(r, now))
		return;
	sched_yield();
	uint64_t back = clock_monotonic_ns();
	r->stay_ns = back + STAY_NS + (back - now) / STAY_SHARE;
}

/* Takes rows up to where the batch is full: 1, and `upto` is there. */
static int reader_fill(struct sqlite_reader *r, struct sqlite_read *read, sqlite3_stmt *s)
{
	unsigned rows = 0;
	int e;

	while ((e = sqlite_step(r->file.db, s)) > 0) {
		if (rows++ % STEP_ROWS == 0)
			reader_give_way(r);
		if (buffer_len(&read->rows) >= read->max_bytes) {
			read->upto = read->last_id;
			break;
		}
		read->last_id = sqlite_get(s, 0);
		e = reader_take(r, read, s);
		if (e < 0)
			break;
	}
	sqlite3_reset(s);
	return e;
}

static int reader_messages(struct sqlite_reader *r, struct sqlite_read *read,
	const struct topic *topic, uint64_t after_id)
{
	int e = reader_fill(r, read, reader_ask(r, READ_RUNS, topic, after_id, read->upto));

	if (!e && topic->run_id)
		e = reader_fill(r, read, reader_ask(r, READ_RUN, topic, after_id, read->upto));
	return e < 0 ? e : 0;
}

/* Without a row, the seq that the topic had come to: one less than that of its next message. */
static int reader_newest(
	struct sqlite_reader *r, struct sqlite_read *read, const struct topic *topic)
{
	int e = 0;

	read->upto_seq = topic->last_seq;
	for (int question = READ_RUNS; !e && question <= READ_RUN; question++) {
		sqlite3_stmt *s = reader_ask(r, question, topic, read->upto, topic->last_id);
		e = sqlite_step(r->file.db, s);
		if (e > 0)
			read->upto_seq = sqlite_get(s, 1) - 1;
		sqlite3_reset(s);
	}
	return e < 0 ? e : 0;
}

static int reader_answer(struct sqlite_reader *r, struct sqlite_read *read)
{
	struct topic topic = {0};
	uint64_t evicted_id = 0;
	uint64_t after_id = read->after_id;
	int found = reader_topic(r, read, &topic);
	int e = found < 0 ? found : reader_bounds(r, &read->upto, &evicted_id);

	if (e < 0)
		return e;
	read->lost = after_id < (found ? topic.dropped_id : evicted_id);
	if (!found)
		return 0;
	if (read->since_ms)
		e = reader_seek(r, read->since_ms, read->upto, &after_id);
	if (!e)
		e = reader_messages(r, read, &topic, after_id);
	if (!e && !buffer_len(&read->rows))
		e = reader_newest(r, read, &topic);
	return e;
}

static void reader_work(struct worker *worker, struct list *jobs)
{
	struct sqlite_reader *r = container_of(worker, struct sqlite_reader, worker);
	struct sqlite_read *read = container_of(jobs->next, struct sqlite_read, node);

	read->result = sqlite_run(r->file.db, r->statements[READ_BEGIN]);
	if (!read->result)
		read->result = reader_answer(r, read);
	if (!sqlite3_get_autocommit(r->file.db))
		(void)sqlite_run(r->file.db, r->statements[READ_END]); /* nothing was written */
}

static void reader_deinit(struct sqlite_reader *r)
{
	for (int i = 0; i < READ_STATEMENTS; i++)
		sqlite3_finalize(r->statements[i]);
	sqlite_file_close(&r->file);
}

int sqlite_reader_open(struct sqlite_reader *r, const char *path, struct fault *why)
{
	r->file = SQLITE_FILE_NULL;
	int e = sqlite_file_open_reader(&r->file, path, why);
	for (int i = 0; !e && i < READ_STATEMENTS; i++) {
		e = sqlite_prepare(r->file.db, sql[i], &r->statements[i]);
		if (e < 0)
			fault_set(why, e, "%s: %s", path, sqlite3_errmsg(r->file.db));
	}
	if (!e) {
		r->run_id = sqlite_writer_state(r->writer).last_id;
		r->worker.work = reader_work;
		e = worker_start(&r->worker);
		if (e < 0)
			fault_errno(why, e, "%s: no thread to read it", path);
	}
	if (e < 0)
		reader_deinit(r);
	return e;
}

void sqlite_reader_close(struct sqlite_reader *r)
{
	worker_stop(&r->worker);
	reader_deinit(r);
}

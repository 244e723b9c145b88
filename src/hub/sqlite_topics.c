#include "hub/sqlite_topics.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

void sqlite_topics_init(struct sqlite_topics *t)
{
	pthread_mutex_init(&t->lock, NULL);
	table_init(&t->table);
	list_init(&t->touched);
}

static void topics_clear(struct sqlite_topics *t)
{
	for (struct table_node *node; (node = table_any(&t->table));) {
		table_remove(&t->table, node);
		free(container_of(node, struct sqlite_topic, node));
	}
}

void sqlite_topics_deinit(struct sqlite_topics *t)
{
	topics_clear(t);
	table_deinit(&t->table);
	pthread_mutex_destroy(&t->lock);
}

struct sqlite_topic *sqlite_topics_find(struct sqlite_topics *t, struct bytes name)
{
	struct table_node *node = table_find(&t->table, name);

	return node ? container_of(node, struct sqlite_topic, node) : NULL;
}

int sqlite_topics_add(struct sqlite_topics *t, struct bytes name, uint64_t dropped_id,
	struct sqlite_topic **topic)
{
	cleanup(cleanup_free) struct sqlite_topic *added = malloc(sizeof(*added) + name.len);

	if (!added)
		return -ENOMEM;
	*added = (struct sqlite_topic){.now.dropped_id = dropped_id};
	added->state = added->now;
	memcpy(added->name, name.data, name.len);
	added->node.key = bytes_of(added->name, name.len);
	list_init(&added->touched);
	pthread_mutex_lock(&t->lock);
	int r = table_insert(&t->table, &added->node);
	pthread_mutex_unlock(&t->lock);
	if (r < 0)
		return r;
	*topic = take(added);
	return 0;
}

static int topics_read(struct sqlite_topics *topics, sqlite3 *db)
{
	sqlite3_stmt *s;
	int r = sqlite_prepare(db,
		"SELECT topic, messages, last_id, last_seq, dropped_id, dropped_seq, run_id,"
		" name FROM topics",
		&s);

	while (!r && (r = sqlite_step(db, s)) > 0) {
		struct sqlite_topic *t;
		r = sqlite_topics_add(topics, sqlite_get_bytes(s, 7), 0, &t);
		if (r < 0)
			break;
		t->now = (struct topic_row){
			.topic = sqlite3_column_int64(s, 0),
			.messages = sqlite_get(s, 1),
			.last_id = sqlite_get(s, 2),
			.last_seq = sqlite_get(s, 3),
			.dropped_id = sqlite_get(s, 4),
			.dropped_seq = sqlite_get(s, 5),
			.run_id = sqlite_get(s, 6),
		};
		t->state = t->now;
	}
	sqlite3_finalize(s);
	return r;
}

/* Forgets the topics that have no messages. */
static int topics_evict(sqlite3 *db)
{
	static const char evict[] =
		"BEGIN IMMEDIATE;"
		"UPDATE hub SET evicted_id = max(evicted_id,"
		" (SELECT coalesce(max(dropped_id), 0) FROM topics WHERE messages = 0));"
		"DELETE FROM keys WHERE topic IN (SELECT topic FROM topics WHERE messages = 0);"
		"DELETE FROM topics WHERE messages = 0;"
		"COMMIT";

	return sqlite3_exec(db, evict, NULL, NULL, NULL) ? sqlite_error(db) : 0;
}

int sqlite_topics_load(struct sqlite_topics *t, sqlite3 *db, size_t many)
{
	int r = topics_read(t, db);

	if (r < 0 || t->table.count <= many)
		return r;
	topics_clear(t);
	r = topics_evict(db);
	return r < 0 ? r : topics_read(t, db);
}

void sqlite_topics_touch(struct sqlite_topics *t, struct sqlite_topic *topic)
{
	if (list_empty(&topic->touched))
		list_push(&t->touched, &topic->touched);
}

void sqlite_topics_settle(struct sqlite_topics *t, bool committed)
{
	pthread_mutex_lock(&t->lock);
	list_each_safe (node, &t->touched) {
		struct sqlite_topic *topic = container_of(node, struct sqlite_topic, touched);
		if (committed)
			topic->state = topic->now;
		else
			topic->now = topic->state;
		list_unlink(&topic->touched);
	}
	pthread_mutex_unlock(&t->lock);
}

struct visit {
	void (*topic)(void *data, const struct store_topic *t);
	void *data;
};

static void topics_visit(void *data, struct table_node *node)
{
	const struct visit *visit = data;
	const struct topic_row *row = &container_of(node, struct sqlite_topic, node)->state;

	if (row->messages)
		visit->topic(
			visit->data, &(struct store_topic){node->key, row->messages, row->last_id});
}

void sqlite_topics_visit(
	struct sqlite_topics *t, void (*topic)(void *data, const struct store_topic *t), void *data)
{
	struct visit visit = {topic, data};

	pthread_mutex_lock(&t->lock);
	table_each(&t->table, topics_visit, &visit);
	pthread_mutex_unlock(&t->lock);
}

/* Files that a store refuses, and what others see of one. */

#include "sqlite_world.h"

static void expect_refusal(struct world *w, int error, const char *words)
{
	struct fault why = FAULT_NULL;

	assert_int_equal(try_open(w, (struct store_sqlite_options){0}, &why), error);
	assert_non_null(strstr(why.text, w->file.path));
	if (!strstr(why.text, words))
		fail_msg("\"%s\" does not say \"%s\"", why.text, words);
}

static void run_sql(const struct world *w, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(w->file.path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void write_file(const struct world *w, const char *text)
{
	FILE *file = fopen(w->file.path, "w");

	assert_non_null(file);
	for (int i = 0; i < 100; i++)
		fputs(text, file);
	fclose(file);
}

static void refuses_what_is_not_a_store(void **state)
{
	struct world w;

	begin(&w);
	write_file(&w, "this is no database at all, and long enough to tell\n");
	expect_refusal(&w, -EBADMSG, "not a database");
	unlink(w.file.path);
	run_sql(&w, "CREATE TABLE t (x)");
	expect_refusal(&w, -EBADMSG, "not a hub's");
	unlink(w.file.path);
	open_store(&w, (struct store_sqlite_options){0});
	store_free(w.store);
	run_sql(&w, "PRAGMA user_version = 99");
	expect_refusal(&w, -ENOTSUP, "newer ferry (version 99, this one knows 2)");
	w.store = NULL;
	end(&w);
}

static void one_hub_uses_it_at_a_time(void **state)
{
	struct world w;
	struct store *first;

	begin(&w);
	open_store(&w, (struct store_sqlite_options){0});
	first = w.store;
	expect_refusal(&w, -EBUSY, "in use by another hub");
	w.store = first;
	end(&w);
}

static void a_folder_that_is_not_there_is_named(void **state)
{
	struct world w;
	struct test_file file;

	begin(&w);
	file = w.file;
	snprintf(w.file.path, sizeof(w.file.path), "%s/no/store.db", file.folder);
	expect_refusal(&w, -ENOENT, "No such file");
	w.file = file;
	w.store = NULL;
	end(&w);
}

static int check_row(void *data, int columns, char **values, char **names)
{
	assert_int_equal(columns, 5);
	assert_string_equal(values[0], "1");
	assert_string_equal(values[1], "2026-11-23T09:00:00.250Z");
	assert_string_equal(values[2], "lobby");
	assert_string_equal(values[3], "me");
	assert_string_equal(values[4], "hi");
	(*(int *)data)++;
	return 0;
}

static void people_can_read_it_meanwhile(void **state)
{
	struct world w;
	sqlite3 *db;
	int rows = 0;

	begin(&w);
	open_store(&w, (struct store_sqlite_options){0});
	put(&w, "lobby", "hi", NULL, 1795424400250, NULL);
	settle(&w);
	assert_int_equal(sqlite3_open(w.file.path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "SELECT * FROM log", check_row, &rows, NULL), SQLITE_OK);
	assert_int_equal(rows, 1);
	sqlite3_close(db);
	end(&w);
}

/* A file as version 1 wrote it. */
static const char version_1[] =
	"CREATE TABLE topics (topic INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
	" messages INTEGER NOT NULL, last_id INTEGER NOT NULL, last_seq INTEGER NOT NULL,"
	" dropped_id INTEGER NOT NULL, dropped_seq INTEGER NOT NULL);"
	"CREATE TABLE messages (id INTEGER PRIMARY KEY, topic INTEGER NOT NULL REFERENCES topics,"
	" seq INTEGER NOT NULL, time INTEGER NOT NULL, origin INTEGER NOT NULL,"
	" sender TEXT NOT NULL, body BLOB NOT NULL);"
	"CREATE INDEX messages_of_topic ON messages (topic, id);"
	"CREATE TABLE keys (topic INTEGER NOT NULL REFERENCES topics, key BLOB NOT NULL,"
	" id INTEGER NOT NULL, PRIMARY KEY (topic, key)) WITHOUT ROWID;"
	"CREATE INDEX keys_by_id ON keys (id);"
	"CREATE TABLE hub (last_id INTEGER NOT NULL, messages INTEGER NOT NULL,"
	" bytes INTEGER NOT NULL, evicted_id INTEGER NOT NULL);"
	"CREATE VIEW log AS SELECT id,"
	" strftime('%Y-%m-%dT%H:%M:%fZ', time / 1000.0, 'unixepoch') AS time,"
	" name AS topic, sender AS \"from\", CAST(body AS TEXT) AS text"
	" FROM messages CROSS JOIN topics USING (topic) ORDER BY id;"
	"INSERT INTO hub VALUES (102, 4, 280, 0);"
	"INSERT INTO topics VALUES (1, 'a', 3, 101, 3, 0, 0), (2, 'b', 1, 102, 2, 2, 1);"
	"INSERT INTO messages VALUES (1, 1, 1, 10, 0, 'me', x'31'), (3, 1, 2, 30, 0, 'me', x'33'),"
	" (101, 1, 3, 40, 0, 'me', x'34'), (102, 2, 2, 50, 0, 'me', x'35');"
	"INSERT INTO keys VALUES (1, x'6b6579', 3);"
	"PRAGMA application_id = 0x66657279; PRAGMA user_version = 1;";

struct past {
	struct store_read read;
	struct world *world;
};

static void on_past(struct store_read *r, const struct message *m)
{
	note(container_of(r, struct past, read)->world, m);
}

static void on_past_read(struct store_read *r, int result)
{
	assert_int_equal(result, 0);
	container_of(r, struct past, read)->world->read_done = 1;
}

static void expect_past(struct world *w, const char *topic, const char *text)
{
	struct past p = {.read = {.topic = bytes_text(topic),
				 .max_bytes = 10000,
				 .message = on_past,
				 .done = on_past_read},
		.world = w};

	w->text[0] = '\0';
	w->read_done = 0;
	store_read(w->store, &p.read);
	while (!w->read_done)
		wait_and_poll(w);
	assert_string_equal(w->text, text);
}

static void an_older_file_is_brought_up_to_date(void **state)
{
	struct world w;
	struct answer a, b;

	begin(&w);
	run_sql(&w, version_1);
	open_store(&w, (struct store_sqlite_options){0});
	assert_int_equal(w.store->state.messages, 4);
	assert_int_equal(w.store->state.last_id, 102);
	expect_past(&w, "a", "1.1=1 3.2=3 101.3=4 ");
	expect_past(&w, "b", "102.2=5 ");
	put(&w, "a", "any body", "key", 60, &a);
	put(&w, "a", "6", "new", 60, &b);
	settle(&w);
	assert_int_equal(a.id, 3);
	assert_int_equal(b.id, 103);
	expect_past(&w, "a", "1.1=1 3.2=3 101.3=4 103.4=6 ");
	store_free(w.store);
	open_store(&w, (struct store_sqlite_options){0});
	expect_past(&w, "a", "1.1=1 3.2=3 101.3=4 103.4=6 ");
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_is_not_a_store),
		cmocka_unit_test(one_hub_uses_it_at_a_time),
		cmocka_unit_test(a_folder_that_is_not_there_is_named),
		cmocka_unit_test(an_older_file_is_brought_up_to_date),
		cmocka_unit_test(people_can_read_it_meanwhile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

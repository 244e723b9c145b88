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
	expect_refusal(&w, -ENOTSUP, "newer ferry (version 99, this one knows 1)");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_is_not_a_store),
		cmocka_unit_test(one_hub_uses_it_at_a_time),
		cmocka_unit_test(a_folder_that_is_not_there_is_named),
		cmocka_unit_test(people_can_read_it_meanwhile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

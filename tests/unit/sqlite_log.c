/*
 * The log is made longer in few steps, and what is behind its last commit is nothing to whoever
 * finds it after a crash.
 */

#include "sqlite_world.h"

#include <sys/stat.h>

enum { COMMITS = 300, STEPS_MOST = COMMITS / 10 };

static off_t log_size(const struct world *w)
{
	char path[128];
	struct stat file;

	snprintf(path, sizeof(path), "%s-wal", w->file.path);
	assert_int_equal(stat(path, &file), 0);
	return file.st_size;
}

static void copy(const char *from, const char *to, const char *suffix)
{
	static char bytes[16 << 20];
	char path[128];

	snprintf(path, sizeof(path), "%s%s", from, suffix);
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	size_t len = fread(bytes, 1, sizeof(bytes), file);
	assert_true(feof(file));
	fclose(file);
	snprintf(path, sizeof(path), "%s%s", to, suffix);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	fclose(file);
}

static int put_each(struct world *w, int n)
{
	int steps = 0;

	for (int i = 0; i < n; i++) {
		off_t before = log_size(w);
		assert_int_equal(put(w, "t", "body", NULL, 1, NULL), 0);
		settle(w);
		steps += log_size(w) != before;
	}
	return steps;
}

static void grows_in_steps(void **state)
{
	struct world w;

	begin(&w);
	open_store(&w, (struct store_sqlite_options){0});
	assert_in_range(put_each(&w, COMMITS), 1, STEPS_MOST);
	end(&w);
}

static void is_whole_after_a_crash(void **state)
{
	struct world w, later;

	begin(&w);
	begin(&later);
	open_store(&w, (struct store_sqlite_options){0});
	put_each(&w, COMMITS);
	copy(w.file.path, later.file.path, "");
	copy(w.file.path, later.file.path, "-wal");
	open_store(&later, (struct store_sqlite_options){0});
	assert_int_equal(later.store->state.last_id, COMMITS);
	assert_int_equal(later.store->state.messages, COMMITS);
	put_each(&later, COMMITS);
	assert_int_equal(later.store->state.messages, 2 * COMMITS);
	end(&later);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_in_steps),
		cmocka_unit_test(is_whole_after_a_crash),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

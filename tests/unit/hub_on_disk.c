/* A hub and its subscribers against the model, on a store in a file. */

#include "hub/store_sqlite.h"
#include "hub_world.h"
#include "test_file.h"

static void post(void *data)
{
	sem_post(data);
}

static void run_on_disk(unsigned seed, struct store_sqlite_options options)
{
	struct test_file file;
	struct store *store;
	struct fault why = FAULT_NULL;
	sem_t woken;

	sem_init(&woken, 0, 0);
	test_file_init(&file);
	options.wake = post;
	options.data = &woken;
	if (store_sqlite_open(&store, file.path, &options, &why) < 0)
		fail_msg("%s", why.text);
	run_with(store, seed, 64 << 10, &woken);
	test_file_deinit(&file);
	sem_destroy(&woken);
}

static void every_stream_is_whole(void **state)
{
	run_on_disk(6, (struct store_sqlite_options){.max_pending = 1 << 30});
}

static void what_is_missing_is_told_exactly(void **state)
{
	run_on_disk(7, (struct store_sqlite_options){.max_pending = 1 << 30, .max_bytes = 300000});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_stream_is_whole),
		cmocka_unit_test(what_is_missing_is_told_exactly),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

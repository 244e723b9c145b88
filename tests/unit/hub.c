/* A hub and its subscribers against the model, on a store in memory, and on one that takes its
 * time. */

#include "hub/store_memory.h"
#include "hub_world.h"
#include "slow_store.h"

static void run(struct store *store, unsigned seed, size_t tape_bytes)
{
	run_with(store, seed, tape_bytes, NULL);
}

static void every_stream_is_whole(void **state)
{
	struct store_memory_options large = {.max_bytes = 256 << 20};
	run(store_memory_new(&large), 1, 64 << 10);
}

static void what_is_missing_is_told_exactly(void **state)
{
	struct store_memory_options small = {.max_bytes = 300000};
	struct store_memory_options few = {.max_messages = 50};

	run(store_memory_new(&small), 2, 64 << 10);
	run(store_memory_new(&few), 3, 256 << 10);
}

static void the_same_when_the_store_takes_its_time(void **state)
{
	struct store_memory_options large = {.max_bytes = 256 << 20};
	struct store_memory_options small = {.max_bytes = 300000};

	run(slow_store_new(store_memory_new(&large)), 4, 64 << 10);
	run(slow_store_new(store_memory_new(&small)), 5, 64 << 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_stream_is_whole),
		cmocka_unit_test(what_is_missing_is_told_exactly),
		cmocka_unit_test(the_same_when_the_store_takes_its_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

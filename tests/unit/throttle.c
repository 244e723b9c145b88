#include "server/throttle.h"

#include "test.h"

#include <stdio.h>

static void test_burst_then_one_a_second(void **state)
{
	struct throttle t = {0};
	uint64_t now = 5000;

	for (int i = 0; i < THROTTLE_BURST; i++)
		assert_true(throttle_take(&t, "127.0.0.1:1000", now));
	assert_false(throttle_take(&t, "127.0.0.1:1000", now));
	assert_false(throttle_take(&t, "127.0.0.1:2000", now));
	now += THROTTLE_STEP_MS;
	assert_true(throttle_take(&t, "127.0.0.1:3000", now));
	assert_false(throttle_take(&t, "127.0.0.1:3000", now));
}

static void test_addresses_count_by_themselves(void **state)
{
	struct throttle t = {0};

	for (int i = 0; i < THROTTLE_BURST; i++)
		assert_true(throttle_take(&t, "[2001:db8::1]:1000", 0));
	assert_false(throttle_take(&t, "[2001:db8::1]:1000", 0));
	assert_true(throttle_take(&t, "[2001:db8:0:1::1]:1000", 0));
	assert_true(throttle_take(&t, "-", 0));
}

static void test_a_network_is_one_address(void **state)
{
	struct throttle t = {0};
	char peer[64];

	for (int i = 0; i < THROTTLE_BURST; i++) {
		snprintf(peer, sizeof(peer), "[2001:db8::%x:1]:1000", i);
		assert_true(throttle_take(&t, peer, 0));
	}
	assert_false(throttle_take(&t, "[2001:db8::ffff]:1000", 0));
	assert_false(throttle_take(&t, "[2001:db8::ffff%eth0]:1000", 0));
	assert_true(throttle_take(&t, "[2001:db8:0:1::ffff]:1000", 0));
}

static void test_names_of_other_kinds(void **state)
{
	static const char *const odd[] = {"[", "[]", "[::1",
		("[not an address at all, and so long "
		 "that no buffer for one would have the room]:1"),
		"unix:pid/1", ""};
	struct throttle t = {0};

	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++)
		assert_true(throttle_take(&t, odd[i], 0));
}

static void test_long_ago_is_forgotten(void **state)
{
	struct throttle t = {0};

	for (int i = 0; i < THROTTLE_BURST; i++)
		assert_true(throttle_take(&t, "10.0.0.1:1", 0));
	for (int i = 0; i < THROTTLE_BURST; i++)
		assert_true(throttle_take(&t, "10.0.0.1:1", 1000000));
	assert_false(throttle_take(&t, "10.0.0.1:1", 1000000));
}

static void test_many_addresses_take_no_more_room(void **state)
{
	struct throttle t = {0};
	char peer[32];

	for (int i = 0; i < 100000; i++) {
		snprintf(peer, sizeof(peer), "10.%d.%d.%d:1", i >> 16, i >> 8 & 255, i & 255);
		throttle_take(&t, peer, (uint64_t)i);
	}
	assert_true(throttle_take(&t, "192.0.2.1:1", 100000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_burst_then_one_a_second),
		cmocka_unit_test(test_addresses_count_by_themselves),
		cmocka_unit_test(test_a_network_is_one_address),
		cmocka_unit_test(test_names_of_other_kinds),
		cmocka_unit_test(test_long_ago_is_forgotten),
		cmocka_unit_test(test_many_addresses_take_no_more_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

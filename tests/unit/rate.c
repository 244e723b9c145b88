#include "server/rate.h"
#include "test.h"

enum { T = 1000000 }; /* ms */

static void any_number_without_a_limit(void **state)
{
	const struct rate_options o = {0};
	struct rate r = {0};

	for (int i = 0; i < 1000000; i++)
		rate_count(&r, &o, 1, 1 << 20, T);
	assert_true(!rate_is_over(&r, T));
	assert_true(rate_is_even(&r, T));
}

static void a_second_at_once_then_the_rate(void **state)
{
	const struct rate_options o = {.messages = 100};
	struct rate r = {0};
	int in_a_minute = 0;

	for (uint64_t now = T; now < T + 60000; now++)
		while (!rate_is_over(&r, now)) {
			rate_count(&r, &o, 1, 1, now);
			in_a_minute++;
		}
	assert_true(in_a_minute >= 6000 && in_a_minute <= 6100);
	assert_true(!rate_is_even(&r, T + 60000));
	assert_true(rate_is_even(&r, T + 61001));
}

static void bytes_count_by_themselves(void **state)
{
	const struct rate_options o = {.messages = 1000000, .bytes = 1000};
	struct rate r = {0};

	rate_count(&r, &o, 1, 500, T);
	assert_true(!rate_is_over(&r, T));
	rate_count(&r, &o, 1, 1500, T); /* more than there is: it is owed */
	assert_true(rate_is_over(&r, T));
	assert_true(rate_is_over(&r, T + 999));
	assert_true(!rate_is_over(&r, T + 1001));
}

static void time_without_use_is_not_saved(void **state)
{
	const struct rate_options o = {.messages = 10};
	struct rate r = {0};
	int at_once = 0;

	rate_count(&r, &o, 1, 1, T);
	for (; !rate_is_over(&r, T + 3600000); at_once++)
		rate_count(&r, &o, 1, 1, T + 3600000);
	assert_true(at_once == 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_number_without_a_limit),
		cmocka_unit_test(a_second_at_once_then_the_rate),
		cmocka_unit_test(bytes_count_by_themselves),
		cmocka_unit_test(time_without_use_is_not_saved),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

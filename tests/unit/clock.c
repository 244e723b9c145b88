#include "base/clock.h"

#include <errno.h>

#include "test.h"

static void parses_spans(void **state)
{
	uint64_t ms;

	assert_int_equal(clock_parse_span("10m", &ms), 0);
	assert_int_equal(ms, 600000);
	assert_int_equal(clock_parse_span("1h30m", &ms), 0);
	assert_int_equal(ms, 5400000);
	assert_int_equal(clock_parse_span("500ms", &ms), 0);
	assert_int_equal(ms, 500);
	assert_int_equal(clock_parse_span("3", &ms), 0);
	assert_int_equal(ms, 3000);
	assert_int_equal(clock_parse_span("", &ms), -EINVAL);
	assert_int_equal(clock_parse_span("m", &ms), -EINVAL);
	assert_int_equal(clock_parse_span("1y", &ms), -EINVAL);
	assert_int_equal(clock_parse_span("-1s", &ms), -EINVAL);
	assert_int_equal(clock_parse_span("99999999999999999999s", &ms), -EINVAL);
	assert_int_equal(clock_parse_span("300000000000000d", &ms), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_spans),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

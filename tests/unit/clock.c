#include "base/clock.h"

#include <errno.h>
#include <time.h>

#include "test.h"

static void formats(void **state)
{
	char text[CLOCK_TEXT_SIZE];

	clock_format(0, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000Z");
	clock_format(1795424400007, text);
	assert_string_equal(text, "2026-11-23T09:00:00.007Z");
}

static void reads_times_back(void **state)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} times[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"2026-11-23T09:00:00.007Z", 1795424400007},
		{"2026-11-23T09:00:00.5Z", 1795424400500},
		{"2026-11-23T09:00:00.0079999Z", 1795424400007},
		{"2000-02-29T23:59:59Z", 951868799000},
		{"2100-03-01T00:00:00.000Z", 4107542400000},
		{"9999-12-31T23:59:59.999Z", 253402300799999},
	};
	static const char *const wrong[] = {"", "Z", "2026-11-23", "2026-11-23T09:00:00",
		"2026-11-23T09:00:00.Z", "2026-11-23T09:00:00.0", "2026-11-23T09:00:00.0Zx",
		"2026-11-23T09:00:00Zx", "2026-02-29T09:00:00Z", "2100-02-29T09:00:00Z",
		"2026-04-31T09:00:00Z", "2026-00-01T09:00:00Z", "2026-13-01T09:00:00Z",
		"2026-11-00T09:00:00Z", "2026-11-32T09:00:00Z", "2026-11-23T24:00:00Z",
		"2026-11-23T09:60:00Z", "2026-11-23T09:00:60Z", "1969-12-31T23:59:59Z",
		"2026-11-23 09:00:00Z", "2026-11-23T09:00:00+01:00", "26-11-23T09:00:00Z"};
	uint64_t ms;

	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		assert_int_equal(clock_parse(times[i].text, &ms), 0);
		assert_int_equal(ms, times[i].ms);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(clock_parse(wrong[i], &ms), -EINVAL);
}

/* Every day from 1970 to 2400 is what the C library says it is. */
static void agrees_with_the_calendar(void **state)
{
	for (uint64_t day = 0; day < 157054; day++) {
		time_t seconds = (time_t)(day * 86400 + day % 86400);
		char want[CLOCK_TEXT_SIZE];
		char text[CLOCK_TEXT_SIZE];
		uint64_t ms;
		struct tm tm;

		gmtime_r(&seconds, &tm);
		strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S.007Z", &tm);
		clock_format((uint64_t)seconds * 1000 + 7, text);
		assert_string_equal(text, want);
		assert_int_equal(clock_parse(text, &ms), 0);
		assert_int_equal(ms, (uint64_t)seconds * 1000 + 7);
	}
	char last[CLOCK_TEXT_SIZE];
	clock_format(UINT64_MAX, last);
	assert_string_equal(last, "9999-12-31T23:59:59.999Z");
}

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
		cmocka_unit_test(formats),
		cmocka_unit_test(reads_times_back),
		cmocka_unit_test(agrees_with_the_calendar),
		cmocka_unit_test(parses_spans),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

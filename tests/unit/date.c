#include "base/date.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "test.h"

static void formats(void **state)
{
	char text[DATE_TEXT_SIZE];

	date_format(0, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000Z");
	date_format(1795424400007, text);
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
		assert_int_equal(date_parse(times[i].text, &ms), 0);
		assert_int_equal(ms, times[i].ms);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(date_parse(wrong[i], &ms), -EINVAL);
}

/* Every day from 1970 to 2400 is what the C library says it is. */
static void agrees_with_the_calendar(void **state)
{
	for (uint64_t day = 0; day < 157054; day++) {
		time_t seconds = (time_t)(day * 86400 + day % 86400);
		char want[DATE_TEXT_SIZE];
		char text[DATE_TEXT_SIZE];
		uint64_t ms;
		struct tm tm;

		gmtime_r(&seconds, &tm);
		strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S.007Z", &tm);
		date_format((uint64_t)seconds * 1000 + 7, text);
		assert_string_equal(text, want);
		assert_int_equal(date_parse(text, &ms), 0);
		assert_int_equal(ms, (uint64_t)seconds * 1000 + 7);
	}
	char last[DATE_TEXT_SIZE];
	date_format(UINT64_MAX, last);
	assert_string_equal(last, "9999-12-31T23:59:59.999Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats),
		cmocka_unit_test(reads_times_back),
		cmocka_unit_test(agrees_with_the_calendar),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

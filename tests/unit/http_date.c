#include "wire/http_date.h"

#include <errno.h>
#include <time.h>

#include "test.h"

enum { NOW = 1795424400 }; /* 2026-11-23 */

static void reads_the_three_forms(void **state)
{
	static const struct {
		const char *text;
		uint64_t seconds;
	} dates[] = {
		{"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
		{"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
		{"Sun Nov  6 08:49:37 1994", 784111777},
		{"Wed Nov 16 08:49:37 1994", 784975777},
		{"Thu, 01 Jan 1970 00:00:00 GMT", 0},
		{"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
		{"Sat, 31 Dec 2016 23:59:60 GMT", 1483228799},
		{"Monday, 23-Nov-26 09:00:00 GMT", NOW},
		{"Monday, 23-Nov-76 09:00:00 GMT", 3373347600}, /* 50 years ahead */
		{"Wednesday, 23-Nov-77 09:00:00 GMT", 249123600},
	};
	uint64_t seconds;

	for (size_t i = 0; i < sizeof(dates) / sizeof(*dates); i++) {
		if (http_date_parse(bytes_text(dates[i].text), NOW, &seconds))
			fail_msg("%s", dates[i].text);
		assert_int_equal(seconds, dates[i].seconds);
	}
}

static void refuses_what_is_no_date(void **state)
{
	static const char *const wrong[] = {"", "Sun", "Sun, ", "Son, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 6 Nov 1994 08:49:37 GMT",
		"Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Nov 94 08:49:37 GMT",
		"Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
		"Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 Nov 1969 08:49:37 GMT",
		"Sunday, 06 Nov 1994 08:49:37 GMT", "Sun, 06-Nov-94 08:49:37 GMT",
		"Sun Nov 6 08:49:37 1994", "Sun Nov  6 08:49:37 1994 GMT", "784111777"};
	uint64_t seconds;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (http_date_parse(bytes_text(wrong[i]), NOW, &seconds) != -EINVAL)
			fail_msg("%s", wrong[i]);
}

/* Every other day or so until the year 2400: as the C library writes it, and read back. */
static void writes_as_the_c_library(void **state)
{
	for (time_t time = 0; time < 13569465600; time += 100003) {
		char text[HTTP_DATE_SIZE];
		char expected[HTTP_DATE_SIZE];
		uint64_t seconds;
		struct tm tm;

		http_date_format((uint64_t)time, text);
		gmtime_r(&time, &tm);
		strftime(expected, sizeof(expected), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		assert_string_equal(text, expected);
		assert_int_equal(http_date_parse(bytes_text(text), NOW, &seconds), 0);
		assert_int_equal(seconds, time);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_three_forms),
		cmocka_unit_test(refuses_what_is_no_date),
		cmocka_unit_test(writes_as_the_c_library),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

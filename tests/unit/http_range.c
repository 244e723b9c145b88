#include "wire/http_range.h"

#include <errno.h>
#include <stdio.h>

#include "test.h"

enum { MAX = 4 };

/* "start+len start+len", "none" or "416". */
static void show(const char *value, uint64_t size, size_t max, char *text, size_t room)
{
	struct http_range ranges[MAX];
	size_t count;
	int r = http_range_parse(bytes_text(value), size, ranges, max, &count);

	snprintf(text, room, "%s", r == HTTP_RANGE_NONE ? "none" : r ? "416" : "");
	for (size_t i = 0; r == 0 && i < count; i++)
		snprintf(text + strlen(text), room - strlen(text), "%s%llu+%llu", i ? " " : "",
			(unsigned long long)ranges[i].start, (unsigned long long)ranges[i].len);
}

static void agrees_with_the_rfc(void **state)
{
	static const struct {
		const char *value;
		uint64_t size;
		const char *shown;
	} rows[] = {
		{"bytes=0-499", 10000, "0+500"},
		{"bytes=500-999", 10000, "500+500"},
		{"bytes=-500", 10000, "9500+500"},
		{"bytes=9500-", 10000, "9500+500"},
		{"bytes=0-0,-1", 10000, "0+1 9999+1"},
		{"bytes= 0-999, 4500-5499, -1000", 10000, "0+1000 4500+1000 9000+1000"},
		{"bytes=500-600,601-999", 10000, "500+101 601+399"},
		{"Bytes=0-0", 10, "0+1"},
		{"bytes=0-", 10, "0+10"},
		{"bytes=0-10", 10, "0+10"},
		{"bytes=9-9", 10, "9+1"},
		{"bytes=0-99999999999999999999999", 10, "0+10"},
		{"bytes=-99999999999999999999999", 10, "0+10"},
		{"bytes=0-18446744073709551615", 18446744073709551615U, "0+18446744073709551615"},
		{"bytes=5-,20-30", 10, "5+5"},
		{"bytes=,0-0,,", 10, "0+1"},
		{"bytes=10-", 10, "416"},
		{"bytes=10-20,30-", 10, "416"},
		{"bytes=99999999999999999999-", 10, "416"},
		{"bytes=-0", 10, "416"},
		{"bytes=0-", 0, "416"},
		{"bytes=0-0", 0, "416"},
		{"bytes=-5", 0, "none"},
		{"bytes=5-4", 10, "none"},
		{"bytes=", 10, "none"},
		{"bytes=,", 10, "none"},
		{"bytes=-", 10, "none"},
		{"bytes=a-b", 10, "none"},
		{"bytes=0-0x1", 10, "none"},
		{"bytes=0--1", 10, "none"},
		{"bytes=+0-1", 10, "none"},
		{"bytes=0 - 1", 10, "none"},
		{"bytes=1", 10, "none"},
		{"bytes 0-1", 10, "none"},
		{"items=0-1", 10, "none"},
		{"", 10, "none"},
		{"bytes=0-0,1-1,2-2,3-3,4-4", 10, "none"},
		{"bytes=0-0,x", 10, "none"},
	};
	char text[200];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		show(rows[i].value, rows[i].size, MAX, text, sizeof(text));
		if (strcmp(text, rows[i].shown))
			fail_msg("%s of %llu: %s", rows[i].value, (unsigned long long)rows[i].size,
				text);
	}
	show("bytes=0-0,1-1", 10, 1, text, sizeof(text));
	assert_string_equal(text, "none");
}

static void content_ranges_come_back(void **state)
{
	struct http_range range = {5, 10}, back;
	char text[HTTP_CONTENT_RANGE_SIZE];
	uint64_t size;

	http_content_range_format(&range, 20, text);
	assert_string_equal(text, "bytes 5-14/20");
	assert_int_equal(http_content_range_parse(bytes_text(text), &back, &size), 0);
	assert_int_equal(back.start, 5);
	assert_int_equal(back.len, 10);
	assert_int_equal(size, 20);

	http_content_range_format(NULL, 20, text);
	assert_string_equal(text, "bytes */20");
	assert_int_equal(http_content_range_parse(bytes_text(text), &back, &size), 0);
	assert_int_equal(back.len, 0);
	assert_int_equal(size, 20);

	assert_int_equal(http_content_range_parse(bytes_text("bytes 0-4/*"), &back, &size), 0);
	assert_true(size == UINT64_MAX);
	range = (struct http_range){0, UINT64_MAX};
	http_content_range_format(&range, UINT64_MAX, text);
	assert_string_equal(text, "bytes 0-18446744073709551614/18446744073709551615");
}

static void refuses_broken_content_ranges(void **state)
{
	static const char *const wrong[] = {"", "bytes", "bytes 0-4", "bytes 0-4/", "bytes 0-4/4",
		"bytes 5-4/10", "bytes */*", "bytes /10", "bytes -4/10", "bytes 0-/10",
		"bytes=0-4/10", "items 0-4/10", "bytes 0-4/10 ", "bytes 0-4/x"};
	struct http_range range;
	uint64_t size;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (http_content_range_parse(bytes_text(wrong[i]), &range, &size) != -EINVAL)
			fail_msg("%s", wrong[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_rfc),
		cmocka_unit_test(content_ranges_come_back),
		cmocka_unit_test(refuses_broken_content_ranges),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "wire/http_condition.h"

#include "fields.h"

#define DATE   "Sun, 06 Nov 1994 08:49:37 GMT"
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"

static const struct http_current current = {
	.exists = true, .etag = BYTES_INIT("\"a,b\""), .modified_s = 784111777};
static const struct http_current nothing = {.exists = false};

static void decides_in_the_order_of_the_rfc(void **state)
{
	static const struct {
		enum http_method method;
		const char *fields;
		int there;  /* the status when the file is there, 0 to go on */
		int absent; /* when it is not */
	} rows[] = {
		{HTTP_GET, "A: b", 0, 0},
		{HTTP_PUT, "If-Match: \"a,b\"", 0, 412},
		{HTTP_PUT, "If-Match: \"x\", \"a,b\"", 0, 412},
		{HTTP_PUT, "If-Match: \"x\"\nIf-Match: \"a,b\"", 0, 412},
		{HTTP_PUT, "If-Match: *", 0, 412},
		{HTTP_PUT, "If-Match: \"x\"", 412, 412},
		{HTTP_PUT, "If-Match: W/\"a,b\"", 412, 412},
		{HTTP_PUT, "If-Match: a,b", 412, 412},
		{HTTP_PUT, "If-Match:", 412, 412},
		{HTTP_PUT, "If-Match: \"a,b\"\nIf-Unmodified-Since: " BEFORE, 0, 412},
		{HTTP_PUT, "If-Unmodified-Since: " DATE, 0, 0},
		{HTTP_PUT, "If-Unmodified-Since: " BEFORE, 412, 0},
		{HTTP_PUT, "If-Unmodified-Since: yesterday", 0, 0},
		{HTTP_PUT, "If-None-Match: *", 412, 0},
		{HTTP_PUT, "If-None-Match: \"a,b\"", 412, 0},
		{HTTP_PUT, "If-None-Match: \"x\"", 0, 0},
		{HTTP_GET, "If-None-Match: \"a,b\"", 304, 0},
		{HTTP_HEAD, "If-None-Match: W/\"a,b\"", 304, 0},
		{HTTP_GET, "If-None-Match: *", 304, 0},
		{HTTP_GET, "If-None-Match: \"x\" , \"a,b\"", 304, 0},
		{HTTP_GET, "If-None-Match: \"x\\\", \"a,b\"", 304, 0},
		{HTTP_GET, "If-None-Match: \"x\"\nIf-Modified-Since: " DATE, 0, 0},
		{HTTP_GET, "If-Modified-Since: " DATE, 304, 0},
		{HTTP_GET, "If-Modified-Since: " BEFORE, 0, 0},
		{HTTP_GET, "If-Modified-Since: " DATE "\nIf-Modified-Since: " DATE, 0, 0},
		{HTTP_POST, "If-Modified-Since: " DATE, 0, 0},
		{HTTP_GET, "If-Match: \"a,b\"\nIf-None-Match: \"a,b\"", 304, 412},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct http_fields fields = fields_of(rows[i].fields);
		int there = http_condition_check(&fields, rows[i].method, &current, 784111777);
		int absent = http_condition_check(&fields, rows[i].method, &nothing, 784111777);
		if (there != rows[i].there || absent != rows[i].absent)
			fail_msg("%s: %d, absent %d", rows[i].fields, there, absent);
	}
}

static void ranges_count_only_for_what_they_were_of(void **state)
{
	static const struct {
		const char *fields;
		bool allowed;
	} rows[] = {
		{"A: b", true},
		{"If-Range: \"a,b\"", true},
		{"If-Range: " DATE, true},
		{"If-Range: \"x\"", false},
		{"If-Range: W/\"a,b\"", false},
		{"If-Range: " BEFORE, false},
		{"If-Range: nonsense", false},
		{"If-Range:", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct http_fields fields = fields_of(rows[i].fields);
		if (http_condition_allows_range(&fields, &current, 784111777) != rows[i].allowed)
			fail_msg("%s", rows[i].fields);
	}
}

static void no_tag_is_in_no_list(void **state)
{
	assert_false(http_etag_list_has(bytes_text("\"\""), BYTES_NULL, true));
	assert_true(http_etag_list_has(bytes_text("\"\""), bytes_text("\"\""), false));
	assert_false(http_etag_list_has(bytes_text("\"a\nb\""), bytes_text("\"a\nb\""), false));
	assert_false(http_etag_list_has(bytes_text("\"a"), bytes_text("\"a"), false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decides_in_the_order_of_the_rfc),
		cmocka_unit_test(ranges_count_only_for_what_they_were_of),
		cmocka_unit_test(no_tag_is_in_no_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "client/listing.h"

#include <errno.h>

#include "test.h"

static void reads_a_listing(void **state)
{
	struct listing l;

	int r = listing_parse(&l,
		bytes_text(
			"[{\"name\":\"b\",\"size\":0,\"sha256\":null},"
			"{\"name\":\"a/\\u00fc\",\"size\":12,\"time\":\"2026-11-23T09:00:00.000Z\","
			"\"sha256\":"
			"\"E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855\"}]"));
	assert_int_equal(r, 0);
	assert_int_equal(l.count, 2);
	assert_string_equal(l.entries[0].name, "a/ü");
	assert_int_equal(l.entries[0].size, 12);
	assert_string_equal(l.entries[0].time, "2026-11-23T09:00:00.000Z");
	assert_string_equal(l.entries[0].sha256,
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_string_equal(l.entries[1].name, "b");
	assert_string_equal(l.entries[1].time, "");
	assert_string_equal(l.entries[1].sha256, "");
	listing_deinit(&l);
	listing_deinit(&l);
}

static void refuses_what_is_none(void **state)
{
	static const char *const texts[] = {"", "[", "{}", "[1]", "[{}]", "[{\"name\":\"a\"}]",
		"[{\"name\":\"a\",\"size\":-1}]", "[{\"name\":\"a\",\"size\":\"1\"}]",
		"[{\"name\":\"a\",\"size\":1},{\"size\":1}]",
		"[{\"name\":\"a\\u0000b\",\"size\":1}]"};
	struct listing l;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(listing_parse(&l, bytes_text(texts[i])), -EPROTO);
		assert_int_equal(l.count, 0);
	}
}

static void reads_an_empty_one(void **state)
{
	struct listing l;

	assert_int_equal(listing_parse(&l, bytes_text("[]")), 0);
	assert_int_equal(l.count, 0);
	listing_deinit(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_listing),
		cmocka_unit_test(refuses_what_is_none),
		cmocka_unit_test(reads_an_empty_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

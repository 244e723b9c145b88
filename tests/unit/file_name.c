#include "base/file_name.h"

#include "test.h"

static void knows_names(void **state)
{
	static const char *const good[] = {
		"a", "a b", "a/b/c", "a.b", "a..", "\xc3\xbc", "-", "~", "a\\b", "a%2f"};
	static const char *const bad[] = {"", "/", "/a", "a/", "a//b", ".", "..", ".a", "a/..",
		"../a", "a/./b", "a/.b", "a\nb", "a\x7f", "\x01"};
	char long_name[FILE_NAME_MAX_LEN + 2];

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_true(file_name_valid(bytes_text(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(file_name_valid(bytes_text(bad[i])));
	assert_false(file_name_valid(bytes_of("a\0b", 3)));
	memset(long_name, 'a', sizeof(long_name));
	assert_true(file_name_valid(bytes_of(long_name, FILE_SEGMENT_MAX_LEN)));
	assert_false(file_name_valid(bytes_of(long_name, FILE_SEGMENT_MAX_LEN + 1)));
	for (size_t i = 100; i < sizeof(long_name); i += 100)
		long_name[i] = '/';
	assert_true(file_name_valid(bytes_of(long_name, FILE_NAME_MAX_LEN)));
	assert_false(file_name_valid(bytes_of(long_name, FILE_NAME_MAX_LEN + 1)));
}

static void takes_names_apart(void **state)
{
	assert_true(bytes_equal(file_name_parent(bytes_text("a/b/c")), bytes_text("a/b")));
	assert_true(bytes_equal(file_name_leaf(bytes_text("a/b/c")), bytes_text("c")));
	assert_int_equal(file_name_parent(bytes_text("c")).len, 0);
	assert_true(bytes_equal(file_name_leaf(bytes_text("c")), bytes_text("c")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_names),
		cmocka_unit_test(takes_names_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

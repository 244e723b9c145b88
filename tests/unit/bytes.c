#include "base/bytes.h"

#include "test.h"

static void grows_and_drains(void **state)
{
	struct buffer b = BUFFER_NULL;
	char block[1000];

	memset(block, 'x', sizeof(block));
	for (int i = 0; i < 100; i++) {
		assert_int_equal(buffer_append(&b, block, sizeof(block)), 0);
		buffer_consume(&b, 990);
	}
	assert_int_equal(buffer_len(&b), 1000);
	assert_true(b.cap <= 4096);
	buffer_deinit(&b);
}

static void keeps_what_is_left(void **state)
{
	struct buffer b = BUFFER_NULL;

	assert_int_equal(buffer_print(&b, "%s-%d", "abc", 7), 0);
	buffer_consume(&b, 2);
	assert_int_equal(buffer_append(&b, "de", 2), 0);
	assert_true(bytes_equal(buffer_bytes(&b), bytes_text("c-7de")));
	buffer_consume(&b, 100);
	assert_int_equal(buffer_len(&b), 0);
	buffer_deinit(&b);
}

static void compares(void **state)
{
	assert_true(bytes_equal(BYTES_NULL, bytes_text("")));
	assert_true(bytes_equal_nocase(bytes_text("Host"), bytes_text("hOST")));
	assert_false(bytes_equal_nocase(bytes_text("[ost"), bytes_text("{ost")));
	assert_false(bytes_equal(bytes_text("a"), bytes_text("A")));
}

static void cuts(void **state)
{
	struct bytes rest = bytes_text("a=b=");
	struct bytes before;

	assert_true(bytes_cut(&rest, '=', &before));
	assert_true(bytes_equal(before, bytes_text("a")));
	assert_true(bytes_cut(&rest, '=', &before));
	assert_true(bytes_equal(before, bytes_text("b")));
	assert_false(bytes_cut(&rest, '=', &before));
	assert_int_equal(rest.len, 0);
	rest = BYTES_NULL;
	assert_false(bytes_cut(&rest, '=', &before));
	assert_true(bytes_equal(bytes_skip(bytes_text("abc"), 2), bytes_text("c")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_and_drains),
		cmocka_unit_test(keeps_what_is_left),
		cmocka_unit_test(compares),
		cmocka_unit_test(cuts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

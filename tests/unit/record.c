/* Records of uploads: written and read back. */

#include "hub/record.h"

#include <errno.h>

#include "test.h"

static void reads_records(void **state)
{
	struct record record = {.name_len = 1, .name = "a"}, back;
	char text[RECORD_SIZE];

	record.holder_len = 4;
	memcpy(record.holder, "anna", 4);
	record.has_time = true;
	record.time = (struct timespec){-5, 750000000};
	record.has_expected = true;
	record.expected.exists = true;
	record.expected.st.st_ino = 77;
	record.expected.st.st_mtim = (struct timespec){1795424400, 7};
	size_t len = record_format(&record, text);
	assert_int_equal(record_parse(&back, bytes_of(text, len)), 0);
	assert_int_equal(back.time.tv_sec, -5);
	assert_int_equal(back.time.tv_nsec, 750000000);
	assert_int_equal(back.expected.st.st_ino, 77);
	assert_int_equal(back.expected.st.st_mtim.tv_nsec, 7);
	assert_true(bytes_equal(record_name(&back), bytes_text("a")));
	assert_true(bytes_equal(record_holder(&back), bytes_text("anna")));
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(record_parse(&back, bytes_of(text, cut)), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

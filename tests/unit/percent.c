#include "base/percent.h"

#include <errno.h>

#include "test.h"

static void goes_there_and_back(void **state)
{
	uint8_t all[256];
	char text[3 * sizeof(all) + 1];

	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (uint8_t)i;
	size_t len = percent_encode(text, bytes_of(all, sizeof(all)), "?&");
	assert_int_equal(len, strlen(text));
	assert_null(strpbrk(text, "?&\n"));
	assert_int_equal(percent_decode(text, &len), 0);
	assert_true(bytes_equal(bytes_of(text, len), bytes_of(all, sizeof(all))));
}

static void refuses_what_is_no_escape(void **state)
{
	const char *const bad[] = {"%", "a%", "%4", "%4g", "%g4", "%%41"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char text[8];
		size_t len = strlen(bad[i]);
		strcpy(text, bad[i]);
		assert_int_equal(percent_decode(text, &len), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_there_and_back),
		cmocka_unit_test(refuses_what_is_no_escape),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

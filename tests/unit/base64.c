#include "wire/base64.h"

#include <stdlib.h>

#include "../cuts.h"
#include "test.h"

/* RFC 4648 section 10, and one with both letters beyond the alphabet's. */
static const struct {
	struct bytes bytes;
	struct bytes text;
} pairs[] = {
	{BYTES_INIT(""), BYTES_INIT("")},
	{BYTES_INIT("f"), BYTES_INIT("Zg==")},
	{BYTES_INIT("fo"), BYTES_INIT("Zm8=")},
	{BYTES_INIT("foo"), BYTES_INIT("Zm9v")},
	{BYTES_INIT("foob"), BYTES_INIT("Zm9vYg==")},
	{BYTES_INIT("fooba"), BYTES_INIT("Zm9vYmE=")},
	{BYTES_INIT("foobar"), BYTES_INIT("Zm9vYmFy")},
	{BYTES_INIT("\xfb\xff\0"), BYTES_INIT("+/8A")},
};

static void goes_both_ways(void **state)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		uint8_t to[16];
		size_t len = base64_encode(pairs[i].bytes, to);

		assert_int_equal(len, base64_size(pairs[i].bytes.len));
		assert_true(bytes_equal(bytes_of(to, len), pairs[i].text));
		assert_true(base64_decode(pairs[i].text, to, &len));
		assert_true(bytes_equal(bytes_of(to, len), pairs[i].bytes));
	}
}

static void refuses_all_else(void **state)
{
	static const char *const wrong[] = {"Z", "Zg", "Zg=", "=",
		"==", "====", "Z===", "=Zg=", "Zg==Zg==", "Zm9v\n", " Zm9v", "Zm9v    ", "Zm-v",
		"Zm_v", "Zm9vZ", "Zm9\xff"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		size_t len;
		assert_false(base64_valid(bytes_text(wrong[i]), &len));
	}
}

/* More than OpenSSL takes at a time. */
static void goes_beyond_a_block(void **state)
{
	enum { LARGE = (7 << 20) + 2 };
	uint8_t *bytes = malloc(LARGE);
	uint8_t *text = malloc(base64_size(LARGE) + 1);
	uint8_t *again = malloc(base64_size(LARGE) / 4 * 3);
	uint64_t seed = 5;
	size_t len;

	assert_true(bytes && text && again);
	for (size_t i = 0; i < LARGE; i++)
		bytes[i] = (uint8_t)cuts_random(&seed, 256);
	len = base64_encode(bytes_of(bytes, LARGE), text);
	assert_int_equal(len, base64_size(LARGE));
	assert_true(base64_decode(bytes_of(text, len), again, &len));
	assert_true(bytes_equal(bytes_of(again, len), bytes_of(bytes, LARGE)));
	free(bytes);
	free(text);
	free(again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_both_ways),
		cmocka_unit_test(refuses_all_else),
		cmocka_unit_test(goes_beyond_a_block),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A key's pin as text: one form, and back. */

#include "test.h"

#include "net/pin.h"

#include <errno.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <string.h>

/* Every value of six bits is in it. */
#define TEXT "sha256:abc-_fghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPI"

static void test_text_round_trip(void **state)
{
	char text[PIN_TEXT_SIZE];
	struct pin p, again;

	assert_int_equal(pin_parse(&p, TEXT), 0);
	pin_format(&p, text);
	assert_string_equal(text, TEXT);
	for (unsigned i = 0; i < 256; i++) {
		memset(p.digest, (int)i, PIN_SIZE);
		p.digest[0] = (uint8_t)~i;
		pin_format(&p, text);
		assert_int_equal(strlen(text), PIN_TEXT_SIZE - 1);
		assert_int_equal(pin_parse(&again, text), 0);
		assert_true(pin_equal(&p, &again));
	}
}

static void test_nothing_else_is_a_pin(void **state)
{
	static const char *const texts[] = {
		"",
		"sha256:",
		"sha256:ab",
		TEXT "=",
		TEXT " ",
		"sha512:abc-_fghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPI",
		"SHA256:abc-_fghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPI",
		"sha256:abc+_fghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPI",
		"sha256:abc-/fghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPI",
		"sha256:abc-_fghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPS", /* bits behind the last */
		"sha256:abc-_fghijklmnopqrstuvwxyzABCDEFGHIJKLMNO==",
		"sha256:abc-_fghijklmnopqrstuvwxyzABCDEFGHIJKLMNO I",
		"sha256: bc-_fghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPI",
	};
	struct pin p;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (pin_parse(&p, texts[i]) != -EINVAL)
			fail_msg("taken for a pin: %s", texts[i]);
}

static void test_two_keys_differ(void **state)
{
	EVP_PKEY *a = EVP_EC_gen("P-256"), *b = EVP_EC_gen("P-256");
	struct pin of_a, again, of_b;

	assert_int_equal(pin_of_key(&of_a, a), 0);
	assert_int_equal(pin_of_key(&again, a), 0);
	assert_int_equal(pin_of_key(&of_b, b), 0);
	assert_true(pin_equal(&of_a, &again));
	assert_false(pin_equal(&of_a, &of_b));
	EVP_PKEY_free(a);
	EVP_PKEY_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_round_trip),
		cmocka_unit_test(test_nothing_else_is_a_pin),
		cmocka_unit_test(test_two_keys_differ),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "base/sha256.h"

#include <errno.h>

#include "test.h"

/* The examples of FIPS 180-4. */
static const struct {
	const char *text;
	const char *hex;
} examples[] = {
	{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

static void hashes(void **state)
{
	struct sha256 *s = sha256_new();
	uint8_t digest[SHA256_SIZE];
	char text[SHA256_HEX_SIZE];

	assert_non_null(s);
	for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
		const char *from = examples[i].text;
		for (; *from; from++)
			sha256_update(s, from, 1);
		sha256_finish(s, digest);
		sha256_to_hex(digest, text);
		assert_string_equal(text, examples[i].hex);
		sha256_reset(s);
	}
	sha256_free(s);
}

static void reads_its_text_back(void **state)
{
	uint8_t digest[SHA256_SIZE], back[SHA256_SIZE];
	char text[SHA256_HEX_SIZE];

	for (size_t i = 0; i < sizeof(digest); i++)
		digest[i] = (uint8_t)(i * 37);
	sha256_to_hex(digest, text);
	assert_int_equal(sha256_from_hex(bytes_text(text), back), 0);
	assert_memory_equal(digest, back, sizeof(digest));
	assert_int_equal(sha256_from_hex(bytes_of(text, 63), back), -EINVAL);
	text[7] = 'g';
	assert_int_equal(sha256_from_hex(bytes_text(text), back), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes),
		cmocka_unit_test(reads_its_text_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

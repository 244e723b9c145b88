#include "wire/http_digest.h"

#include "fields.h"

/* Of the empty string. */
#define EMPTY "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

static void reads_what_it_writes(void **state)
{
	uint8_t sha256[HTTP_DIGEST_SHA256], back[HTTP_DIGEST_SHA256];
	char text[HTTP_DIGEST_SIZE];
	char line[HTTP_DIGEST_SIZE + 20] = "Repr-Digest: ";

	for (unsigned n = 0; n < 256; n++) {
		for (size_t i = 0; i < sizeof(sha256); i++)
			sha256[i] = (uint8_t)(n * 31 + i * 7);
		http_digest_format(sha256, text);
		assert_int_equal(strlen(text), HTTP_DIGEST_SIZE - 1);
		strcpy(line + strlen("Repr-Digest: "), text);
		struct http_fields fields = fields_of(line);
		assert_int_equal(http_digest_get(&fields, "repr-digest", back), 0);
		assert_memory_equal(sha256, back, sizeof(back));
	}
}

static void finds_the_one_it_knows(void **state)
{
	static const struct {
		const char *lines;
		int outcome;
	} rows[] = {
		{"Repr-Digest: sha-256=:" EMPTY ":", 0},
		{"Repr-Digest: sha-512=:AAAA:, sha-256=:" EMPTY ":", 0},
		{"Repr-Digest: sha-256=:" EMPTY ":;a=b, md5=:AAAA:", 0},
		{"Repr-Digest: sha-512=:AAAA:\nRepr-Digest: sha-256=:" EMPTY ":", 0},
		{"Content-Digest: sha-256=:" EMPTY ":", HTTP_DIGEST_NONE},
		{"Repr-Digest: sha-512=:AAAA:", HTTP_DIGEST_NONE},
		{"Repr-Digest:", HTTP_DIGEST_NONE},
		{"Repr-Digest: sha-256=" EMPTY, HTTP_DIGEST_BAD},
		{"Repr-Digest: sha-256=\"" EMPTY "\"", HTTP_DIGEST_BAD},
		{"Repr-Digest: sha-256=:AAAA:", HTTP_DIGEST_BAD},
		{"Repr-Digest: sha-256", HTTP_DIGEST_BAD},
		{"Repr-Digest: sha-256=::", HTTP_DIGEST_BAD},
		{"Repr-Digest: SHA-256=:" EMPTY ":", HTTP_DIGEST_BAD},
		{"Repr-Digest: sha-256=:" EMPTY ":,", HTTP_DIGEST_BAD},
		/* RFC 9651 section 4.2.7: bits behind the last byte are not looked at */
		{"Repr-Digest: sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=:", 0},
		{"Repr-Digest: sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuF==:",
			HTTP_DIGEST_BAD},
		{"Repr-Digest: sha-256=:47DEQpj8HBSa+/TImW+5=CeuQeRkm5NMpJWZG3hSuFU=:",
			HTTP_DIGEST_BAD},
	};
	uint8_t sha256[HTTP_DIGEST_SHA256];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct http_fields fields = fields_of(rows[i].lines);
		int r = http_digest_get(&fields, "Repr-Digest", sha256);
		if (r != rows[i].outcome)
			fail_msg("%s: %d", rows[i].lines, r);
		if (r == 0)
			assert_memory_equal(sha256, "\xe3\xb0\xc4\x42\x98\xfc\x1c\x14", 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_it_writes),
		cmocka_unit_test(finds_the_one_it_knows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

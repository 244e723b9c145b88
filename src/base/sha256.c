#include "base/sha256.h"

#include "base/hex.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>

/* libcrypto fails here only when it has no SHA-256, which a libcrypto for us has. */
static void sha256_must(int ok)
{
	if (!ok)
		abort();
}

struct sha256 *sha256_new(void)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	if (context && !EVP_DigestInit_ex(context, EVP_sha256(), NULL)) {
		EVP_MD_CTX_free(context);
		context = NULL;
	}
	return (struct sha256 *)context;
}

struct sha256 *sha256_free(struct sha256 *s)
{
	EVP_MD_CTX_free((EVP_MD_CTX *)s);
	return NULL;
}

void sha256_reset(struct sha256 *s)
{
	sha256_must(EVP_DigestInit_ex((EVP_MD_CTX *)s, EVP_sha256(), NULL));
}

void sha256_update(struct sha256 *s, const void *data, size_t len)
{
	sha256_must(EVP_DigestUpdate((EVP_MD_CTX *)s, data, len));
}

void sha256_finish(struct sha256 *s, uint8_t digest[SHA256_SIZE])
{
	sha256_must(EVP_DigestFinal_ex((EVP_MD_CTX *)s, digest, NULL));
}

void sha256_to_hex(const uint8_t digest[SHA256_SIZE], char text[SHA256_HEX_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < SHA256_SIZE; i++) {
		text[2 * i] = digits[digest[i] >> 4];
		text[2 * i + 1] = digits[digest[i] & 15];
	}
	text[2 * SHA256_SIZE] = 0;
}

int sha256_from_hex(struct bytes text, uint8_t digest[SHA256_SIZE])
{
	if (text.len != 2 * SHA256_SIZE)
		return -EINVAL;
	for (size_t i = 0; i < SHA256_SIZE; i++) {
		int high = hex_digit(text.data[2 * i]), low = hex_digit(text.data[2 * i + 1]);
		if (high < 0 || low < 0)
			return -EINVAL;
		digest[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

#include "wire/http_digest.h"

#include <errno.h>

#include <openssl/evp.h>

#include "wire/structured.h"

/* 32 bytes are 43 letters and one `=`. */
enum { BASE64_LEN = 44, BASE64_BYTES = 33 };

static bool decode(struct bytes base64, uint8_t sha256[HTTP_DIGEST_SHA256])
{
	uint8_t decoded[BASE64_BYTES];
	uint8_t encoded[BASE64_LEN + 1];

	if (base64.len != BASE64_LEN ||
		EVP_DecodeBlock(decoded, base64.data, BASE64_LEN) != BASE64_BYTES)
		return false;
	EVP_EncodeBlock(encoded, decoded, HTTP_DIGEST_SHA256);
	memcpy(sha256, decoded, HTTP_DIGEST_SHA256);
	return !memcmp(encoded, base64.data, BASE64_LEN);
}

int http_digest_get(
	const struct http_fields *fields, const char *name, uint8_t sha256[HTTP_DIGEST_SHA256])
{
	struct structured_item item;
	struct bytes value;
	int found = HTTP_DIGEST_NONE;

	for (size_t at = 0; http_fields_next(fields, name, &at, &value);) {
		int r = structured_dictionary_get(value, "sha-256", &item);
		if (r == -ENOENT)
			continue;
		if (r < 0 || item.type != STRUCTURED_BYTES || !decode(item.text, sha256))
			return HTTP_DIGEST_BAD;
		found = 0;
	}
	return found;
}

void http_digest_format(const uint8_t sha256[HTTP_DIGEST_SHA256], char text[HTTP_DIGEST_SIZE])
{
	char *at = stpcpy(text, "sha-256=:");

	at += EVP_EncodeBlock((uint8_t *)at, sha256, HTTP_DIGEST_SHA256);
	stpcpy(at, ":");
}

#include "wire/http_digest.h"

#include <errno.h>

#include "wire/base64.h"
#include "wire/structured.h"

static bool decode(struct bytes text, uint8_t sha256[HTTP_DIGEST_SHA256])
{
	uint8_t decoded[HTTP_DIGEST_SHA256 + 1];
	size_t len;

	if (text.len != base64_size(HTTP_DIGEST_SHA256) || !base64_decode(text, decoded, &len) ||
		len != HTTP_DIGEST_SHA256)
		return false;
	memcpy(sha256, decoded, len);
	return true;
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

	at += base64_encode(bytes_of(sha256, HTTP_DIGEST_SHA256), (uint8_t *)at);
	stpcpy(at, ":");
}

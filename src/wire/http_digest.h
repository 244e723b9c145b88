#pragma once

/*
 * Digest fields (RFC 9530): Repr-Digest and Content-Digest, of which SHA-256 is ours. Other
 * algorithms are passed over.
 */

#include "wire/http_fields.h"

enum {
	HTTP_DIGEST_SHA256 = 32,
	HTTP_DIGEST_SIZE = 55, /* of the text with its NUL */
};

enum {
	HTTP_DIGEST_NONE = 1, /* there is no field, or no SHA-256 in it */
	HTTP_DIGEST_BAD,      /* it is broken, or no SHA-256 could look like that */
};

/* Finds the SHA-256 in the fields called NAME. 0, or an outcome. */
int http_digest_get(
	const struct http_fields *fields, const char *name, uint8_t sha256[HTTP_DIGEST_SHA256]);

/* "sha-256=:" base64 ":" */
void http_digest_format(const uint8_t sha256[HTTP_DIGEST_SHA256], char text[HTTP_DIGEST_SIZE]);

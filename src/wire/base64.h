#pragma once

/*
 * Base64 (RFC 4648 section 4), padded and on one line.
 */

#include "base/bytes.h"

static inline size_t base64_size(size_t len)
{
	return (len + 2) / 3 * 4;
}

/* Writes base64_size() bytes and, if there are any, a NUL behind them; returns their number. */
size_t base64_encode(struct bytes b, uint8_t *to);

/* Whether TEXT is the Base64 of some bytes, and nothing else: no line ends, no other alphabet; if
 * so, *len is their number. */
bool base64_valid(struct bytes text, size_t *len);

/* TO has room for TEXT's length / 4 * 3 bytes. False, as base64_valid(). */
bool base64_decode(struct bytes text, uint8_t *to, size_t *len);

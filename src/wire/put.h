#pragma once

/*
 * Writing into memory that is large enough: each returns the place behind what it wrote.
 */

#include "base/bytes.h"

static inline uint8_t *put_bytes(uint8_t *to, struct bytes b)
{
	if (b.len)
		memcpy(to, b.data, b.len);
	return to + b.len;
}

#define put_literal(to, s) put_bytes(to, BYTES_LITERAL(s))

/* How many bytes N takes as a decimal: 1 to 20. */
static inline size_t decimal_size(uint64_t n)
{
	size_t size = 1;

	for (; n >= 10; n /= 10)
		size++;
	return size;
}

static inline uint8_t *put_decimal(uint8_t *to, uint64_t n)
{
	size_t size = decimal_size(n);

	for (size_t i = size; i; n /= 10)
		to[--i] = (uint8_t)('0' + n % 10);
	return to + size;
}

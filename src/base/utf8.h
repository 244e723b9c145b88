#pragma once

/*
 * UTF-8 (RFC 3629), checked as it comes: no overlong form, no surrogate, nothing above U+10FFFF.
 */

#include "base/bytes.h"

/* Where a text was cut: three bytes, all 0 between two characters. */
struct utf8 {
	uint8_t missing; /* continuation bytes that the character still needs */
	uint8_t low;	 /* the next of them lies in [low, high] */
	uint8_t high;
};

#define UTF8_NULL ((struct utf8){0})

/*
 * Goes on with IN, which may be cut anywhere. False at the first byte that no valid text can have
 * there; U is of no use then.
 */
bool utf8_check(struct utf8 *u, struct bytes in);

/* The text so far ends with a whole character. */
static inline bool utf8_complete(const struct utf8 *u)
{
	return !u->missing;
}

/* All of it is valid, the last character whole. */
bool utf8_valid(struct bytes b);

/*
 * The length of B without the character that is cut at its end, if there is one: more bytes could
 * make it whole. What can no longer become valid is no character and counts as its bytes.
 */
size_t utf8_complete_prefix(struct bytes b);

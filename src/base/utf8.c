/*
 * A character is a lead byte, which says how many bytes follow and what the first of them may be,
 * and continuation bytes: that range is all the state there is. Most text is ASCII, which is passed
 * over eight bytes a step.
 */

#include "base/utf8.h"

static bool is_ascii_8(const uint8_t *data)
{
	uint64_t eight;

	memcpy(&eight, data, sizeof(eight));
	return !(eight & 0x8080808080808080);
}

static const uint8_t *skip_ascii(const uint8_t *at, const uint8_t *end)
{
	while (end - at >= 8 && is_ascii_8(at))
		at += 8;
	while (at < end && *at < 0x80)
		at++;
	return at;
}

/* The table of RFC 3629, section 4. */
static bool utf8_lead(struct utf8 *u, uint8_t lead)
{
	u->low = 0x80;
	u->high = 0xbf;
	if (lead < 0xc2 || lead > 0xf4)
		return false;
	if (lead < 0xe0) {
		u->missing = 1;
	} else if (lead < 0xf0) {
		u->missing = 2;
		if (lead == 0xe0)
			u->low = 0xa0;
		else if (lead == 0xed)
			u->high = 0x9f;
	} else {
		u->missing = 3;
		if (lead == 0xf0)
			u->low = 0x90;
		else if (lead == 0xf4)
			u->high = 0x8f;
	}
	return true;
}

bool utf8_check(struct utf8 *u, struct bytes in)
{
	const uint8_t *at = in.data;
	const uint8_t *end = in.len ? at + in.len : at;
	struct utf8 now = *u;

	while (at < end) {
		if (now.missing) {
			if (*at < now.low || *at > now.high)
				return false;
			now = (struct utf8){(uint8_t)(now.missing - 1), 0x80, 0xbf};
			at++;
		} else {
			at = skip_ascii(at, end);
			if (at < end && !utf8_lead(&now, *at++))
				return false;
		}
	}
	*u = now.missing ? now : UTF8_NULL;
	return true;
}

bool utf8_valid(struct bytes b)
{
	struct utf8 u = UTF8_NULL;

	return utf8_check(&u, b) && utf8_complete(&u);
}

size_t utf8_complete_prefix(struct bytes b)
{
	for (size_t tail = 1; tail <= 3 && tail <= b.len; tail++) {
		struct bytes last = bytes_of(b.data + b.len - tail, tail);
		if ((*last.data & 0xc0) == 0x80)
			continue;
		struct utf8 u = UTF8_NULL;
		return utf8_check(&u, last) && !utf8_complete(&u) ? b.len - tail : b.len;
	}
	return b.len;
}

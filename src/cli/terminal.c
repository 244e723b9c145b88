#include "cli/terminal.h"

#include "base/utf8.h"

#include <stdlib.h>

static bool terminal_is_safe(const uint8_t *at, size_t len)
{
	if (len == 1)
		return *at == '\t' || (*at >= 0x20 && *at != 0x7f);
	return !(len == 2 && at[0] == 0xc2 && at[1] < 0xa0); /* U+0080 to U+009F */
}

/* The length of the UTF-8 character at AT, 0 when there is none. */
static size_t terminal_character(const uint8_t *at, size_t len)
{
	size_t want = *at < 0x80 ? 1 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;

	return want <= len && utf8_valid(bytes_of(at, want)) ? want : 0;
}

int terminal_append(struct buffer *out, struct bytes data)
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *at = data.data, *end = data.data + data.len;
	uint8_t *to;

	int r = buffer_reserve(out, 4 * data.len, &to);
	if (r < 0)
		return r;
	uint8_t *start = to;
	while (at < end) {
		size_t len = terminal_character(at, (size_t)(end - at));
		if (len && terminal_is_safe(at, len)) {
			memcpy(to, at, len);
			to += len;
			at += len;
			continue;
		}
		for (size_t i = len ? len : 1; i; i--, at++) {
			*to++ = '\\';
			*to++ = 'x';
			*to++ = (uint8_t)hex[*at >> 4];
			*to++ = (uint8_t)hex[*at & 15];
		}
	}
	buffer_commit(out, (size_t)(to - start));
	return 0;
}

bool terminal_moves_cursor(void)
{
	const char *name = getenv("TERM");

	return name && *name && strcmp(name, "dumb") != 0;
}

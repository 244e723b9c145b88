#include "base/percent.h"

#include <errno.h>

#include "base/hex.h"

size_t percent_encode(char *to, struct bytes from, const char *also)
{
	static const char digits[] = "0123456789ABCDEF";
	char *at = to;

	for (size_t i = 0; i < from.len; i++) {
		uint8_t c = from.data[i];
		if (c > 0x1f && c != 0x7f && c != '%' && !strchr(also, c)) {
			*at++ = (char)c;
		} else {
			*at++ = '%';
			*at++ = digits[c >> 4];
			*at++ = digits[c & 15];
		}
	}
	*at = '\0';
	return (size_t)(at - to);
}

int percent_decode(char *text, size_t *len)
{
	size_t end = 0;

	for (size_t i = 0; i < *len; i++) {
		if (text[i] != '%') {
			text[end++] = text[i];
			continue;
		}
		if (*len - i < 3 || hex_digit((uint8_t)text[i + 1]) < 0 ||
			hex_digit((uint8_t)text[i + 2]) < 0)
			return -EINVAL;
		text[end++] = (char)(hex_digit((uint8_t)text[i + 1]) << 4 |
				     hex_digit((uint8_t)text[i + 2]));
		i += 2;
	}
	*len = end;
	return 0;
}

#include "base/percent.h"

#include <errno.h>

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

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int percent_decode(char *text, size_t *len)
{
	size_t end = 0;

	for (size_t i = 0; i < *len; i++) {
		if (text[i] != '%') {
			text[end++] = text[i];
			continue;
		}
		if (*len - i < 3 || digit(text[i + 1]) < 0 || digit(text[i + 2]) < 0)
			return -EINVAL;
		text[end++] = (char)(digit(text[i + 1]) << 4 | digit(text[i + 2]));
		i += 2;
	}
	*len = end;
	return 0;
}

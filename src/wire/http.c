#include "wire/http.h"

#include <errno.h>

static const char method_names[][8] = {
	[HTTP_GET] = "GET",
	[HTTP_HEAD] = "HEAD",
	[HTTP_POST] = "POST",
	[HTTP_PUT] = "PUT",
	[HTTP_DELETE] = "DELETE",
	[HTTP_PATCH] = "PATCH",
	[HTTP_OPTIONS] = "OPTIONS",
	[HTTP_CONNECT] = "CONNECT",
	[HTTP_TRACE] = "TRACE",
	[HTTP_METHOD_OTHER] = "",
};

enum http_method http_method_of(struct bytes name)
{
	for (int i = 0; i < HTTP_METHOD_OTHER; i++)
		if (bytes_equal(name, bytes_text(method_names[i])))
			return (enum http_method)i;
	return HTTP_METHOD_OTHER;
}

const char *http_method_name(enum http_method method)
{
	return method_names[method];
}

static const char *const reasons[] = {
	[100] = "Continue",
	[101] = "Switching Protocols",
	[103] = "Early Hints",
	[104] = "Upload Resumption Supported",
	[200] = "OK",
	[201] = "Created",
	[202] = "Accepted",
	[203] = "Non-Authoritative Information",
	[204] = "No Content",
	[205] = "Reset Content",
	[206] = "Partial Content",
	[300] = "Multiple Choices",
	[301] = "Moved Permanently",
	[302] = "Found",
	[303] = "See Other",
	[304] = "Not Modified",
	[307] = "Temporary Redirect",
	[308] = "Permanent Redirect",
	[400] = "Bad Request",
	[401] = "Unauthorized",
	[403] = "Forbidden",
	[404] = "Not Found",
	[405] = "Method Not Allowed",
	[406] = "Not Acceptable",
	[408] = "Request Timeout",
	[409] = "Conflict",
	[410] = "Gone",
	[411] = "Length Required",
	[412] = "Precondition Failed",
	[413] = "Content Too Large",
	[414] = "URI Too Long",
	[415] = "Unsupported Media Type",
	[416] = "Range Not Satisfiable",
	[417] = "Expectation Failed",
	[421] = "Misdirected Request",
	[422] = "Unprocessable Content",
	[426] = "Upgrade Required",
	[428] = "Precondition Required",
	[429] = "Too Many Requests",
	[431] = "Request Header Fields Too Large",
	[500] = "Internal Server Error",
	[501] = "Not Implemented",
	[502] = "Bad Gateway",
	[503] = "Service Unavailable",
	[504] = "Gateway Timeout",
	[505] = "HTTP Version Not Supported",
	[507] = "Insufficient Storage",
};

const char *http_reason(int status)
{
	bool known = status >= 0 && (size_t)status < sizeof(reasons) / sizeof(*reasons);

	return known && reasons[status] ? reasons[status] : "";
}

/* clang-format off */
const bool http_token_chars[256] = {
	['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1, ['*'] = 1, ['+'] = 1,
	['-'] = 1, ['.'] = 1, ['^'] = 1, ['_'] = 1, ['`'] = 1, ['|'] = 1, ['~'] = 1,
	['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1, ['7'] = 1,
	['8'] = 1, ['9'] = 1,
	['A'] = 1, ['B'] = 1, ['C'] = 1, ['D'] = 1, ['E'] = 1, ['F'] = 1, ['G'] = 1, ['H'] = 1,
	['I'] = 1, ['J'] = 1, ['K'] = 1, ['L'] = 1, ['M'] = 1, ['N'] = 1, ['O'] = 1, ['P'] = 1,
	['Q'] = 1, ['R'] = 1, ['S'] = 1, ['T'] = 1, ['U'] = 1, ['V'] = 1, ['W'] = 1, ['X'] = 1,
	['Y'] = 1, ['Z'] = 1,
	['a'] = 1, ['b'] = 1, ['c'] = 1, ['d'] = 1, ['e'] = 1, ['f'] = 1, ['g'] = 1, ['h'] = 1,
	['i'] = 1, ['j'] = 1, ['k'] = 1, ['l'] = 1, ['m'] = 1, ['n'] = 1, ['o'] = 1, ['p'] = 1,
	['q'] = 1, ['r'] = 1, ['s'] = 1, ['t'] = 1, ['u'] = 1, ['v'] = 1, ['w'] = 1, ['x'] = 1,
	['y'] = 1, ['z'] = 1,
};
/* clang-format on */

bool http_is_token(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!http_token_chars[text.data[i]])
			return false;
	return text.len > 0;
}

/* One pass without a branch a byte, which compilers turn into vectors. */
bool http_is_value(struct bytes text)
{
	uint8_t bad = 0;

	for (size_t i = 0; i < text.len; i++)
		bad |= (uint8_t)!http_is_value_char(text.data[i]);
	return !bad;
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t';
}

struct bytes http_trim(struct bytes text)
{
	while (text.len && is_space(text.data[0]))
		text = bytes_skip(text, 1);
	while (text.len && is_space(text.data[text.len - 1]))
		text.len--;
	return text;
}

int http_parse_number(struct bytes text, uint64_t *number)
{
	uint64_t n = 0;
	bool fits = true;

	if (!text.len)
		return -EINVAL;
	for (size_t i = 0; i < text.len; i++) {
		uint64_t digit = (uint64_t)text.data[i] - '0';
		if (digit > 9)
			return -EINVAL;
		fits = fits && !__builtin_mul_overflow(n, 10, &n) &&
		       !__builtin_add_overflow(n, digit, &n);
	}
	if (!fits)
		return -ERANGE;
	*number = n;
	return 0;
}

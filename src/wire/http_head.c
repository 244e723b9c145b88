#include "wire/http_head.h"

#include <errno.h>

int http_scan_head(struct http_scan *scan, struct bytes input)
{
	size_t limit = input.len < HTTP_HEAD_MAX ? input.len : HTTP_HEAD_MAX;

	while (scan->at < limit) {
		const uint8_t *end = memchr(input.data + scan->at, '\n', limit - scan->at);
		if (!end) {
			scan->at = (uint16_t)limit;
			break;
		}
		size_t len = (size_t)(end - input.data) - scan->line;
		bool empty = len == 0 || (len == 1 && end[-1] == '\r');
		bool before = scan->line == scan->start;

		scan->at = (uint16_t)(end - input.data + 1);
		scan->line = scan->at;
		if (empty && !before)
			return 0;
		if (empty) {
			scan->start = scan->at;
			if (++scan->empty_lines > HTTP_EMPTY_LINES_MAX)
				return HTTP_REFUSED;
		}
	}
	return scan->at < HTTP_HEAD_MAX ? HTTP_MORE : HTTP_REFUSED;
}

static bool take_cr(struct bytes *line)
{
	if (!line->len || line->data[line->len - 1] != '\r')
		return false;
	line->len--;
	return true;
}

bool http_lines_first(struct http_lines *lines, struct bytes head, struct bytes *line)
{
	lines->rest = head;
	if (!bytes_cut(&lines->rest, '\n', line))
		return false;
	lines->lf = !take_cr(line);
	return true;
}

struct http_refusal http_lines_fields(struct http_lines *lines, struct http_fields *fields)
{
	struct bytes line;

	fields->count = 0;
	while (bytes_cut(&lines->rest, '\n', &line)) {
		if (!lines->lf && !take_cr(&line))
			return (struct http_refusal){
				400, "a lone LF among lines that end with CR LF"};
		if (!line.len)
			break;
		if (fields->count == HTTP_FIELDS_MAX)
			return (struct http_refusal){431, "too many header fields"};
		const char *wrong = http_fields_add(fields, line);
		if (wrong)
			return (struct http_refusal){400, wrong};
	}
	return HTTP_REFUSAL_NULL;
}

/* Nothing but `chunked` will do, in whatever case: not even an empty element beside it, which one
 * reader passes over and another takes for a coding it does not know. */
static struct http_refusal transfer_encoding(const struct http_fields *fields)
{
	struct bytes chunked = bytes_text("chunked"), value, coding;
	size_t codings = 0, times = 0;
	bool last = false;

	if (bytes_equal_nocase(http_fields_get_only(fields, "transfer-encoding"), chunked))
		return HTTP_REFUSAL_NULL;
	for (size_t at = 0; http_fields_next(fields, "transfer-encoding", &at, &value);) {
		for (; http_list_next(&value, &coding); codings++) {
			last = bytes_equal_nocase(coding, chunked);
			times += last;
		}
	}
	if (last && times == 1 && codings > 1)
		return (struct http_refusal){
			501, "no transfer coding but chunked (RFC 9112 section 6.1)"};
	return (struct http_refusal){
		400, "Transfer-Encoding must be chunked (RFC 9112 section 6.3)"};
}

struct http_refusal http_fields_length(
	const struct http_fields *fields, int minor, struct http_length *length)
{
	struct bytes first, second;
	size_t at = 0;

	*length = (struct http_length){0};
	length->given = http_fields_next(fields, "content-length", &at, &first);
	if (length->given && http_fields_next(fields, "content-length", &at, &second))
		return (struct http_refusal){400, "Content-Length twice (RFC 9110 section 8.6)"};

	length->chunked = http_fields_get(fields, "transfer-encoding").data;
	if (length->chunked && length->given)
		return (struct http_refusal){
			400, "both Content-Length and Transfer-Encoding (RFC 9112 section 6.3)"};
	if (length->chunked && minor == 0)
		return (struct http_refusal){
			400, "Transfer-Encoding in HTTP/1.0 (RFC 9112 section 6.1)"};
	if (length->chunked)
		return transfer_encoding(fields);
	if (!length->given)
		return HTTP_REFUSAL_NULL;

	int r = http_parse_number(first, &length->bytes);
	if (r == -EINVAL)
		return (struct http_refusal){
			400, "Content-Length is not a number (RFC 9110 section 8.6)"};
	if (r == -ERANGE || length->bytes > INT64_MAX)
		return (struct http_refusal){413, "Content-Length is beyond any limit"};
	return HTTP_REFUSAL_NULL;
}

bool http_fields_keep_alive(const struct http_fields *fields, int minor)
{
	if (http_fields_list_has(fields, "connection", "close"))
		return false;
	return minor > 0 || http_fields_list_has(fields, "connection", "keep-alive");
}

#include "wire/http_response.h"

static int refuse(struct http_response *response, const char *detail)
{
	response->detail = detail;
	return HTTP_REFUSED;
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* "HTTP/1." DIGIT SP 3DIGIT [ SP reason ]; the space behind the number is often left out together
 * with the reason. */
static int parse_line(struct http_response *response, struct bytes line)
{
	const uint8_t *at = line.data;

	if (line.len < 12 || memcmp(at, "HTTP/1.", 7) || !is_digit(at[7]) || at[8] != ' ')
		return refuse(response, "the answer is not HTTP/1.1");
	if (at[9] < '1' || at[9] > '5' || !is_digit(at[10]) || !is_digit(at[11]) ||
		(line.len > 12 && at[12] != ' '))
		return refuse(response, "the answer has a bad status");
	response->minor = at[7] != '0';
	response->status = (at[9] - '0') * 100 + (at[10] - '0') * 10 + at[11] - '0';
	response->reason = line.len > 12 ? bytes_skip(line, 13) : BYTES_NULL;
	for (size_t i = 0; i < response->reason.len; i++)
		if (!http_is_value_char(response->reason.data[i]))
			return refuse(response, "a control byte in the status line of the answer");
	return 0;
}

/* RFC 9112 section 6.3, in its order. */
static enum http_framing framing_of(const struct http_response *response,
	const struct http_length *length, enum http_method method)
{
	int status = response->status;

	if (method == HTTP_HEAD || status < 200 || status == 204 || status == 304)
		return HTTP_NO_BODY;
	if (method == HTTP_CONNECT && status < 300)
		return HTTP_UNTIL_CLOSE;
	if (length->chunked)
		return HTTP_CHUNKED;
	if (!length->given)
		return HTTP_UNTIL_CLOSE;
	return length->bytes ? HTTP_LENGTH : HTTP_NO_BODY;
}

int http_response_parse(struct http_response *response, struct http_scan *scan, struct bytes input,
	enum http_method method)
{
	int found = http_scan_head(scan, input);
	struct http_length length;
	struct http_lines lines;
	struct bytes line;
	int r;

	response->detail = NULL;
	if (scan->empty_lines)
		return refuse(response, "the answer begins with an empty line");
	if (found == HTTP_MORE && (scan->judged || scan->line == scan->start))
		return HTTP_MORE;
	if (!http_lines_first(&lines, bytes_of(input.data, scan->at), &line))
		return refuse(response, "the answer is not HTTP/1.1");
	if ((r = parse_line(response, line)))
		return r;
	scan->judged = true;
	if (found == HTTP_MORE)
		return HTTP_MORE;
	if (found == HTTP_REFUSED)
		return refuse(response, "the head of the answer is too long");

	struct http_refusal refusal = http_lines_fields(&lines, &response->fields);
	if (!refusal.status)
		refusal = http_fields_length(&response->fields, response->minor, &length);
	if (refusal.status)
		return refuse(response, refusal.detail);
	response->content_length = length.given ? length.bytes : HTTP_LENGTH_UNKNOWN;
	response->framing = framing_of(response, &length, method);
	response->keep_alive = response->framing != HTTP_UNTIL_CLOSE &&
			       http_fields_keep_alive(&response->fields, response->minor);
	response->len = scan->at;
	*scan = HTTP_SCAN_NULL;
	return 0;
}

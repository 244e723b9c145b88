#include "wire/http_request.h"

static int refuse(struct http_request *request, int status, const char *detail)
{
	request->refusal = (struct http_refusal){status, detail};
	return HTTP_REFUSED;
}

/* A target is visible characters without "#"; bytes above ASCII pass. */
static size_t target_len(struct bytes text)
{
	size_t len = 0;

	while (len < text.len && text.data[len] > ' ' && text.data[len] != 0x7f &&
		text.data[len] != '#')
		len++;
	return len;
}

static void split_query(struct http_request *request, struct bytes path)
{
	struct bytes query = path;

	request->query = bytes_cut(&query, '?', &path) ? query : BYTES_NULL;
	request->path = path.len ? path : bytes_text("/");
}

/* The length of "http://" or "https://" at the start of TARGET, or 0. */
static size_t scheme_len(struct bytes target)
{
	for (size_t len = 7; len <= 8 && len <= target.len; len++)
		if (bytes_equal_nocase(bytes_of(target.data, len),
			    bytes_of(len == 7 ? "http://" : "https://", len)))
			return len;
	return 0;
}

static int parse_absolute(struct http_request *request, struct bytes rest)
{
	size_t len = 0;

	while (len < rest.len && rest.data[len] != '/' && rest.data[len] != '?')
		len++;
	if (uri_host_parse(bytes_of(rest.data, len), &request->host) < 0)
		return refuse(request, 400, "a bad host in the target (RFC 9110 section 4.2)");
	split_query(request, bytes_skip(rest, len));
	return 0;
}

/* The four forms of RFC 9112 section 3.2. */
static int parse_target(struct http_request *request)
{
	struct bytes target = request->target;

	request->path = BYTES_NULL;
	request->query = BYTES_NULL;
	request->host = (struct uri_host){.port = -1};
	if (request->method == HTTP_CONNECT) {
		if (uri_host_parse(target, &request->host) < 0 || request->host.port < 0)
			return refuse(
				request, 400, "CONNECT takes HOST:PORT (RFC 9112 section 3.2.3)");
		return 0;
	}
	if (target.data[0] == '/') {
		split_query(request, target);
		return 0;
	}
	size_t scheme = scheme_len(target);
	if (scheme)
		return parse_absolute(request, bytes_skip(target, scheme));
	if (request->method == HTTP_OPTIONS && bytes_equal(target, bytes_text("*"))) {
		request->path = target;
		return 0;
	}
	return refuse(
		request, 400, "a target that is neither a path nor a URL (RFC 9112 section 3.2)");
}

/* "HTTP/" DIGIT "." DIGIT; a later 1.x is as good as 1.1 (RFC 9110 section 2.5). */
static int parse_version(struct http_request *request, struct bytes text)
{
	if (text.len != 8 || memcmp(text.data, "HTTP/", 5) || text.data[5] < '0' ||
		text.data[5] > '9' || text.data[6] != '.' || text.data[7] < '0' ||
		text.data[7] > '9')
		return refuse(
			request, 400, "no HTTP version behind the target (RFC 9112 section 3)");
	if (text.data[5] != '1')
		return refuse(request, 505, "this is HTTP/1.1");
	request->minor = text.data[7] != '0';
	return 0;
}

static int parse_line(struct http_request *request, struct bytes line)
{
	size_t len = 0;

	while (len < line.len && http_is_token_char(line.data[len]))
		len++;
	if (!len || len == line.len || line.data[len] != ' ')
		return refuse(request, 400, "not METHOD TARGET HTTP/1.1 (RFC 9112 section 3)");
	request->method_name = bytes_of(line.data, len);
	request->method = http_method_of(request->method_name);

	struct bytes rest = bytes_skip(line, len + 1);
	len = target_len(rest);
	if (!len || len == rest.len || rest.data[len] != ' ')
		return refuse(request, 400, "a bad target (RFC 9112 section 3.2)");
	request->target = bytes_of(rest.data, len);

	int r = parse_version(request, bytes_skip(rest, len + 1));
	if (r)
		return r;
	if (request->method_name.len > HTTP_METHOD_MAX)
		return refuse(request, 501, "no method is that long (RFC 9112 section 3)");
	if (request->target.len > HTTP_TARGET_MAX)
		return refuse(request, 414, "the target is too long");
	return parse_target(request);
}

/* A request line that does not end within the limit of heads. */
static int refuse_long_line(struct http_request *request, struct bytes line)
{
	size_t len = 0;

	while (len < line.len && http_is_token_char(line.data[len]))
		len++;
	if (len == line.len)
		return refuse(request, 501, "no method is that long (RFC 9112 section 3)");
	if (!len || line.data[len] != ' ')
		return refuse(request, 400, "not METHOD TARGET HTTP/1.1 (RFC 9112 section 3)");
	return refuse(request, 414, "the target is too long");
}

/* RFC 9112 section 3.2. The target's own host wins over the field, which must be good all the same.
 */
static int check_host(struct http_request *request)
{
	struct bytes value, second;
	struct uri_host host;
	size_t at = 0;

	if (!http_fields_next(&request->fields, "host", &at, &value)) {
		if (request->minor > 0)
			return refuse(request, 400, "no Host (RFC 9112 section 3.2)");
		return 0;
	}
	if (http_fields_next(&request->fields, "host", &at, &second))
		return refuse(request, 400, "Host twice (RFC 9112 section 3.2)");
	if (uri_host_parse(value, &host) < 0)
		return refuse(request, 400, "a bad Host (RFC 9112 section 3.2)");
	if (!request->host.name.data)
		request->host = host;
	return 0;
}

static int check_length(struct http_request *request)
{
	struct http_length length;

	request->refusal = http_fields_length(&request->fields, request->minor, &length);
	if (request->refusal.status)
		return HTTP_REFUSED;
	request->content_length = length.bytes;
	request->framing = length.chunked ? HTTP_CHUNKED
			   : length.bytes ? HTTP_LENGTH
					  : HTTP_NO_BODY;
	return 0;
}

/* RFC 9110 section 10.1.1. HTTP/1.0 knows no expectations, and who sends no body waits for nothing.
 */
static int check_expect(struct http_request *request)
{
	struct bytes value, expectation;

	request->expect_continue = false;
	if (request->minor == 0)
		return 0;
	for (size_t at = 0; http_fields_next(&request->fields, "expect", &at, &value);) {
		while (http_list_next(&value, &expectation)) {
			if (!bytes_equal_nocase(expectation, bytes_text("100-continue")))
				return refuse(request, 417, "no expectation but 100-continue");
			request->expect_continue = request->framing != HTTP_NO_BODY;
		}
	}
	return 0;
}

int http_request_parse(struct http_request *request, struct http_scan *scan, struct bytes input)
{
	int found = http_scan_head(scan, input);
	struct http_lines lines;
	struct bytes line;
	int r;

	request->refusal = HTTP_REFUSAL_NULL;
	if (scan->empty_lines > HTTP_EMPTY_LINES_MAX)
		return refuse(request, 400, "nothing but empty lines");
	if (found == HTTP_MORE && (scan->judged || scan->line == scan->start))
		return HTTP_MORE;

	struct bytes head = bytes_of(input.data + scan->start, scan->at - scan->start);
	if (!http_lines_first(&lines, head, &line))
		return refuse_long_line(request, head);
	if ((r = parse_line(request, line)))
		return r;
	scan->judged = true;
	if (found == HTTP_MORE)
		return HTTP_MORE;
	if (found == HTTP_REFUSED)
		return refuse(request, 431, "the head is too long");

	request->refusal = http_lines_fields(&lines, &request->fields);
	if (request->refusal.status)
		return HTTP_REFUSED;
	if ((r = check_host(request)) || (r = check_length(request)) || (r = check_expect(request)))
		return r;
	request->keep_alive = http_fields_keep_alive(&request->fields, request->minor);
	request->len = scan->at;
	*scan = HTTP_SCAN_NULL;
	return 0;
}

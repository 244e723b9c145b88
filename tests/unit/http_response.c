/*
 * Response heads, and that what the writer writes is what the parsers read.
 */

#include "wire/http_response.h"

#include <errno.h>
#include <stdio.h>

#include "../cuts.h"
#include "test.h"
#include "wire/http_request.h"
#include "wire/http_writer.h"

struct row {
	const char *why;
	enum http_method method; /* of the request */
	const char *text;
	const char *shown; /* NULL: refused */
};

static const struct row rows[] = {
	{"9112 4: the simplest", HTTP_GET, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		"200 OK none keep"},
	{"9112 6.3: a length", HTTP_GET, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
		"200 OK length=5 keep"},
	{"9112 6.3: chunked", HTTP_GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"200 OK chunked keep"},
	{"9112 6.3: neither", HTTP_GET, "HTTP/1.1 200 OK\r\n\r\n", "200 OK close"},
	{"9112 6.3: HEAD", HTTP_HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
		"200 OK none keep"},
	{"9112 6.3: HEAD, chunked", HTTP_HEAD,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "200 OK none keep"},
	{"9112 6.3: 204", HTTP_GET, "HTTP/1.1 204 No Content\r\n\r\n", "204 No Content none keep"},
	{"9112 6.3: 304 with a length", HTTP_GET,
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
		"304 Not Modified none keep"},
	{"9110 15.2: 100", HTTP_GET, "HTTP/1.1 100 Continue\r\n\r\n", "100 Continue none keep"},
	{"9110 15.2.2: 101", HTTP_GET,
		"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\r\n",
		"101 Switching Protocols none keep"},
	{"9110 9.3.6: CONNECT", HTTP_CONNECT, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
		"200 OK close"},
	{"9110 9.3.6: CONNECT refused", HTTP_CONNECT,
		"HTTP/1.1 405 No\r\nContent-Length: 5\r\n\r\n", "405 No length=5 keep"},
	{"9112 4: no reason", HTTP_GET, "HTTP/1.1 204 \r\n\r\n", "204  none keep"},
	{"9112 4: nor its space", HTTP_GET, "HTTP/1.1 204\r\n\r\n", "204  none keep"},
	{"9112 4: a reason above ASCII", HTTP_GET, "HTTP/1.1 204 \xc3\xa4\r\n\r\n",
		"204 \xc3\xa4 none keep"},
	{"9110 15: an unknown status", HTTP_GET, "HTTP/1.1 599 ?\r\nContent-Length: 1\r\n\r\n",
		"599 ? length=1 keep"},
	{"9112 9.3: close", HTTP_GET,
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\n",
		"200 OK length=1"},
	{"9112 9.3: HTTP/1.0", HTTP_GET, "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n",
		"200 OK length=1"},
	{"9112 9.3: HTTP/1.0 that stays", HTTP_GET,
		"HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\n",
		"200 OK length=1 keep"},
	{"9112 2.2: lone LFs throughout", HTTP_GET, "HTTP/1.1 200 OK\nContent-Length: 1\n\n",
		"200 OK length=1 keep"},
	{"no HTTP", HTTP_GET, "220 mail ESMTP\r\n", NULL},
	{"a plain hub", HTTP_GET, "anna: hello\n", NULL},
	{"nothing at all", HTTP_GET, "\r\n", NULL},
	{"HTTP/2", HTTP_GET, "HTTP/2.0 200 OK\r\n\r\n", NULL},
	{"in lower case", HTTP_GET, "http/1.1 200 OK\r\n\r\n", NULL},
	{"two digits", HTTP_GET, "HTTP/1.1 20 OK\r\n\r\n", NULL},
	{"four digits", HTTP_GET, "HTTP/1.1 2000 OK\r\n\r\n", NULL},
	{"letters", HTTP_GET, "HTTP/1.1 2xx OK\r\n\r\n", NULL},
	{"9110 15: below 100", HTTP_GET, "HTTP/1.1 099 OK\r\n\r\n", NULL},
	{"9110 15: above 599", HTTP_GET, "HTTP/1.1 600 OK\r\n\r\n", NULL},
	{"two spaces", HTTP_GET, "HTTP/1.1  200 OK\r\n\r\n", NULL},
	{"a bare CR in the reason", HTTP_GET, "HTTP/1.1 200 O\rK\r\n\r\n", NULL},
	{"9112 6.3: both", HTTP_GET,
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", NULL},
	{"9112 6.3: two lengths", HTTP_GET,
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", NULL},
	{"9112 6.3: no number", HTTP_GET, "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", NULL},
	{"9112 6.1: gzip", HTTP_GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", NULL},
	{"9112 5.2: obs-fold", HTTP_GET, "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", NULL},
	{"9112 5.1: a space before the colon", HTTP_GET, "HTTP/1.1 200 OK\r\nA : b\r\n\r\n", NULL},
};

static void show(const struct http_response *r, char *text, size_t size)
{
	char framing[40] = "none";

	if (r->framing == HTTP_LENGTH)
		snprintf(framing, sizeof(framing), "length=%llu",
			(unsigned long long)r->content_length);
	else if (r->framing == HTTP_CHUNKED)
		strcpy(framing, "chunked");
	else if (r->framing == HTTP_UNTIL_CLOSE)
		strcpy(framing, "close");
	snprintf(text, size, "%d %.*s %s%s", r->status, (int)r->reason.len,
		r->reason.data ? (const char *)r->reason.data : "", framing,
		r->keep_alive ? " keep" : "");
}

static void check(const struct row *row, struct cuts c)
{
	struct http_scan scan = HTTP_SCAN_NULL;
	struct http_response response;
	char shown[100] = "";
	struct bytes input;
	int r = HTTP_MORE;

	while (r == HTTP_MORE && cuts_next_prefix(&c, &input))
		if ((r = http_response_parse(&response, &scan, input, row->method)) == 0)
			show(&response, shown, sizeof(shown));
	cuts_deinit(&c);
	if (r != (row->shown ? 0 : HTTP_REFUSED) || (row->shown && strcmp(shown, row->shown)))
		fail_msg("%s: %d \"%s\", pieces of up to %zu", row->why, r, shown, c.max);
	if (r)
		assert_true(response.detail[0]);
	else
		assert_int_equal(response.len, strlen(row->text));
}

static void agrees_with_the_rfc(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct bytes text = bytes_text(rows[i].text);
		check(&rows[i], cuts_of(text, SIZE_MAX, 0));
		check(&rows[i], cuts_of(text, 1, 0));
		for (uint64_t seed = 1; seed < 20; seed++)
			check(&rows[i], cuts_of(text, 7, seed));
	}
}

static void interim_responses_come_first(void **state)
{
	struct bytes input =
		bytes_text("HTTP/1.1 100 Continue\r\n\r\n"
			   "HTTP/1.1 104 Upload Resumption Supported\r\nUpload-Offset: 3\r\n\r\n"
			   "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok");
	struct http_scan scan = HTTP_SCAN_NULL;
	struct http_response response;
	int interim = 0;

	for (;;) {
		assert_int_equal(http_response_parse(&response, &scan, input, HTTP_PUT), 0);
		input = bytes_of(input.data + response.len, input.len - response.len);
		if (!http_response_is_interim(&response))
			break;
		interim++;
	}
	assert_int_equal(interim, 2);
	assert_int_equal(response.status, 201);
	assert_true(bytes_equal(input, bytes_text("ok")));
}

static void head_tells_the_length(void **state)
{
	struct http_scan scan = HTTP_SCAN_NULL;
	struct http_response response;

	assert_int_equal(
		http_response_parse(&response, &scan,
			bytes_text("HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n"), HTTP_HEAD),
		0);
	assert_int_equal(response.content_length, 77);
	assert_int_equal(http_response_parse(&response, &scan,
				 bytes_text("HTTP/1.1 200 OK\r\n\r\n"), HTTP_HEAD),
		0);
	assert_true(response.content_length == HTTP_LENGTH_UNKNOWN);
}

static void a_long_head_is_refused(void **state)
{
	static char text[HTTP_HEAD_MAX + 1] = "HTTP/1.1 200 OK\r\nA: ";
	struct http_scan scan = HTTP_SCAN_NULL;
	struct http_response response;

	memset(text + strlen(text), 'x', sizeof(text) - strlen(text));
	assert_int_equal(
		http_response_parse(&response, &scan, bytes_of(text, HTTP_HEAD_MAX - 1), HTTP_GET),
		HTTP_MORE);
	assert_int_equal(
		http_response_parse(&response, &scan, bytes_of(text, HTTP_HEAD_MAX), HTTP_GET),
		HTTP_REFUSED);
}

static void responses_are_read_as_written(void **state)
{
	struct buffer out = BUFFER_NULL;
	struct http_scan scan = HTTP_SCAN_NULL;
	struct http_response response;
	struct http_writer writer;

	http_writer_response(&writer, &out, 200, bytes_text("Sun, 06 Nov 1994 08:49:37 GMT"));
	http_writer_text(&writer, "Content-Type", "text/plain");
	http_writer_number(&writer, "Content-Length", 18446744073709551615U);
	http_writer_number(&writer, "X-Zero", 0);
	assert_int_equal(http_writer_end(&writer), 0);
	assert_true(bytes_equal(buffer_bytes(&out),
		bytes_text("HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
			   "Content-Type: text/plain\r\nContent-Length: 18446744073709551615\r\n"
			   "X-Zero: 0\r\n\r\n")));

	buffer_consume(&out, SIZE_MAX);
	for (int status = 100; status < 600; status++) {
		http_writer_response(&writer, &out, status, BYTES_NULL);
		assert_int_equal(http_writer_end(&writer), 0);
		assert_int_equal(
			http_response_parse(&response, &scan, buffer_bytes(&out), HTTP_GET), 0);
		assert_int_equal(response.status, status);
		assert_true(bytes_equal(response.reason, bytes_text(http_reason(status))));
		buffer_consume(&out, response.len);
	}
	assert_int_equal(buffer_len(&out), 0);
	buffer_deinit(&out);
}

static void requests_are_read_as_written(void **state)
{
	struct buffer out = BUFFER_NULL;
	struct http_scan scan = HTTP_SCAN_NULL;
	struct http_request request;
	struct http_writer writer;

	for (int method = HTTP_GET; method < HTTP_METHOD_OTHER; method++) {
		const char *target = method == HTTP_CONNECT ? "h:1" : "/a?b";
		http_writer_request(&writer, &out, (enum http_method)method, bytes_text(target));
		http_writer_field(&writer, "Host", bytes_text("h:1"));
		assert_int_equal(http_writer_end(&writer), 0);
		assert_int_equal(http_request_parse(&request, &scan, buffer_bytes(&out)), 0);
		assert_int_equal(request.method, method);
		assert_true(bytes_equal(request.target, bytes_text(target)));
		buffer_consume(&out, request.len);
	}
	buffer_deinit(&out);
}

static void nothing_can_be_smuggled_out(void **state)
{
	struct buffer out = BUFFER_NULL;
	struct http_writer writer;

	buffer_print(&out, "before");
	http_writer_response(&writer, &out, 200, BYTES_NULL);
	http_writer_text(&writer, "A", "b\r\nC: d");
	http_writer_text(&writer, "E", "f");
	assert_int_equal(http_writer_end(&writer), -EINVAL);
	http_writer_response(&writer, &out, 200, BYTES_NULL);
	http_writer_text(&writer, "A:", "b");
	assert_int_equal(http_writer_end(&writer), -EINVAL);
	http_writer_request(&writer, &out, HTTP_GET, bytes_text("/a b"));
	assert_int_equal(http_writer_end(&writer), -EINVAL);
	http_writer_request(&writer, &out, HTTP_GET, bytes_text(""));
	assert_int_equal(http_writer_end(&writer), -EINVAL);
	assert_true(bytes_equal(buffer_bytes(&out), bytes_text("before")));
	buffer_deinit(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_rfc),
		cmocka_unit_test(interim_responses_come_first),
		cmocka_unit_test(head_tells_the_length),
		cmocka_unit_test(a_long_head_is_refused),
		cmocka_unit_test(responses_are_read_as_written),
		cmocka_unit_test(requests_are_read_as_written),
		cmocka_unit_test(nothing_can_be_smuggled_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

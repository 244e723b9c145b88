/*
 * Answers as a caller reads them: a buffer that fills in pieces, events taken off its front.
 */

#include "wire/http_answer.h"

#include "../cuts.h"
#include "test.h"

struct row {
	const char *why;
	enum http_method method;
	const char *text;
	const char *events; /* heads as their status, content in quotes, then how it ended */
	size_t rest;	    /* bytes behind the answer */
};

static const struct row rows[] = {
	{"a length", HTTP_GET, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP", "200 hi whole",
		4},
	{"chunked", HTTP_GET,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: "
		"chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\n\r\n",
		"200 hi whole", 0},
	{"until the end", HTTP_GET, "HTTP/1.1 200 OK\r\n\r\nhi", "200 hi whole", 0},
	{"no body", HTTP_HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nHT", "200 whole", 2},
	{"empty until the end", HTTP_GET, "HTTP/1.0 200 OK\r\n\r\n", "200 whole", 0},
	{"interim ones first", HTTP_PUT,
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 104 Upload Resumption Supported\r\n"
		"Location: /u\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
		"100 104 201 whole", 0},
	{"another protocol", HTTP_GET, "HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x01",
		"101 whole", 2},
	{"nothing", HTTP_GET, "", "refused", 0},
	{"half a head", HTTP_GET, "HTTP/1.1 200 OK\r\n", "refused", 0},
	{"only an interim one", HTTP_GET, "HTTP/1.1 100 Continue\r\n\r\n", "100 refused", 0},
	{"half a body", HTTP_GET, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi",
		"200 hi refused", 0},
	{"half a chunked body", HTTP_GET,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n", "200 h refused",
		0},
	{"a broken chunk", HTTP_GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
		"200 refused", 0},
	{"too much", HTTP_GET, "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", "refused", 0},
	{"no HTTP", HTTP_GET, "anna: hello\n", "refused", 0},
};

enum { LIMIT = 100 };

/* Takes what events there are, and notes them; the last result. */
static int take_events(struct http_answer *answer, struct buffer *in, struct buffer *events)
{
	struct bytes input = buffer_bytes(in), piece;
	struct http_response response;
	int r;

	for (;;) {
		r = http_answer_next(answer, &response, &input, &piece);
		if (r == HTTP_ANSWER_INTERIM || r == HTTP_ANSWER_HEAD)
			buffer_print(events, "%d ", response.status);
		else if (r == HTTP_DATA)
			buffer_append(events, piece.data, piece.len);
		else
			break;
	}
	buffer_consume(in, buffer_len(in) - input.len);
	return r;
}

static void check(const struct row *row, size_t max, uint64_t seed)
{
	struct cuts c = cuts_of(bytes_text(row->text), max, seed);
	struct buffer in = BUFFER_NULL, events = BUFFER_NULL;
	struct http_answer answer;
	struct bytes block;
	int r = HTTP_MORE;

	http_answer_init(&answer, row->method, LIMIT);
	while (r == HTTP_MORE && cuts_next(&c, &block)) {
		buffer_append(&in, block.data, block.len);
		r = take_events(&answer, &in, &events);
	}
	if (r == HTTP_MORE)
		r = http_answer_end(&answer);
	if (buffer_len(&events) && events.data[events.end - 1] != ' ')
		buffer_print(&events, " ");
	buffer_print(&events, "%s", r ? "refused" : "whole");
	assert_true(r == 0 || (r == HTTP_REFUSED && answer.detail[0]));
	if (!bytes_equal(buffer_bytes(&events), bytes_text(row->events)))
		fail_msg("%s: %.*s, pieces of up to %zu", row->why, (int)buffer_len(&events),
			events.data, max);
	if (r == 0)
		assert_int_equal(c.left.len + buffer_len(&in), row->rest);
	cuts_deinit(&c);
	buffer_deinit(&in);
	buffer_deinit(&events);
}

static void gives_the_same_events_at_every_cut(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		check(&rows[i], SIZE_MAX, 0);
		check(&rows[i], 1, 0);
		for (uint64_t seed = 1; seed < 20; seed++)
			check(&rows[i], 9, seed);
	}
}

static void interim_answers_come_to_an_end(void **state)
{
	struct bytes interim = bytes_text("HTTP/1.1 100 Continue\r\n\r\n"), piece;
	struct http_response response;
	struct http_answer answer;

	http_answer_init(&answer, HTTP_GET, LIMIT);
	for (int i = 0; i < HTTP_ANSWER_INTERIM_MAX; i++) {
		struct bytes input = interim;
		assert_int_equal(
			http_answer_next(&answer, &response, &input, &piece), HTTP_ANSWER_INTERIM);
	}
	assert_int_equal(http_answer_next(&answer, &response, &interim, &piece), HTTP_REFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_the_same_events_at_every_cut),
		cmocka_unit_test(interim_answers_come_to_an_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

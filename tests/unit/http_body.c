/*
 * Bodies: every row fed whole, byte by byte and at random cuts gives the same content, the same end
 * and the same refusal; what was encoded is decoded again.
 */

#include "wire/http_body.h"

#include "../cuts.h"
#include "test.h"
#include "wire/http_writer.h"

struct row {
	const char *why;
	struct bytes text;
	int status;	     /* 0: whole */
	const char *content; /* of a good one */
	size_t rest;	     /* bytes behind the body */
};

#define OK(why, text, content, rest)                                                               \
	{                                                                                          \
		why, {(const uint8_t *)(text), sizeof(text) - 1}, 0, content, rest                 \
	}
#define BAD(why, status, text)                                                                     \
	{                                                                                          \
		why, {(const uint8_t *)(text), sizeof(text) - 1}, status, NULL, 0                  \
	}

static const struct row chunked[] = {
	OK("9112 7.1: one chunk", "5\r\nhello\r\n0\r\n\r\n", "hello", 0),
	OK("9112 7.1: no chunk", "0\r\n\r\n", "", 0),
	OK("9112 7.1: two chunks", "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "hello", 0),
	OK("9112 7.1: the next request stays", "1\r\na\r\n0\r\n\r\nGET", "a", 3),
	OK("9112 7.1: hexadecimal", "A\r\n0123456789\r\n0\r\n\r\n", "0123456789", 0),
	OK("9112 7.1: in lower case", "a\r\n0123456789\r\n0\r\n\r\n", "0123456789", 0),
	OK("9112 7.1: zeros before", "0001\r\na\r\n000\r\n\r\n", "a", 0),
	OK("9112 7.1: content that looks like framing", "4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n",
		0),
	OK("9112 7.1.1: an extension", "1;a\r\na\r\n0\r\n\r\n", "a", 0),
	OK("9112 7.1.1: with a value", "1;a=b;c=\"d;e\"\r\na\r\n0;f\r\n\r\n", "a", 0),
	OK("9112 7.1.1: spaces before it", "1 \t; a\r\na\r\n0\r\n\r\n", "a", 0),
	OK("9112 7.1.2: trailers", "1\r\na\r\n0\r\nA: b\r\nC:\r\n\r\n", "a", 0),
	BAD("9112 7.1: no size", 400, "\r\n"),
	BAD("9112 7.1: not hexadecimal", 400, "g\r\n"),
	BAD("9112 7.1: a sign", 400, "+1\r\na\r\n0\r\n\r\n"),
	BAD("9112 7.1: a minus", 400, "-1\r\na\r\n0\r\n\r\n"),
	BAD("9112 7.1: 0x", 400, "0x1\r\na\r\n0\r\n\r\n"),
	BAD("9112 7.1: a space before", 400, " 1\r\na\r\n0\r\n\r\n"),
	BAD("9112 7.1: a space behind", 400, "1 \r\na\r\n0\r\n\r\n"),
	BAD("9112 7.1: an underscore", 400, "1_0\r\n"),
	BAD("9112 7.1: a lone LF behind the size", 400, "1\na\r\n0\r\n\r\n"),
	BAD("9112 7.1: a lone CR behind the size", 400, "1\ra\r\n0\r\n\r\n"),
	BAD("9112 7.1: more than it says", 400, "1\r\nab\r\n0\r\n\r\n"),
	BAD("9112 7.1: another byte for the CR", 400, "1\r\nax\n0\r\n\r\n"),
	BAD("9112 7.1: a lone LF behind the content", 400, "1\r\na\n0\r\n\r\n"),
	BAD("9112 7.1: a lone CR behind the content", 400, "1\r\na\r0\r\n\r\n"),
	BAD("9112 7.1: a lone LF at the end", 400, "0\r\n\n"),
	BAD("9112 7.1: a lone CR at the end", 400, "0\r\n\rx"),
	BAD("9112 7.1: beyond 63 bits", 413, "8000000000000000\r\n"),
	BAD("9112 7.1: beyond 64 bits", 413, "10000000000000001\r\n"),
	BAD("9112 7.1: beyond the limit", 413, "3e9\r\n"),
	BAD("9112 7.1.1: a lone CR in an extension", 400, "1;a\rb\r\na\r\n"),
	BAD("9112 7.1.1: a lone LF in an extension", 400, "1;a\nb\r\na\r\n"),
	BAD("9112 7.1.1: a NUL in an extension", 400, "1;\0\r\na\r\n"),
	BAD("9112 7.1.2: a trailer without a colon", 400, "0\r\nA\r\n\r\n"),
	BAD("9112 7.1.2: a trailer without a name", 400, "0\r\n: a\r\n\r\n"),
	BAD("9112 7.1.2: a space before the colon", 400, "0\r\nA : b\r\n\r\n"),
	BAD("9112 5.2: obs-fold in a trailer", 400, "0\r\nA: b\r\n c\r\n\r\n"),
	BAD("9112 2.2: a lone LF in a trailer", 400, "0\r\nA: b\n\r\n"),
	BAD("9112 2.2: a lone CR in a trailer", 400, "0\r\nA: b\rc\r\n\r\n"),
};

enum { LIMIT = 1000 };

/* Feeds what C cuts; CONTENT takes the content, *rest is what was not taken. */
static int feed(struct http_body *body, struct cuts c, struct buffer *content, size_t *rest)
{
	struct bytes input = BYTES_NULL, piece;
	int r = HTTP_MORE;

	while (r == HTTP_MORE && cuts_next(&c, &input)) {
		while ((r = http_body_next(body, &input, &piece)) == HTTP_DATA) {
			assert_true(piece.len > 0);
			assert_int_equal(buffer_append(content, piece.data, piece.len), 0);
		}
		assert_true(r != HTTP_MORE || !input.len);
	}
	*rest = c.left.len + input.len;
	cuts_deinit(&c);
	return r;
}

static void check(const struct row *row, size_t max, uint64_t seed)
{
	struct buffer content = BUFFER_NULL;
	struct http_body body;
	size_t rest;

	assert_int_equal(http_body_init(&body, HTTP_CHUNKED, 0, LIMIT), 0);
	int r = feed(&body, cuts_of(row->text, max, seed), &content, &rest);
	if ((r == HTTP_REFUSED ? body.refusal.status : r) != row->status)
		fail_msg("%s: %d, pieces of up to %zu", row->why, r, max);
	if (r == 0) {
		assert_int_equal(rest, row->rest);
		assert_true(bytes_equal(buffer_bytes(&content), bytes_text(row->content)));
		assert_int_equal(http_body_end(&body), 0);
	}
	buffer_deinit(&content);
}

static void chunked_agrees_with_the_rfc(void **state)
{
	for (size_t i = 0; i < sizeof(chunked) / sizeof(*chunked); i++) {
		check(&chunked[i], SIZE_MAX, 0);
		check(&chunked[i], 1, 0);
		for (uint64_t seed = 1; seed < 20; seed++)
			check(&chunked[i], 5, seed);
	}
}

static void a_cut_chunked_body_is_not_whole(void **state)
{
	struct bytes text = bytes_text("5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nA: b\r\n\r\n");

	for (size_t len = 0; len < text.len; len++) {
		struct buffer content = BUFFER_NULL;
		struct http_body body;
		size_t rest;
		http_body_init(&body, HTTP_CHUNKED, 0, UINT64_MAX);
		assert_int_equal(
			feed(&body, cuts_of(bytes_of(text.data, len), 9, 3), &content, &rest),
			HTTP_MORE);
		assert_int_equal(http_body_end(&body), HTTP_REFUSED);
		assert_int_equal(body.refusal.status, 400);
		buffer_deinit(&content);
	}
}

static void trailers_can_be_had(void **state)
{
	static const char text[] = "1\r\na\r\n0\r\nA: b\r\nC:\r\n\r\nGET";
	struct buffer trailers = BUFFER_NULL;
	struct http_body body;
	struct bytes piece;
	int r = HTTP_MORE;

	assert_int_equal(http_body_init(&body, HTTP_CHUNKED, 0, UINT64_MAX), 0);
	body.trailers = &trailers;
	for (size_t i = 0; r && i < sizeof(text); i++) {
		struct bytes in = bytes_of(text + i, 1);
		r = http_body_next(&body, &in, &piece);
	}
	assert_int_equal(r, 0);
	assert_true(bytes_equal(buffer_bytes(&trailers), bytes_text("A: b\r\nC:\r\n\r\n")));
	buffer_deinit(&trailers);
}

static void lines_and_trailers_are_bounded(void **state)
{
	struct buffer text = BUFFER_NULL, content = BUFFER_NULL;
	struct http_body body;
	size_t rest;

	buffer_print(&text, "1;%0*d\r\n", HTTP_CHUNK_LINE_MAX, 0);
	http_body_init(&body, HTTP_CHUNKED, 0, UINT64_MAX);
	assert_int_equal(
		feed(&body, cuts_of(buffer_bytes(&text), 50, 4), &content, &rest), HTTP_REFUSED);
	assert_int_equal(body.refusal.status, 400);

	buffer_consume(&text, SIZE_MAX);
	buffer_print(&text, "0\r\n");
	for (int i = 0; i < HTTP_TRAILER_MAX; i++)
		buffer_print(&text, "A: b\r\n");
	http_body_init(&body, HTTP_CHUNKED, 0, UINT64_MAX);
	assert_int_equal(
		feed(&body, cuts_of(buffer_bytes(&text), 50, 4), &content, &rest), HTTP_REFUSED);
	assert_int_equal(body.refusal.status, 431);
	buffer_deinit(&text);
	buffer_deinit(&content);
}

static void chunks_are_bounded_without_a_limit_too(void **state)
{
	static const char *const sizes[] = {"8000000000000000", "ffffffffffffffff",
		"10000000000000001", "100000000000000000000000000000001"};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct bytes input = bytes_text(sizes[i]), piece;
		struct http_body body;
		http_body_init(&body, HTTP_CHUNKED, 0, UINT64_MAX);
		assert_int_equal(http_body_next(&body, &input, &piece), HTTP_REFUSED);
		assert_int_equal(body.refusal.status, 413);
	}
}

static void content_is_bounded(void **state)
{
	struct bytes input = bytes_text("4\r\nabcd\r\n2\r\n"), piece;
	struct http_body body;

	http_body_init(&body, HTTP_CHUNKED, 0, 5);
	assert_int_equal(http_body_next(&body, &input, &piece), HTTP_DATA);
	assert_int_equal(http_body_next(&body, &input, &piece), HTTP_REFUSED);
	assert_int_equal(body.refusal.status, 413);
	assert_int_equal(http_body_next(&body, &input, &piece), HTTP_REFUSED);

	assert_int_equal(http_body_init(&body, HTTP_LENGTH, 6, 5), HTTP_REFUSED);
	assert_int_equal(body.refusal.status, 413);
	assert_int_equal(http_body_init(&body, HTTP_LENGTH, 5, 5), 0);

	input = bytes_text("abcdef");
	http_body_init(&body, HTTP_UNTIL_CLOSE, 0, 5);
	assert_int_equal(http_body_next(&body, &input, &piece), HTTP_REFUSED);
	assert_int_equal(body.refusal.status, 413);
}

static void length_counts(void **state)
{
	struct bytes input = bytes_text("hello, GET"), piece;
	struct http_body body;

	http_body_init(&body, HTTP_LENGTH, 7, UINT64_MAX);
	struct bytes first = bytes_of(input.data, 3);
	assert_int_equal(http_body_next(&body, &first, &piece), HTTP_DATA);
	assert_int_equal(http_body_next(&body, &first, &piece), HTTP_MORE);
	assert_int_equal(http_body_end(&body), HTTP_REFUSED);

	http_body_init(&body, HTTP_LENGTH, 7, UINT64_MAX);
	assert_int_equal(http_body_next(&body, &input, &piece), HTTP_DATA);
	assert_true(bytes_equal(piece, bytes_text("hello, ")));
	assert_int_equal(http_body_next(&body, &input, &piece), 0);
	assert_true(bytes_equal(input, bytes_text("GET")));
	assert_int_equal(http_body_end(&body), 0);
}

static void the_end_ends_the_rest(void **state)
{
	struct bytes input = bytes_text("abc"), piece;
	struct http_body body;

	http_body_init(&body, HTTP_UNTIL_CLOSE, 0, UINT64_MAX);
	assert_int_equal(http_body_next(&body, &input, &piece), HTTP_DATA);
	assert_int_equal(piece.len, 3);
	assert_int_equal(http_body_next(&body, &input, &piece), HTTP_MORE);
	assert_int_equal(http_body_end(&body), 0);

	input = bytes_text("abc");
	http_body_init(&body, HTTP_NO_BODY, 0, UINT64_MAX);
	assert_int_equal(http_body_next(&body, &input, &piece), 0);
	assert_int_equal(input.len, 3);
	assert_int_equal(http_body_end(&body), 0);
}

static void what_was_encoded_is_decoded(void **state)
{
	uint64_t seed = 5;

	for (int n = 0; n < 200; n++) {
		struct buffer sent = BUFFER_NULL, text = BUFFER_NULL, got = BUFFER_NULL;
		struct http_body body;
		size_t rest;
		for (int chunks = (int)cuts_random(&seed, 8); chunks; chunks--) {
			uint8_t data[600];
			size_t len = cuts_random(&seed, sizeof(data));
			for (size_t i = 0; i < len; i++)
				data[i] = (uint8_t)cuts_random(&seed, 256);
			buffer_append(&sent, data, len);
			assert_int_equal(http_chunk_append(&text, bytes_of(data, len)), 0);
		}
		buffer_append(&text, HTTP_LAST_CHUNK, strlen(HTTP_LAST_CHUNK));
		http_body_init(&body, HTTP_CHUNKED, 0, UINT64_MAX);
		assert_int_equal(feed(&body, cuts_of(buffer_bytes(&text), 1 + (size_t)n * 5, seed),
					 &got, &rest),
			0);
		assert_int_equal(rest, 0);
		assert_true(bytes_equal(buffer_bytes(&sent), buffer_bytes(&got)));
		buffer_deinit(&sent);
		buffer_deinit(&text);
		buffer_deinit(&got);
	}
}

static void chunk_heads_are_exact(void **state)
{
	char head[HTTP_CHUNK_HEAD_MAX];

	assert_int_equal(http_chunk_head(head, 1), 3);
	assert_memory_equal(head, "1\r\n", 3);
	assert_int_equal(http_chunk_head(head, 0x10), 4);
	assert_memory_equal(head, "10\r\n", 4);
	assert_int_equal(http_chunk_head(head, UINT64_MAX), 18);
	assert_memory_equal(head, "ffffffffffffffff\r\n", 18);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chunked_agrees_with_the_rfc),
		cmocka_unit_test(a_cut_chunked_body_is_not_whole),
		cmocka_unit_test(trailers_can_be_had),
		cmocka_unit_test(lines_and_trailers_are_bounded),
		cmocka_unit_test(chunks_are_bounded_without_a_limit_too),
		cmocka_unit_test(content_is_bounded),
		cmocka_unit_test(length_counts),
		cmocka_unit_test(the_end_ends_the_rest),
		cmocka_unit_test(what_was_encoded_is_decoded),
		cmocka_unit_test(chunk_heads_are_exact),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

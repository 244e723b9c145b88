#include "wire/plain.h"

#include <stdio.h>

#include "../cuts.h"
#include "base/utf8.h"
#include "test.h"

#define MANY "0123456789abcdef"

/*
 * What is sent and the lines it gives, `|` behind each, with a MAX of 16. In the input a `~` is a
 * flush by time, and the end of it is one by the end of the stream.
 */
static const struct {
	const char *name;
	struct bytes input;
	const char *lines;
} cases[] = {
	{"nothing", BYTES_INIT(""), ""},
	{"a line", BYTES_INIT("hi\n"), "hi|"},
	{"two lines", BYTES_INIT("hi\nhow are you\n"), "hi|how are you|"},
	{"crlf", BYTES_INIT("hi\r\nho\r\n"), "hi|ho|"},
	{"an empty line", BYTES_INIT("\n"), "|"},
	{"empty lines", BYTES_INIT("\n\r\n\n"), "|||"},
	{"no line end", BYTES_INIT("hi"), "hi|"},
	{"a line and no line end", BYTES_INIT("hi\nho"), "hi|ho|"},
	{"cr within", BYTES_INIT("a\rb\n"), "a\rb|"},
	{"cr at the end of the stream", BYTES_INIT("a\r"), "a\r|"},
	{"only one cr is taken", BYTES_INIT("a\r\r\n"), "a\r|"},
	{"a whole character", BYTES_INIT("\xc3\xa4\n"), "\xc3\xa4|"},
	{"half a character is a line", BYTES_INIT("\xc3\n\xa4\n"), "\xc3|\xa4|"},

	{"flush", BYTES_INIT("hi~how~"), "hi|how|"},
	{"flush of nothing", BYTES_INIT("~hi\n~"), "hi|"},
	{"the line end comes late", BYTES_INIT("hi~\nho\n"), "hi|ho|"},
	{"late crlf", BYTES_INIT("hi~\r\nho\n"), "hi|ho|"},
	{"late crlf in two", BYTES_INIT("hi~\r~\nho\n"), "hi|ho|"},
	{"an empty line behind the late end", BYTES_INIT("hi~\n\n"), "hi||"},
	{"no late end", BYTES_INIT("hi~ho\n\n"), "hi|ho||"},
	{"a flush does not cut crlf", BYTES_INIT("hi\r~\nho\n"), "hi|ho|"},
	{"a cr that was none", BYTES_INIT("hi\r~ho\n"), "hi|\rho|"},
	{"a flush does not cut a character", BYTES_INIT("a\xe2\x82~\xac\n"), "a|\xe2\x82\xac|"},
	{"nor does it hold back what is none", BYTES_INIT("a\xe0\x80~b\n"), "a\xe0\x80|b|"},
	{"the last flush gives all", BYTES_INIT("a\xe2\x82"), "a\xe2\x82|"},

	{"max", BYTES_INIT(MANY "\n"), MANY "|"},
	{"max and crlf", BYTES_INIT(MANY "\r\n"), MANY "|"},
	{"max and cr", BYTES_INIT(MANY "\rx\n"), MANY "|\rx|"},
	{"max and two cr", BYTES_INIT(MANY "\r\r\n"), MANY "|\r|"},
	{"max and an empty line", BYTES_INIT(MANY "\n\n"), MANY "||"},
	{"max and one", BYTES_INIT(MANY "x\n"), MANY "|x|"},
	{"max and one and crlf", BYTES_INIT(MANY "x\r\n"), MANY "|x|"},
	{"max without end", BYTES_INIT(MANY), MANY "|"},
	{"max and one without end", BYTES_INIT(MANY "x"), MANY "|x|"},
	{"max and cr without end", BYTES_INIT(MANY "\r"), MANY "|\r|"},
	{"max and cr, flushed", BYTES_INIT(MANY "\r~\nho\n"), MANY "|ho|"},
	{"twice max", BYTES_INIT(MANY MANY "\n"), MANY "|" MANY "|"},
	{"twice max and crlf", BYTES_INIT(MANY MANY "\r\nx\n"), MANY "|" MANY "|x|"},
	{"much", BYTES_INIT(MANY MANY MANY "hi\n"), MANY "|" MANY "|" MANY "|hi|"},
	{"a piece does not cut a character", BYTES_INIT("0123456789abcde\xc3\xa4\n"),
		"0123456789abcde|\xc3\xa4|"},
	{"nor one of four bytes", BYTES_INIT("0123456789abc\xf0\x9f\x98\x80z\n"),
		"0123456789abc|\xf0\x9f\x98\x80z|"},
	{"one that ends at max stays", BYTES_INIT("0123456789abcd\xc3\xa4z\n"),
		"0123456789abcd\xc3\xa4|z|"},
};

enum { MAX = 16 };

static void say(struct buffer *said, struct bytes line)
{
	assert_true(line.len <= MAX);
	assert_int_equal(buffer_append(said, line.data, line.len), 0);
	assert_int_equal(buffer_append(said, "|", 1), 0);
}

static void flush(struct plain *p, bool final, struct buffer *said)
{
	struct bytes line;

	while (plain_flush(p, final, MAX, &line) == PLAIN_LINE)
		say(said, line);
}

static void feed(struct plain *p, struct bytes input, struct cuts c, struct buffer *said)
{
	struct bytes block;
	struct bytes line;

	for (c.left = input; cuts_next(&c, &block);) {
		while (plain_next(p, &block, MAX, &line) == PLAIN_LINE)
			say(said, line);
		assert_int_equal(block.len, 0);
	}
}

/* Feeds INPUT up to each `~`, flushes there, and at the end. */
static void run(const char *name, struct bytes input, struct cuts c, const char *lines)
{
	struct plain p = PLAIN_NULL;
	struct buffer said = BUFFER_NULL;

	for (;;) {
		const uint8_t *mark = input.len ? memchr(input.data, '~', input.len) : NULL;
		size_t len = mark ? (size_t)(mark - input.data) : input.len;
		feed(&p, bytes_of(input.data, len), c, &said);
		if (!mark)
			break;
		flush(&p, false, &said);
		input = bytes_of(mark + 1, input.len - len - 1);
	}
	flush(&p, true, &said);
	if (!bytes_equal(buffer_bytes(&said), bytes_text(lines)))
		fail_msg("%s: gave %.*s", name, (int)buffer_len(&said), (const char *)said.data);
	assert_int_equal(plain_memory(&p), 0);
	buffer_deinit(&said);
	plain_deinit(&p);
}

static void gives_the_same_lines_at_every_cut(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		run(cases[i].name, cases[i].input, cuts_of(BYTES_NULL, SIZE_MAX, 0),
			cases[i].lines);
		for (size_t len = 1; len < 8; len++)
			run(cases[i].name, cases[i].input, cuts_of(BYTES_NULL, len, 0),
				cases[i].lines);
		for (uint64_t seed = 1; seed < 50; seed++)
			run(cases[i].name, cases[i].input, cuts_of(BYTES_NULL, 20, seed),
				cases[i].lines);
	}
}

static void passes_every_byte(void **state)
{
	uint8_t input[256];
	struct plain p = PLAIN_NULL;
	struct bytes line;

	for (size_t i = 0; i < sizeof(input); i++)
		input[i] = (uint8_t)i;
	input['\n'] = 'x';
	input[255] = '\n';
	struct bytes in = bytes_of(input, sizeof(input));
	assert_int_equal(plain_next(&p, &in, 1024, &line), PLAIN_LINE);
	assert_true(bytes_equal(line, bytes_of(input, 255)));
	assert_int_equal(plain_next(&p, &in, 1024, &line), PLAIN_MORE);
	plain_deinit(&p);
}

static void points_into_the_block(void **state)
{
	const char text[] = "one\ntwo\nthr";
	struct bytes in = bytes_text(text);
	struct plain p = PLAIN_NULL;
	struct bytes line;

	assert_int_equal(plain_next(&p, &in, MAX, &line), PLAIN_LINE);
	assert_ptr_equal(line.data, text);
	assert_int_equal(plain_next(&p, &in, MAX, &line), PLAIN_LINE);
	assert_ptr_equal(line.data, text + 4);
	assert_int_equal(plain_memory(&p), 0);
	assert_false(plain_pending(&p));
	assert_int_equal(plain_next(&p, &in, MAX, &line), PLAIN_MORE);
	assert_true(plain_pending(&p));

	in = bytes_text("ee\nfour\n");
	assert_int_equal(plain_next(&p, &in, MAX, &line), PLAIN_LINE);
	assert_true(bytes_equal(line, bytes_text("three")));
	assert_int_equal(plain_next(&p, &in, MAX, &line), PLAIN_LINE);
	assert_true(bytes_equal(line, bytes_text("four")));
	assert_int_equal(plain_memory(&p), 0);
	assert_int_equal(plain_next(&p, &in, MAX, &line), PLAIN_MORE);
	plain_deinit(&p);
}

/* A long line costs one copy, and no more memory than it must. */
static void bounds_what_it_holds(void **state)
{
	enum { LONG = 64 << 10 };
	uint8_t block[1000];
	struct plain p = PLAIN_NULL;
	struct bytes line;
	size_t given = 0;

	memset(block, 'x', sizeof(block));
	for (int i = 0; i < 1000; i++) {
		struct bytes in = bytes_of(block, sizeof(block));
		while (plain_next(&p, &in, LONG, &line) == PLAIN_LINE) {
			assert_int_equal(line.len, LONG);
			given += line.len;
		}
		assert_true(plain_memory(&p) <= 2 * LONG);
	}
	while (plain_flush(&p, true, LONG, &line) == PLAIN_LINE)
		given += line.len;
	assert_int_equal(given, 1000 * sizeof(block));
	plain_deinit(&p);
}

/* What is written reads back: random bodies, any byte but LF, ended by LF or CR LF. */
static void round_trips(void **state)
{
	uint64_t seed = 42;
	struct buffer wire = BUFFER_NULL;
	struct buffer want = BUFFER_NULL;
	struct buffer said = BUFFER_NULL;
	struct plain p = PLAIN_NULL;

	for (int i = 0; i < 2000; i++) {
		uint8_t body[MAX + 1];
		size_t len = cuts_random(&seed, MAX - 2);
		for (size_t k = 0; k < len; k++)
			do
				body[k] = (uint8_t)cuts_random(&seed, 256);
			while (body[k] == '\n' || (k == len - 1 && body[k] == '\r'));
		struct message m = {.from = bytes_text("a"), .body = bytes_of(body, len)};
		uint8_t *to;
		assert_int_equal(buffer_reserve(&wire, plain_size(&m), &to), 0);
		assert_int_equal(plain_encode(&m, to), plain_size(&m));
		buffer_commit(&wire, plain_size(&m));
		buffer_append(&want, "a: ", 3);
		say(&want, bytes_of(body, len));
	}
	for (size_t max = 1; max < 4096; max *= 4) {
		feed(&p, buffer_bytes(&wire), cuts_of(BYTES_NULL, max, max), &said);
		assert_true(bytes_equal(buffer_bytes(&said), buffer_bytes(&want)));
		buffer_consume(&said, SIZE_MAX);
	}
	buffer_deinit(&wire);
	buffer_deinit(&want);
	buffer_deinit(&said);
	plain_deinit(&p);
}

static void encodes(void **state)
{
	struct message m = {.from = bytes_text("anna"), .body = BYTES_LITERAL("a\0b")};
	uint8_t to[64];

	assert_int_equal(plain_size(&m), 10);
	assert_int_equal(plain_encode(&m, to), 10);
	assert_memory_equal(to, "anna: a\0b\n", 10);
	m.body = BYTES_NULL;
	assert_int_equal(plain_encode(&m, to), plain_size(&m));
	assert_memory_equal(to, "anna: \n", 7);

	size_t len = plain_skipped(7, to);
	assert_true(bytes_equal(bytes_of(to, len), bytes_text("skipped 7 messages\n")));
	len = plain_skipped(UINT64_MAX, to);
	assert_true(bytes_equal(
		bytes_of(to, len), bytes_text("skipped 18446744073709551615 messages\n")));
	len = plain_skipped(0, to);
	assert_true(bytes_equal(bytes_of(to, len), bytes_text("skipped messages\n")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_the_same_lines_at_every_cut),
		cmocka_unit_test(passes_every_byte),
		cmocka_unit_test(points_into_the_block),
		cmocka_unit_test(bounds_what_it_holds),
		cmocka_unit_test(round_trips),
		cmocka_unit_test(encodes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * The PROXY header: what each is, byte by byte, and that what is written reads the same.
 */

#include "wire/proxy.h"

#include "test.h"

#define V2 "\r\n\r\n\0\r\nQUIT\n"

struct row {
	int version;
	struct bytes input;
	int result;
	size_t left; /* bytes behind it */
	struct proxy_header header;
};

static const struct row rows[] = {
	{1, BYTES_INIT("PROXY TCP4 1.2.3.4 5.6.7.8 9 65535\r\nGET"), 0, 3,
		{PROXY_INET, false, BYTES_INIT("1.2.3.4"), BYTES_INIT("5.6.7.8"), 9, 65535}},
	{1, BYTES_INIT("PROXY TCP6 ::1 fe80::2 1 0\r\n"), 0, 0,
		{PROXY_INET6, false, BYTES_INIT("::1"), BYTES_INIT("fe80::2"), 1, 0}},
	{1, BYTES_INIT("PROXY UNKNOWN\r\nx"), 0, 1, {0}},
	{1, BYTES_INIT("PROXY UNKNOWN whatever 1 2\r\n"), 0, 0, {0}},
	{1, BYTES_INIT("PROXY TCP4 1.2.3.4 5.6.7.8 9 65536\r\n"), PROXY_WRONG, 0, {0}},
	{1, BYTES_INIT("PROXY TCP4 1.2.3.4 5.6.7.8 09 1\r\n"), PROXY_WRONG, 0, {0}},
	{1, BYTES_INIT("PROXY TCP4 1.2.3.4 5.6.7.8 9\r\n"), PROXY_WRONG, 0, {0}},
	{1, BYTES_INIT("PROXY TCP4 1.2.3.4 5.6.7.8 9 1 1\r\n"), PROXY_WRONG, 0, {0}},
	{1, BYTES_INIT("PROXY TCP4  5.6.7.8 9 1\r\n"), PROXY_WRONG, 0, {0}},
	{1, BYTES_INIT("PROXY UDP4 1.2.3.4 5.6.7.8 9 1\r\n"), PROXY_WRONG, 0, {0}},
	{1, BYTES_INIT("PROXY UNKNOWN\n"), PROXY_WRONG, 0, {0}},
	{1, BYTES_INIT("proxy "), PROXY_WRONG, 0, {0}},
	{1, BYTES_INIT("GET / HTTP/1.1\r\n"), PROXY_WRONG, 0, {0}},
	{1, BYTES_INIT(""), PROXY_MORE, 0, {0}},
	{2, BYTES_INIT(V2 "\x21\x11\0\x0c\1\2\3\4\5\6\7\x08\0\x09\xff\xffGET"), 0, 3,
		{PROXY_INET, false, BYTES_INIT("\1\2\3\4"), BYTES_INIT("\5\6\7\x08"), 9, 65535}},
	{2, BYTES_INIT(V2 "\x21\x12\0\x0f\1\2\3\4\5\6\7\x08\0\x09\0\1\4\0\0"), 0, 0,
		{PROXY_INET, true, BYTES_INIT("\1\2\3\4"), BYTES_INIT("\5\6\7\x08"), 9, 1}},
	{2, BYTES_INIT(V2 "\x20\0\0\0"), 0, 0, {0}},
	{2, BYTES_INIT(V2 "\x20\x11\0\3abc"), 0, 0, {0}},
	{2, BYTES_INIT(V2 "\x21\x11\0\x0b\1\2\3\4\5\6\7\x08\0\x09\xff"), PROXY_WRONG, 0, {0}},
	{2, BYTES_INIT(V2 "\x11\x11\0\0"), PROXY_WRONG, 0, {0}},
	{2, BYTES_INIT(V2 "\x22\x11\0\0"), PROXY_WRONG, 0, {0}},
	{2, BYTES_INIT(V2 "\x21\x41\0\0"), PROXY_WRONG, 0, {0}},
	{2, BYTES_INIT(V2 "\x21\x11\xff\xff"), PROXY_WRONG, 0, {0}},
	{2, BYTES_INIT("PROXY UNKNOWN\r\n"), PROXY_WRONG, 0, {0}},
};

static void assert_header(const struct proxy_header *is, const struct proxy_header *wanted)
{
	assert_int_equal(is->family, wanted->family);
	assert_int_equal(is->datagrams, wanted->datagrams);
	assert_true(bytes_equal(is->from, wanted->from));
	assert_true(bytes_equal(is->to, wanted->to));
	assert_int_equal(is->from_port, wanted->from_port);
	assert_int_equal(is->to_port, wanted->to_port);
}

static void reads_each_header_as_what_it_is(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct bytes input = rows[i].input;
		const char *detail = NULL;
		struct proxy_header h;
		int r = proxy_decode(rows[i].version, &input, &h, &detail);
		if (r != rows[i].result)
			fail_msg("row %zu: %d", i, r);
		if (r == PROXY_WRONG)
			assert_non_null(detail);
		if (r)
			continue;
		assert_int_equal(input.len, rows[i].left);
		assert_header(&h, &rows[i].header);
	}
}

static void waits_for_the_last_byte(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		size_t whole = rows[i].input.len - rows[i].left;
		for (size_t len = 0; !rows[i].result && len < whole; len++) {
			struct bytes input = bytes_of(rows[i].input.data, len);
			struct proxy_header h;
			const char *detail;
			assert_int_equal(
				proxy_decode(rows[i].version, &input, &h, &detail), PROXY_MORE);
			assert_int_equal(input.len, len);
		}
	}
}

static void a_line_has_a_bound(void **state)
{
	char line[PROXY_V1_MAX + 10];
	struct bytes input = bytes_of(line, PROXY_V1_MAX);
	struct proxy_header h;
	const char *detail;

	memset(line, 'x', sizeof(line));
	memcpy(line, "PROXY UNKNOWN ", 14);
	assert_int_equal(proxy_decode(1, &input, &h, &detail), PROXY_WRONG);
	memcpy(line + PROXY_V1_MAX - 2, "\r\n", 2);
	assert_int_equal(proxy_decode(1, &input, &h, &detail), 0);
	assert_int_equal(input.len, 0);
}

static void writes_what_it_reads(void **state)
{
	uint8_t out[PROXY_ENCODED_MAX];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct proxy_header again;
		const char *detail;
		if (rows[i].result || (rows[i].version == 1 && rows[i].header.datagrams))
			continue;
		size_t len = proxy_encode(rows[i].version, &rows[i].header, out);
		struct bytes input = bytes_of(out, len);
		assert_int_equal(proxy_decode(rows[i].version, &input, &again, &detail), 0);
		assert_int_equal(input.len, 0);
		assert_header(&again, &rows[i].header);
	}
}

static void keeps_the_names_of_unix_sockets(void **state)
{
	const struct proxy_header h = {
		PROXY_UNIX, false, BYTES_LITERAL("/run/a"), BYTES_LITERAL("\0name"), 0, 0};
	uint8_t out[PROXY_ENCODED_MAX];
	struct proxy_header again;
	const char *detail;

	size_t len = proxy_encode(2, &h, out);
	struct bytes input = bytes_of(out, len);
	assert_int_equal(len, PROXY_ENCODED_MAX);
	assert_int_equal(proxy_decode(2, &input, &again, &detail), 0);
	assert_header(&again, &h);
	len = proxy_encode(1, &h, out);
	assert_memory_equal(out, "PROXY UNKNOWN\r\n", len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_each_header_as_what_it_is),
		cmocka_unit_test(waits_for_the_last_byte),
		cmocka_unit_test(a_line_has_a_bound),
		cmocka_unit_test(writes_what_it_reads),
		cmocka_unit_test(keeps_the_names_of_unix_sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

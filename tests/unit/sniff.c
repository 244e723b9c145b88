/*
 * The door's first look: what each beginning is, and at which byte that was known.
 */

#include "wire/sniff.h"

#include <stdlib.h>

#include "test.h"
#include "wire/http.h"

struct row {
	const char *text;
	enum sniff is;
	size_t at; /* the byte, counted from 1, that decided; 0 for the last */
};

static const struct row rows[] = {
	{"GET / HTTP/1.1\r\n", SNIFF_HTTP, 0},
	{"GET / HTTP/1.1\n", SNIFF_HTTP, 0},
	{"GET / HTTP/1.0\r\n", SNIFF_HTTP, 0},
	{"POST /topics/lobby?a=b HTTP/1.1\r\nHost: h\r\n", SNIFF_HTTP, 33},
	{"OPTIONS * HTTP/1.1\r\n", SNIFF_HTTP, 0},
	{"GET http://h/ HTTP/1.1\r\n", SNIFF_HTTP, 0},
	{"GET HTTPS://h HTTP/1.1\r\n", SNIFF_HTTP, 0},
	{"BREW /pot HTTP/1.1\r\n", SNIFF_HTTP, 0},
	{"M-SEARCH /a HTTP/1.1\r\n", SNIFF_HTTP, 0},
	{"GET /\xc3\xa4 HTTP/1.1\r\n", SNIFF_HTTP, 0},
	{"GET /a#b HTTP/1.1\r\n", SNIFF_HTTP, 0},
	{"GET me a coffee\n", SNIFF_PLAIN, 5},
	{"GET /me a coffee\n", SNIFF_PLAIN, 9},
	{"GET / HTTP/1.1 please\n", SNIFF_PLAIN, 15},
	{"GET / HTTP/1.1\r \n", SNIFF_PLAIN, 16},
	{"GET / HTTP/2.0\r\n", SNIFF_PLAIN, 12},
	{"GET / HTTP/1.x\r\n", SNIFF_PLAIN, 14},
	{"GET / HTTP/1.10\r\n", SNIFF_PLAIN, 15},
	{"GET /\r\n", SNIFF_PLAIN, 6},
	{"GET  / HTTP/1.1\r\n", SNIFF_PLAIN, 5},
	{"GET * HTTP/1.1\r\n", SNIFF_PLAIN, 5},
	{"OPTIONS *x HTTP/1.1\r\n", SNIFF_PLAIN, 10},
	{"GET httpss://h HTTP/1.1\r\n", SNIFF_PLAIN, 10},
	{"GET http/1 HTTP/1.1\r\n", SNIFF_PLAIN, 9},
	{"GET him\n", SNIFF_PLAIN, 6},
	{"GET\n", SNIFF_PLAIN, 4},
	{"get / HTTP/1.1\r\n", SNIFF_PLAIN, 1},
	{"hi", SNIFF_PLAIN, 1},
	{"Hi", SNIFF_PLAIN, 2},
	{"\n", SNIFF_PLAIN, 1},
	{"\r\nGET / HTTP/1.1\r\n", SNIFF_PLAIN, 1},
	{" GET / HTTP/1.1\r\n", SNIFF_PLAIN, 1},
	{"\xff\xfe", SNIFF_PLAIN, 1},
	{"-", SNIFF_PLAIN, 1},
	{"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", SNIFF_PLAIN, 34},
	{"\x16\x03\x01\x02", SNIFF_TLS, 2},
	{"\x16\x02", SNIFF_PLAIN, 2},
	{"", SNIFF_MORE, 0},
	{"\x16", SNIFF_MORE, 0},
	{"G", SNIFF_MORE, 0},
	{"GET", SNIFF_MORE, 0},
	{"GET ", SNIFF_MORE, 0},
	{"GET /tmp/is/full", SNIFF_MORE, 0},
	{"GET / HTTP/1.1", SNIFF_MORE, 0},
	{"GET / HTTP/1.1\r", SNIFF_MORE, 0},
	{"DELETE h", SNIFF_MORE, 0},
	{"OK", SNIFF_MORE_BRIEFLY, 0},
	{"GETS", SNIFF_MORE_BRIEFLY, 0},
	{"BYE ", SNIFF_MORE_BRIEFLY, 0},
	{"BREW /pot", SNIFF_MORE_BRIEFLY, 0},
};

static bool is_more(enum sniff is)
{
	return is == SNIFF_MORE || is == SNIFF_MORE_BRIEFLY;
}

static void knows_them_at_the_first_byte_that_tells(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct bytes text = bytes_text(rows[i].text);
		struct sniffer whole = SNIFFER_NULL, bytewise = SNIFFER_NULL;
		size_t decided = 0;

		if (sniffer_look(&whole, text) != rows[i].is)
			fail_msg("\"%s\" in one piece", rows[i].text);
		for (size_t len = 0; len <= text.len; len++) {
			enum sniff is = sniffer_look(&bytewise, bytes_of(text.data, len));
			if (!is_more(is) && !decided)
				decided = len;
			if (len == text.len && is != rows[i].is)
				fail_msg("\"%s\" byte by byte", rows[i].text);
		}
		if (!is_more(rows[i].is) && decided != (rows[i].at ? rows[i].at : text.len))
			fail_msg("\"%s\" known at %zu", rows[i].text, decided);
	}
}

static void waits_for_a_target_up_to_the_limit(void **state)
{
	static uint8_t text[HTTP_HEAD_MAX] = "GET /";
	struct sniffer sniffer = SNIFFER_NULL;

	memset(text + 5, 'a', sizeof(text) - 5);
	for (size_t len = 0; len < sizeof(text); len += 100)
		assert_int_equal(sniffer_look(&sniffer, bytes_of(text, len)), SNIFF_MORE);
	assert_int_equal(sniffer_look(&sniffer, bytes_of(text, sizeof(text))), SNIFF_HTTP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_them_at_the_first_byte_that_tells),
		cmocka_unit_test(waits_for_a_target_up_to_the_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

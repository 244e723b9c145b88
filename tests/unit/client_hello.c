/*
 * The first message of a TLS handshake: at which byte it is known to be there.
 */

#include "wire/client_hello.h"

#include "test.h"

#define ROW(text, at)                                                                              \
	{                                                                                          \
		BYTES_INIT(text), at                                                               \
	}

struct row {
	struct bytes text;
	size_t at; /* the byte, counted from 1, with which it is there; 0: never */
};

static const struct row rows[] = {
	ROW("\x16\x03\x01\x00\x07\x01\x00\x00\x03"
	    "abc"
	    "more",
		12),
	/* over several records */
	ROW("\x16\x03\x01\x00\x05\x01\x00\x00\x03"
	    "a\x16\x03\x03\x00\x02"
	    "bc",
		17),
	ROW("\x16\x03\x01\x00\x01\x01\x16\x03\x01\x00\x03\x00\x00\x00", 14),
	/* an empty one: TLS has to say */
	ROW("\x16\x03\x01\x02\x00\x01\x00\x00\x00\x00", 9),
	/* not whole */
	ROW("\x16", 0),
	ROW("\x16\x03\x01\x00", 0),
	ROW("\x16\x03\x01\x02\x00\x01\x00\x01\xfc"
	    "abcdefgh",
		0),
	ROW("\x16\x03\x01\x00\x05\x01\x00\x00\x03"
	    "a\x16\x03\x03",
		0),
	/* never one */
	ROW("GET / HTTP/1.1\r\n", 1),
	ROW("\x16\x02\x01", 2),
	ROW("\x16\x03\x01\x00\x00", 5),
	ROW("\x16\x03\x01\x40\x01", 5),
	ROW("\x16\x03\x01\x02\x00\x02\x00", 6),
	ROW("\x16\x03\x01\x02\x00\x01\x00\x40\x01", 9),
	ROW("\x16\x03\x01\x00\x05\x01\x00\x00\x03"
	    "a\x17",
		11),
};

static void knows_the_byte(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		size_t at = 0;
		for (size_t len = 1; len <= rows[i].text.len; len++) {
			bool there = client_hello_is_there(bytes_of(rows[i].text.data, len));
			if (there && !at)
				at = len;
			if (at && !there)
				fail_msg("row %zu: gone at %zu", i, len);
		}
		if (at != rows[i].at)
			fail_msg("row %zu: there at %zu", i, at);
	}
}

static void keeps_no_more_than_it_says(void **state)
{
	static uint8_t text[CLIENT_HELLO_MAX] = {0x16, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xfc};

	assert_false(client_hello_is_there(bytes_of(text, sizeof(text) - 1)));
	assert_true(client_hello_is_there(bytes_of(text, sizeof(text))));
	assert_false(client_hello_is_there(BYTES_NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_the_byte),
		cmocka_unit_test(keeps_no_more_than_it_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

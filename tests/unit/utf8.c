#include "base/utf8.h"

#include "../cuts.h"
#include "test.h"

/* What a text is: BAD at byte `bad`, or cut `cut` bytes into its last character. */
struct text {
	struct bytes bytes;
	int bad; /* -1: nowhere */
	size_t cut;
};

static const struct text texts[] = {
	{BYTES_INIT(""), -1, 0},
	{BYTES_INIT("plain"), -1, 0},
	{BYTES_INIT("nul \0 is a character"), -1, 0},
	{BYTES_INIT("\x7f"), -1, 0},
	{BYTES_INIT("\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"), -1, 0},
	/* the first and the last character of each length */
	{BYTES_INIT("\xc2\x80"), -1, 0},
	{BYTES_INIT("\xdf\xbf"), -1, 0},
	{BYTES_INIT("\xe0\xa0\x80"), -1, 0},
	{BYTES_INIT("\xef\xbf\xbf"), -1, 0},
	{BYTES_INIT("\xf0\x90\x80\x80"), -1, 0},
	{BYTES_INIT("\xf4\x8f\xbf\xbf"), -1, 0},
	/* around the surrogates, which are no characters */
	{BYTES_INIT("\xed\x9f\xbf"), -1, 0},
	{BYTES_INIT("\xee\x80\x80"), -1, 0},
	{BYTES_INIT("\xed\xa0\x80"), 1, 0},
	{BYTES_INIT("\xed\xbf\xbf"), 1, 0},
	/* overlong forms */
	{BYTES_INIT("\xc0\x80"), 0, 0},
	{BYTES_INIT("\xc1\xbf"), 0, 0},
	{BYTES_INIT("\xe0\x80\x80"), 1, 0},
	{BYTES_INIT("\xe0\x9f\xbf"), 1, 0},
	{BYTES_INIT("\xf0\x80\x80\x80"), 1, 0},
	{BYTES_INIT("\xf0\x8f\xbf\xbf"), 1, 0},
	/* too large */
	{BYTES_INIT("\xf4\x90\x80\x80"), 1, 0},
	{BYTES_INIT("\xf5\x80\x80\x80"), 0, 0},
	{BYTES_INIT("\xf8\x88\x80\x80\x80"), 0, 0},
	{BYTES_INIT("\xfe"), 0, 0},
	{BYTES_INIT("\xff"), 0, 0},
	/* a continuation byte too many, or too few */
	{BYTES_INIT("\x80"), 0, 0},
	{BYTES_INIT("\xbf"), 0, 0},
	{BYTES_INIT("a\xc3\xa4\xa4"), 3, 0},
	{BYTES_INIT("\xc3("), 1, 0},
	{BYTES_INIT("\xe2\x82("), 2, 0},
	{BYTES_INIT("\xf0\x9f\x98("), 3, 0},
	{BYTES_INIT("\xf0\x9f\xc3\xa4"), 2, 0},
	/* behind a run that is passed over fast */
	{BYTES_INIT("sixteen bytes...sixteen bytes...\xff"), 32, 0},
	{BYTES_INIT("sixteen bytes..\xff."), 15, 0},
	{BYTES_INIT("sixteen bytes...seven..\xc3\xa4"), -1, 0},
	/* cut */
	{BYTES_INIT("\xc3"), -1, 1},
	{BYTES_INIT("abc\xe2"), -1, 1},
	{BYTES_INIT("abc\xe2\x82"), -1, 2},
	{BYTES_INIT("\xf0"), -1, 1},
	{BYTES_INIT("\xf0\x9f"), -1, 2},
	{BYTES_INIT("\xf0\x9f\x98"), -1, 3},
	{BYTES_INIT("sixteen bytes...\xf0\x9f\x98"), -1, 3},
};

static void checks_whole(void **state)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		const struct text *t = &texts[i];
		struct utf8 u = UTF8_NULL;

		assert_int_equal(utf8_check(&u, t->bytes), t->bad < 0);
		if (t->bad < 0)
			assert_int_equal(utf8_complete(&u), !t->cut);
		assert_int_equal(utf8_valid(t->bytes), t->bad < 0 && !t->cut);
	}
}

/* The byte that is wrong is the one at which it fails, not a later one. */
static void fails_at_once(void **state)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		const struct text *t = &texts[i];
		struct cuts c = cuts_of(t->bytes, 1, 0);
		struct utf8 u = UTF8_NULL;
		struct bytes block;
		int at = 0;

		for (; cuts_next(&c, &block); at++) {
			assert_int_equal(utf8_check(&u, block), at != t->bad);
			if (at == t->bad)
				break;
		}
		free(c.block);
		assert_int_equal(at, t->bad < 0 ? (int)t->bytes.len : t->bad);
		if (t->bad < 0)
			assert_int_equal(utf8_complete(&u), !t->cut);
	}
}

static void finds_the_whole_part(void **state)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (texts[i].bad < 0)
			assert_int_equal(utf8_complete_prefix(texts[i].bytes),
				texts[i].bytes.len - texts[i].cut);

	/* what can never become valid is not held back */
	assert_int_equal(utf8_complete_prefix(bytes_text("a\xe0\x80")), 3);
	assert_int_equal(utf8_complete_prefix(bytes_text("a\xff")), 2);
	assert_int_equal(utf8_complete_prefix(bytes_text("a\x80\x80\x80\x80")), 5);
	assert_int_equal(utf8_complete_prefix(bytes_text("\x80\x80")), 2);
	assert_int_equal(utf8_complete_prefix(bytes_text("a\xc3\xa4")), 3);
}

static size_t encode(uint32_t c, uint8_t *to)
{
	if (c < 0x80) {
		to[0] = (uint8_t)c;
		return 1;
	}
	size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = len - 1; i; i--, c >>= 6)
		to[i] = (uint8_t)(0x80 | (c & 0x3f));
	to[0] = (uint8_t)((0xf00 >> len) | c);
	return len;
}

static void takes_every_character(void **state)
{
	for (uint32_t c = 0; c < 0x120000; c++) {
		uint8_t text[4];
		size_t len = encode(c, text);
		bool is_character = c < 0x110000 && (c < 0xd800 || c > 0xdfff);

		assert_int_equal(utf8_valid(bytes_of(text, len)), is_character);
		for (size_t cut = 1; is_character && cut < len; cut++)
			assert_int_equal(utf8_complete_prefix(bytes_of(text, cut)), 0);
	}
}

/* Of all sequences of three bytes as many are valid as the standard has. */
static void counts_right(void **state)
{
	uint8_t s[3];
	size_t valid = 0;

	for (uint32_t n = 0; n < 1 << 24; n++) {
		s[0] = (uint8_t)(n >> 16);
		s[1] = (uint8_t)(n >> 8);
		s[2] = (uint8_t)n;
		valid += utf8_valid(bytes_of(s, 3));
	}
	const size_t one = 128;
	const size_t two = 0x800 - 0x80;
	const size_t three = 0x10000 - 0x800 - 0x800;
	assert_int_equal(valid, one * one * one + 2 * one * two + three);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checks_whole),
		cmocka_unit_test(fails_at_once),
		cmocka_unit_test(finds_the_whole_part),
		cmocka_unit_test(takes_every_character),
		cmocka_unit_test(counts_right),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* UTF-8: the same verdict however the text is cut, and the same as that of a decoder that builds
 * the characters' numbers. */

#include "base/utf8.h"
#include "../cuts.h"
#include "fuzz.h"

/* The number of the character at the front, its length in *len; -1 when there is none. */
static long decode(struct bytes b, size_t *len)
{
	static const long least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint8_t lead = *b.data;
	long c;

	*len = lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	if (!*len || lead > 0xf7 || b.len < *len)
		return -1;
	c = *len == 1 ? lead : lead & (0x7f >> *len);
	for (size_t i = 1; i < *len; i++) {
		if (b.data[i] >> 6 != 2)
			return -1;
		c = c << 6 | (b.data[i] & 0x3f);
	}
	return c < least[*len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? -1 : c;
}

static bool decodes(struct bytes b)
{
	for (size_t len; b.len; b = bytes_skip(b, len))
		if (decode(b, &len) < 0)
			return false;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes text = bytes_of(data, len);
	struct utf8 u = UTF8_NULL;
	struct bytes block;
	bool good = true;

	for (struct cuts c = cuts_of(text, 5, cuts_seed(text)); cuts_next(&c, &block);)
		good = good && utf8_check(&u, block);
	fuzz_check(utf8_valid(text) == decodes(text));
	fuzz_check(utf8_valid(text) == (good && utf8_complete(&u)));

	size_t whole = utf8_complete_prefix(text);
	fuzz_check(whole <= len && len - whole <= 3);
	if (good)
		fuzz_check(utf8_valid(bytes_of(data, whole)));
	return 0;
}

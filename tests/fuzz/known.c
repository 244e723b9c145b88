/*
 * Known keys: a file of any bytes is read without harm, and the line that is found for an address
 * is one that says so.
 */

#include "net/known.h"

#include "fuzz.h"

#include "base/bytes.h"

#define NAME "tls:h:1"

/* Line NUMBER of K. */
static struct bytes line_at(const struct known *k, size_t number)
{
	struct bytes rest = bytes_of(k->text, k->len), line = rest;

	while (number--)
		if (!bytes_cut(&rest, '\n', &line))
			return rest;
	return line;
}

static bool holds(struct bytes line, const char *text)
{
	return memmem(line.data, line.len, text, strlen(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char text[PIN_TEXT_SIZE];
	struct known k = {.text = bytes_dup(bytes_of(data, len)), .len = len};
	struct pin pin;

	size_t number = known_find(&k, NAME, &pin);
	if (number) {
		pin_format(&pin, text);
		fuzz_check(holds(line_at(&k, number), NAME));
		fuzz_check(holds(line_at(&k, number), text));
	}
	known_deinit(&k);
	return 0;
}

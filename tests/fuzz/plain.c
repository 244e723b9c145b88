/* The plain wire: the same lines however the input is cut, no byte lost. */

#include "wire/plain.h"
#include "../cuts.h"
#include "fuzz.h"

enum { MAX = 16 };

static void say(struct buffer *said, struct bytes line)
{
	fuzz_check(line.len <= MAX);
	fuzz_check(!buffer_print(said, "%zu:", line.len));
	fuzz_check(!buffer_append(said, line.data, line.len));
}

/* The lines of INPUT cut as C says, flushed after blocks where FLUSH_SEED, if not 0, says so. */
static struct buffer lines_of(struct bytes input, struct cuts c, uint64_t flush_seed, size_t *bytes)
{
	struct buffer said = BUFFER_NULL;
	struct plain p = PLAIN_NULL;
	struct bytes block;
	struct bytes line;
	int r;

	*bytes = 0;
	for (c.left = input; cuts_next(&c, &block);) {
		while ((r = plain_next(&p, &block, MAX, &line)) == PLAIN_LINE) {
			say(&said, line);
			*bytes += line.len;
		}
		fuzz_check(r == PLAIN_MORE && !block.len);
		while (flush_seed && cuts_random(&flush_seed, 2) &&
			plain_flush(&p, false, MAX, &line) == PLAIN_LINE) {
			fuzz_check(line.len);
			say(&said, line);
			*bytes += line.len;
		}
	}
	while (plain_flush(&p, true, MAX, &line) == PLAIN_LINE) {
		say(&said, line);
		*bytes += line.len;
	}
	fuzz_check(!plain_memory(&p));
	plain_deinit(&p);
	return said;
}

/* The bytes of INPUT that are no line ends. */
static size_t bytes_of_lines(struct bytes input)
{
	size_t n = 0;

	for (size_t i = 0; i < input.len; i++)
		n += input.data[i] != '\n' &&
		     !(input.data[i] == '\r' && i + 1 < input.len && input.data[i + 1] == '\n');
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes input = bytes_of(data, len);
	uint64_t seed = cuts_seed(input);
	size_t bytes;

	struct buffer whole = lines_of(input, cuts_of(input, SIZE_MAX, 0), 0, &bytes);
	fuzz_check(bytes == bytes_of_lines(input));
	struct buffer singly = lines_of(input, cuts_of(input, 1, 0), 0, &bytes);
	fuzz_check(bytes_equal(buffer_bytes(&whole), buffer_bytes(&singly)));
	struct buffer cut = lines_of(input, cuts_of(input, 2 * MAX, seed), 0, &bytes);
	fuzz_check(bytes_equal(buffer_bytes(&whole), buffer_bytes(&cut)));
	struct buffer flushed = lines_of(input, cuts_of(input, 2 * MAX, seed), seed, &bytes);
	fuzz_check(bytes == bytes_of_lines(input));

	buffer_deinit(&whole);
	buffer_deinit(&singly);
	buffer_deinit(&cut);
	buffer_deinit(&flushed);
	return 0;
}

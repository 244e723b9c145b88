/*
 * Whether a hello is there: read from no byte that is not, and once it is, more changes nothing.
 */

#include "wire/client_hello.h"

#include "../cuts.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes input = bytes_of(data, len), first;
	struct cuts c = cuts_of(input, len > 1000 ? 100 : 1, 0);
	bool there = false;

	while (cuts_next_prefix(&c, &first)) {
		bool now = client_hello_is_there(first);
		fuzz_check(now || !there);
		there = now;
	}
	fuzz_check(!len || there == client_hello_is_there(input));
	return 0;
}

/*
 * What a hub says its files are: a listing that is read has names, and digests that are some.
 */

#include "client/listing.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct listing l;

	if (listing_parse(&l, bytes_of(data, len)) < 0) {
		fuzz_check(!l.count && !l.entries);
		return 0;
	}
	for (size_t i = 0; i < l.count; i++) {
		const struct listing_entry *e = &l.entries[i];
		fuzz_check(!i || strcmp(l.entries[i - 1].name, e->name) <= 0);
		fuzz_check(!*e->sha256 || strlen(e->sha256) == SHA256_HEX_SIZE - 1);
	}
	listing_deinit(&l);
	return 0;
}

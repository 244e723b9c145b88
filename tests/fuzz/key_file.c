/*
 * Key files: whatever is in one, it is taken or refused in words; the table is closed either way,
 * and each key that was taken is found again.
 */

#include "server/key_file.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fault why = FAULT_NULL;
	struct access a;

	access_init(&a);
	int r = key_file_parse(&a, bytes_of(data, len), "file", &why);
	fuzz_check(!r == !why.text[0]);
	fuzz_check(a.closed);
	fuzz_check(!access_may(&a, &a.anyone, ACCESS_READ, BYTES_NULL));
	list_each (node, &a.identities) {
		const struct identity *who = container_of(node, struct identity, node);
		fuzz_check(who->proof.kind == IDENTITY_KEY);
		fuzz_check(who->name && *who->name);
		fuzz_check(access_find(&a, &who->proof) == who);
	}
	access_deinit(&a);
	return 0;
}

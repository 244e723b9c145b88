/*
 * Token files: whatever is in one, it is taken or refused whole in words that hold no secret; the
 * table is closed either way, and nobody holds what is not there.
 */

#include "server/token_file.h"

#include "fuzz.h"

#define SECRET "q3Jm0gBfQ2b7Ew1sKx8yZ4vN"

static void check_table(const struct access *a)
{
	struct proof nobody = access_token_proof(BYTES_LITERAL("a token that is in no file"));

	fuzz_check(a->closed);
	fuzz_check(!access_find(a, &nobody));
	for (int right = 0; right < ACCESS_RIGHTS; right++) {
		bool some = access_may(a, &a->anyone, right, BYTES_NULL);
		fuzz_check(some || !access_may(a, &a->anyone, right, BYTES_LITERAL("lobby")));
	}
	list_each (node, &a->identities) {
		const struct identity *who = container_of(node, struct identity, node);
		fuzz_check(access_find(a, &who->proof) == who);
		fuzz_check(identity_equal(who, who));
		access_may(a, who, ACCESS_READ, BYTES_LITERAL("aaaaaaaabaaaaaaaab"));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fault why = FAULT_NULL;
	struct access a;

	access_init(&a);
	int r = token_file_parse(&a, bytes_of(data, len), "file", &why);
	fuzz_check(!r == !why.text[0]);
	fuzz_check(!strstr(why.text, SECRET));
	check_table(&a);
	access_deinit(&a);
	return 0;
}

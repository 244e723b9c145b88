/* PROXY headers: what is whole was not whole one byte before, and what was read is written so that
 * it reads the same. */

#include "wire/proxy.h"

#include "fuzz.h"

static bool header_equal(const struct proxy_header *a, const struct proxy_header *b)
{
	return a->family == b->family && a->datagrams == b->datagrams &&
	       bytes_equal(a->from, b->from) && bytes_equal(a->to, b->to) &&
	       a->from_port == b->from_port && a->to_port == b->to_port;
}

static void try_version(int version, struct bytes whole)
{
	uint8_t out[PROXY_ENCODED_MAX];
	struct bytes rest = whole;
	struct proxy_header h;
	struct proxy_header again;
	const char *detail = NULL;

	int r = proxy_decode(version, &rest, &h, &detail);
	fuzz_check(r == 0 || r == PROXY_MORE || (r == PROXY_WRONG && detail));
	if (r)
		return;
	size_t len = whole.len - rest.len;
	fuzz_check(len > 0 && len <= (size_t)(version == 1 ? PROXY_V1_MAX : PROXY_V2_MAX));
	struct bytes cut = bytes_of(whole.data, len - 1);
	fuzz_check(proxy_decode(version, &cut, &again, &detail) == PROXY_MORE);

	struct bytes written = bytes_of(out, proxy_encode(version, &h, out));
	fuzz_check(written.len <= sizeof(out));
	fuzz_check(proxy_decode(version, &written, &again, &detail) == 0 && !written.len);
	fuzz_check(header_equal(&h, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	try_version(1, bytes_of(data, len));
	try_version(2, bytes_of(data, len));
	return 0;
}

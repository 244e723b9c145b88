/*
 * The door's first look: the same answer however the input is cut, once given it stays, and it
 * agrees with the parser about what a request is.
 */

#include "wire/sniff.h"

#include "../cuts.h"
#include "fuzz.h"
#include "wire/http_request.h"

static enum sniff look(struct cuts c)
{
	struct sniffer sniffer = SNIFFER_NULL;
	enum sniff is = sniffer_look(&sniffer, BYTES_NULL);
	struct bytes first;

	while (cuts_next_prefix(&c, &first)) {
		bool decided = is != SNIFF_MORE && is != SNIFF_MORE_BRIEFLY;
		enum sniff now = sniffer_look(&sniffer, first);
		fuzz_check(!decided || now == is);
		is = now;
	}
	return is;
}

/* Methods of other letters than these are taken for plain text. */
static bool is_shouted(struct bytes method)
{
	for (size_t i = 0; i < method.len; i++)
		if ((method.data[i] < 'A' || method.data[i] > 'Z') && (!i || method.data[i] != '-'))
			return false;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes input = bytes_of(data, len);
	struct http_scan scan = HTTP_SCAN_NULL;
	struct http_request request;
	size_t piece = len > 1000 ? 100 : 1;

	enum sniff is = look(cuts_of(input, SIZE_MAX, 0));
	fuzz_check(is == look(cuts_of(input, piece, 0)));
	fuzz_check(is == look(cuts_of(input, piece * 40, cuts_seed(input))));

	if (http_request_parse(&request, &scan, input) == 0 && data[0] > ' ' &&
		request.method != HTTP_CONNECT && is_shouted(request.method_name))
		fuzz_check(is == SNIFF_HTTP);
	return 0;
}

/*
 * Response heads: the first byte says what was asked; the rest gives the same response, or the same
 * refusal, however it is cut.
 */

#include "wire/http_response.h"

#include "../cuts.h"
#include "http_say.h"

static void say_response(struct buffer *said, const struct http_response *r, struct bytes input)
{
	fuzz_check(r->len <= input.len && r->len <= HTTP_HEAD_MAX);
	fuzz_check(r->status >= 100 && r->status <= 599);
	fuzz_check(r->framing != HTTP_UNTIL_CLOSE || !r->keep_alive);
	fuzz_check(r->framing != HTTP_LENGTH || r->content_length != HTTP_LENGTH_UNKNOWN);
	check_within(r->reason, input);
	say_number(said, (uint64_t)r->status);
	say_number(said, (uint64_t)r->minor);
	say_number(said, r->keep_alive);
	say_number(said, r->framing);
	say_number(said, r->content_length);
	say(said, r->reason);
	say_fields(said, &r->fields, input);
}

static struct buffer read_response(struct cuts c, enum http_method method)
{
	struct http_scan scan = HTTP_SCAN_NULL;
	struct buffer said = BUFFER_NULL;
	struct http_response response;
	struct bytes input;
	int r = HTTP_MORE;

	while (r == HTTP_MORE && cuts_next_prefix(&c, &input)) {
		r = http_response_parse(&response, &scan, input, method);
		fuzz_check(r == HTTP_MORE || r == HTTP_REFUSED || r == 0);
		fuzz_check(r != HTTP_REFUSED || *response.detail);
		if (r == 0)
			say_response(&said, &response, input);
	}
	say_number(&said, (uint64_t)r);
	cuts_deinit(&c);
	return said;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (!len)
		return 0;
	enum http_method method = (enum http_method)(data[0] % HTTP_METHOD_OTHER);
	struct bytes input = bytes_of(data + 1, len - 1);
	size_t piece = len > 1000 ? 100 : 1;

	struct buffer whole = read_response(cuts_of(input, SIZE_MAX, 0), method);
	struct buffer single = read_response(cuts_of(input, piece, 0), method);
	struct buffer cut = read_response(cuts_of(input, piece * 40, cuts_seed(input)), method);
	fuzz_check(bytes_equal(buffer_bytes(&whole), buffer_bytes(&single)));
	fuzz_check(bytes_equal(buffer_bytes(&whole), buffer_bytes(&cut)));
	buffer_deinit(&whole);
	buffer_deinit(&single);
	buffer_deinit(&cut);
	return 0;
}

/* Event streams: the same events however the input is cut, nothing larger than allowed; and a
 * message with the input as its body comes out as it went in. */

#include "wire/sse.h"
#include "../cuts.h"
#include "fuzz.h"
#include "wire/json.h"

enum { MAX = 100 };

static struct buffer events_of(struct cuts c)
{
	struct buffer said = BUFFER_NULL;
	struct sse s = SSE_NULL;
	struct sse_event event;
	struct bytes block;
	int r = SSE_MORE;

	while (r >= 0 && cuts_next(&c, &block)) {
		while ((r = sse_next(&s, &block, MAX, &event)) == SSE_EVENT) {
			fuzz_check(event.type.len && event.data.len <= MAX);
			fuzz_check(!buffer_print(&said, "%zu %zu %zu:", event.type.len,
				event.data.len, event.id.len));
			fuzz_check(!buffer_append(&said, event.type.data, event.type.len));
			fuzz_check(!buffer_append(&said, event.data.data, event.data.len));
			fuzz_check(!buffer_append(&said, event.id.data, event.id.len));
		}
		fuzz_check(r < 0 || !block.len);
	}
	if (r < 0)
		free(c.block);
	fuzz_check(!buffer_print(&said, "%s %u", r < 0 ? "over" : "", s.retry_ms));
	sse_deinit(&s);
	return said;
}

static void check_round_trip(struct bytes body)
{
	struct message m = {.id = 7, .body = body};
	size_t size = sse_size(&m);
	uint8_t *text = malloc(size);
	struct sse s = SSE_NULL;
	struct sse_event event;
	struct json_line line;

	fuzz_check(text && sse_encode(&m, text) == size);
	struct bytes in = bytes_of(text, size);
	fuzz_check(sse_next(&s, &in, size, &event) == SSE_EVENT && !in.len);
	fuzz_check(bytes_equal(event.id, bytes_text("7")));
	fuzz_check(json_line_decode(event.data, &line, NULL) == JSON_MESSAGE);
	fuzz_check(bytes_equal(line.message.body, body));
	json_line_deinit(&line);
	sse_deinit(&s);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes input = bytes_of(data, len);
	struct buffer whole = events_of(cuts_of(input, SIZE_MAX, 0));
	struct buffer singly = events_of(cuts_of(input, 1, 0));
	struct buffer cut = events_of(cuts_of(input, 20, cuts_seed(input)));

	fuzz_check(bytes_equal(buffer_bytes(&whole), buffer_bytes(&singly)));
	fuzz_check(bytes_equal(buffer_bytes(&whole), buffer_bytes(&cut)));
	check_round_trip(input);
	buffer_deinit(&whole);
	buffer_deinit(&singly);
	buffer_deinit(&cut);
	return 0;
}

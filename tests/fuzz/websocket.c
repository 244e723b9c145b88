/*
 * WebSocket frames, in both roles: the same events however the input is cut, text that is UTF-8,
 * nothing larger than allowed and nothing behind the end; and the input itself, sent as a message
 * in fragments, reads back.
 */

#include "wire/websocket.h"
#include "../cuts.h"
#include "fuzz.h"

enum { MAX = 300 };

static void check_event(int r, const struct websocket_event *event, bool over)
{
	fuzz_check(!over);
	if (r == WEBSOCKET_MESSAGE) {
		fuzz_check(event->payload.len <= MAX);
		fuzz_check(!event->is_text || utf8_valid(event->payload));
	} else {
		fuzz_check(event->payload.len <= WEBSOCKET_CONTROL_PAYLOAD_MAX);
	}
	if (r == WEBSOCKET_CLOSE)
		fuzz_check(utf8_valid(event->payload) && event->code >= 1000);
}

static struct buffer events_of(enum websocket_role role, struct cuts c)
{
	struct buffer said = BUFFER_NULL;
	struct websocket_event event = {0};
	struct websocket w;
	struct bytes block;
	bool over = false;
	int r;

	websocket_init(&w, role);
	while (cuts_next(&c, &block)) {
		while ((r = websocket_next(&w, &block, MAX, &event)) > 0) {
			check_event(r, &event, over);
			over = r == WEBSOCKET_CLOSE || r == WEBSOCKET_FAILED;
			fuzz_check(!buffer_print(&said, "%d %d %d %zu:", r, event.code,
				event.is_text, event.payload.len));
			fuzz_check(!buffer_append(&said, event.payload.data, event.payload.len));
		}
		fuzz_check(r == WEBSOCKET_MORE && !block.len);
		fuzz_check(websocket_memory(&w) <= 2 * (MAX + WEBSOCKET_CONTROL_PAYLOAD_MAX));
	}
	websocket_deinit(&w);
	return said;
}

static void check_cuts(enum websocket_role role, struct bytes input)
{
	struct buffer whole = events_of(role, cuts_of(input, SIZE_MAX, 0));
	struct buffer singly = events_of(role, cuts_of(input, 1, 0));
	struct buffer cut = events_of(role, cuts_of(input, 20, cuts_seed(input)));

	fuzz_check(bytes_equal(buffer_bytes(&whole), buffer_bytes(&singly)));
	fuzz_check(bytes_equal(buffer_bytes(&whole), buffer_bytes(&cut)));
	buffer_deinit(&whole);
	buffer_deinit(&singly);
	buffer_deinit(&cut);
}

/* Sends BODY in two fragments with a ping between them, masked as a client does. */
static void check_round_trip(struct bytes body)
{
	uint64_t seed = cuts_seed(body);
	uint8_t key[4] = {(uint8_t)seed, (uint8_t)(seed >> 8), (uint8_t)(seed >> 16), 1};
	size_t cut = cuts_random(&seed, body.len + 1);
	struct buffer frames = BUFFER_NULL;
	struct websocket_event event;
	struct websocket w;
	struct bytes block;
	bool got = false;
	uint8_t *to;

	fuzz_check(!buffer_reserve(&frames, body.len + 3 * WEBSOCKET_HEAD_MAX, &to));
	size_t len = websocket_frame(to, WEBSOCKET_OPCODE_BINARY, bytes_of(body.data, cut), key);
	to[0] &= 0x7f;
	len += websocket_frame(to + len, WEBSOCKET_OPCODE_PING, BYTES_NULL, key);
	len += websocket_frame(to + len, WEBSOCKET_OPCODE_CONTINUATION,
		bytes_of(body.data + cut, body.len - cut), key);
	buffer_commit(&frames, len);

	websocket_init(&w, WEBSOCKET_SERVER);
	for (struct cuts c = cuts_of(buffer_bytes(&frames), 50, seed); cuts_next(&c, &block);)
		for (int r; (r = websocket_next(&w, &block, body.len, &event));) {
			fuzz_check(r == WEBSOCKET_PING || r == WEBSOCKET_MESSAGE);
			got = got || (r == WEBSOCKET_MESSAGE && bytes_equal(event.payload, body));
		}
	fuzz_check(got);
	websocket_deinit(&w);
	buffer_deinit(&frames);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes input = bytes_of(data, len);

	check_cuts(WEBSOCKET_CLIENT, input);
	check_cuts(WEBSOCKET_SERVER, input);
	if (len)
		check_round_trip(input);
	return 0;
}

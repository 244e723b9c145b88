/*
 * The case classes of the Autobahn test suite that RFC 6455 without extensions covers. A row holds
 * frames as a client receives them, and what they say; each row runs in both roles (masked for the
 * server) and is fed whole, byte by byte and at random cuts.
 *
 * What they say: T text, B binary, P ping, O pong, C close, F failed; `|` ends an event.
 */

#include "wire/websocket.h"

#include <stdio.h>
#include <stdlib.h>

#include "../cuts.h"
#include "test.h"

enum { MAX = 1000 };

#define REASON_123                                                                                 \
	"0123456789012345678901234567890123456789012345678901234567890123456789"                   \
	"01234567890123456789012345678901234567890123456789012"
#define PING_125 REASON_123 "34"

static const struct {
	const char *name;
	struct bytes input;
	const char *says;
} cases[] = {
	/* 1: framing */
	{"text", BYTES_INIT("\x81\x05Hello"), "T Hello|"},
	{"empty text", BYTES_INIT("\x81\0"), "T |"},
	{"binary", BYTES_INIT("\x82\x05Hello"), "B Hello|"},
	{"empty binary", BYTES_INIT("\x82\0"), "B |"},
	{"any byte", BYTES_INIT("\x82\x04\xff\xfe\n\x80"), "B \xff\xfe\n\x80|"},
	{"two", BYTES_INIT("\x81\2hi\x82\2ho"), "T hi|B ho|"},
	{"125", BYTES_INIT("\x81\x7d" PING_125), "T " PING_125 "|"},
	{"126", BYTES_INIT("\x81\x7e\0\x7e" PING_125 "x"), "T " PING_125 "x|"},
	{"no more than the head needs", BYTES_INIT("\x81\x7e\0\x05Hello"), "F1002|"},
	{"nor eight bytes", BYTES_INIT("\x81\x7f\0\0\0\0\0\0\xff\xff"), "F1002|"},
	{"64 bits of length", BYTES_INIT("\x81\x7f\x80\0\0\0\0\1\0\0"), "F1002|"},
	{"too long", BYTES_INIT("\x81\x7e\3\xe9"), "F1009|"},
	{"much too long", BYTES_INIT("\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"), "F1009|"},
	{"cut", BYTES_INIT("\x81\x05Hell"), ""},

	/* 2: pings and pongs */
	{"ping", BYTES_INIT("\x89\0"), "P |"},
	{"ping with payload", BYTES_INIT("\x89\x05Hello"), "P Hello|"},
	{"ping with binary", BYTES_INIT("\x89\4\0\xff\xfe\xfd\x89\0"), "P \\0\xff\xfe\xfd|P |"},
	{"ping 125", BYTES_INIT("\x89\x7d" PING_125), "P " PING_125 "|"},
	{"ping 126", BYTES_INIT("\x89\x7e\0\x7e" PING_125 "x"), "F1002|"},
	{"pong unasked", BYTES_INIT("\x8a\0"), "O |"},
	{"pong with payload", BYTES_INIT("\x8a\2hi\x89\2ho"), "O hi|P ho|"},
	{"pong 126", BYTES_INIT("\x8a\x7e\0\x7e" PING_125 "x"), "F1002|"},
	{"pings", BYTES_INIT("\x89\1a\x89\1b\x89\1c\x89\1d"), "P a|P b|P c|P d|"},

	/* 3: reserved bits */
	{"rsv3", BYTES_INIT("\x91\2hi"), "F1002|"},
	{"rsv2 behind a text", BYTES_INIT("\x81\2hi\xa1\2ho\x89\0"), "T hi|F1002|"},
	{"rsv1", BYTES_INIT("\xc1\2hi"), "F1002|"},
	{"rsv binary", BYTES_INIT("\xd2\2hi"), "F1002|"},
	{"rsv ping", BYTES_INIT("\xe9\2hi"), "F1002|"},
	{"rsv close", BYTES_INIT("\xf8\0"), "F1002|"},

	/* 4: opcodes */
	{"opcode 3", BYTES_INIT("\x83\0"), "F1002|"},
	{"opcode 4", BYTES_INIT("\x84\2hi"), "F1002|"},
	{"opcode 5", BYTES_INIT("\x81\2hi\x85\0\x89\0"), "T hi|F1002|"},
	{"opcode 6", BYTES_INIT("\x81\2hi\x86\2hi"), "T hi|F1002|"},
	{"opcode 7", BYTES_INIT("\x87\0"), "F1002|"},
	{"opcode 11", BYTES_INIT("\x8b\0"), "F1002|"},
	{"opcode 12", BYTES_INIT("\x8c\2hi"), "F1002|"},
	{"opcode 13", BYTES_INIT("\x81\2hi\x8d\0"), "T hi|F1002|"},
	{"opcode 14", BYTES_INIT("\x8e\2hi"), "F1002|"},
	{"opcode 15", BYTES_INIT("\x8f\0"), "F1002|"},

	/* 5: fragmentation */
	{"ping in two", BYTES_INIT("\x09\2hi\x80\2ho"), "F1002|"},
	{"pong in two", BYTES_INIT("\x0a\2hi\x80\2ho"), "F1002|"},
	{"close in two", BYTES_INIT("\x08\2\3\xe8\x80\0"), "F1002|"},
	{"text in two", BYTES_INIT("\1\2hi\x80\2ho"), "T hiho|"},
	{"binary in three", BYTES_INIT("\2\2hi\0\1-\x80\2ho"), "B hi-ho|"},
	{"ping within", BYTES_INIT("\1\2hi\x89\4ping\x80\2ho"), "P ping|T hiho|"},
	{"pings within",
		BYTES_INIT("\1\1a\x89\1"
			   "1\0\1b\x8a\1"
			   "2\0\1c\x89\0\x80\1d\x89\1"
			   "3"),
		"P 1|O 2|P |T abcd|P 3|"},
	{"empty fragments", BYTES_INIT("\1\0\0\0\x80\0"), "T |"},
	{"all in one of them", BYTES_INIT("\1\0\0\2hi\x80\0"), "T hi|"},
	{"message behind one in two", BYTES_INIT("\1\2hi\x80\2ho\x82\1x"), "T hiho|B x|"},
	{"nothing to continue", BYTES_INIT("\x80\2hi\x81\2ho"), "F1002|"},
	{"nothing to continue, unfinished", BYTES_INIT("\0\2hi\x81\2ho"), "F1002|"},
	{"continued behind its end", BYTES_INIT("\1\2hi\x80\2ho\0\2hi"), "T hiho|F1002|"},
	{"continued behind a whole one", BYTES_INIT("\x81\2hi\x80\0"), "T hi|F1002|"},
	{"text within a text", BYTES_INIT("\1\2hi\x81\2ho"), "F1002|"},
	{"binary within a text", BYTES_INIT("\1\2hi\2\2ho"), "F1002|"},
	{"close within a text", BYTES_INIT("\1\2hi\x88\2\3\xe8\x80\2ho"), "C1000 |"},
	{"fragments too long", BYTES_INIT("\2\1x\0\1y\x80\x7e\3\xe7"), "F1009|"},
	{"a fragment cut", BYTES_INIT("\1\2hi\x89\4pin"), ""},

	/* 6: UTF-8 */
	{"greek", BYTES_INIT("\x81\x0b\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"),
		"T \xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5|"},
	{"a character in two", BYTES_INIT("\1\1\xce\x80\1\xba"), "T \xce\xba|"},
	{"a character in four", BYTES_INIT("\1\1\xf0\0\1\x9f\0\1\x98\x80\1\x80"),
		"T \xf0\x9f\x98\x80|"},
	{"a ping in a character", BYTES_INIT("\1\1\xce\x89\1\xff\x80\1\xba"), "P \xff|T \xce\xba|"},
	{"wrong", BYTES_INIT("\x81\x04hi\xff."), "F1007|"},
	{"wrong in the first fragment", BYTES_INIT("\1\3hi\xff"), "F1007|"},
	{"wrong in the second", BYTES_INIT("\1\2hi\0\1\xff"), "F1007|"},
	{"wrong across two", BYTES_INIT("\1\1\xce\0\1."), "F1007|"},
	{"surrogate", BYTES_INIT("\x81\3\xed\xa0\x80"), "F1007|"},
	{"overlong", BYTES_INIT("\x81\2\xc0\xaf"), "F1007|"},
	{"above the last", BYTES_INIT("\x81\4\xf4\x90\x80\x80"), "F1007|"},
	{"the last", BYTES_INIT("\x81\4\xf4\x8f\xbf\xbf"), "T \xf4\x8f\xbf\xbf|"},
	{"no character, but UTF-8", BYTES_INIT("\x81\3\xef\xbf\xbf"), "T \xef\xbf\xbf|"},
	{"a character not ended", BYTES_INIT("\x81\2\xe2\x82"), "F1007|"},
	{"not ended in fragments", BYTES_INIT("\1\2\xe2\x82\x80\0"), "F1007|"},
	{"nul", BYTES_INIT("\x81\3a\0b"), "T a\\0b|"},
	{"binary is not checked", BYTES_INIT("\2\1\xff\x80\1\xff"), "B \xff\xff|"},
	{"the next text begins afresh", BYTES_INIT("\x82\1\xe2\x81\1a"), "B \xe2|T a|"},

	/* 7: close */
	{"close", BYTES_INIT("\x88\2\3\xe8"), "C1000 |"},
	{"close without code", BYTES_INIT("\x88\0"), "C1005 |"},
	{"close with half a code", BYTES_INIT("\x88\1\3"), "F1002|"},
	{"close with reason",
		BYTES_INIT("\x88\5\3\xe9"
			   "bye"),
		"C1001 bye|"},
	{"close with 123 bytes of reason", BYTES_INIT("\x88\x7d\3\xe8" REASON_123),
		"C1000 " REASON_123 "|"},
	{"close 126", BYTES_INIT("\x88\x7e\0\x7e\3\xe8" PING_125), "F1002|"},
	{"close with wrong reason", BYTES_INIT("\x88\3\3\xe8\xff"), "F1007|"},
	{"close with half a character", BYTES_INIT("\x88\4\3\xe8\xe2\x82"), "F1007|"},
	{"close twice", BYTES_INIT("\x88\0\x88\0"), "C1005 |"},
	{"ping behind close", BYTES_INIT("\x88\0\x89\0"), "C1005 |"},
	{"text behind close", BYTES_INIT("\x88\2\3\xe8\x81\2hi"), "C1000 |"},
	{"nonsense behind close", BYTES_INIT("\x88\2\3\xe8\xff\xff\xff\xff"), "C1000 |"},
	{"message, then close", BYTES_INIT("\x81\2hi\x88\2\3\xe8"), "T hi|C1000 |"},
};

static const uint8_t key[4] = {0x37, 0xfa, 0x21, 0x3d};

static void say(struct buffer *said, int r, const struct websocket_event *e)
{
	static const char letters[] = " TPOCF";

	if (r == WEBSOCKET_FAILED) {
		buffer_print(said, "F%d|", e->code);
		assert_int_not_equal(e->payload.len, 0);
		return;
	}
	buffer_print(said, "%c", r == WEBSOCKET_MESSAGE && !e->is_text ? 'B' : letters[r]);
	if (r == WEBSOCKET_CLOSE)
		buffer_print(said, "%d", e->code);
	buffer_print(said, " ");
	for (size_t i = 0; i < e->payload.len; i++)
		buffer_print(said, e->payload.data[i] ? "%c" : "\\0", e->payload.data[i]);
	buffer_print(said, "|");
}

static struct buffer feed(enum websocket_role role, struct cuts c, size_t max)
{
	struct buffer said = BUFFER_NULL;
	struct websocket_event event;
	struct websocket w;
	struct bytes block;
	int r;

	websocket_init(&w, role);
	while (cuts_next(&c, &block)) {
		while ((r = websocket_next(&w, &block, max, &event)) > 0)
			say(&said, r, &event);
		assert_int_equal(r, WEBSOCKET_MORE);
		assert_int_equal(block.len, 0);
		assert_true(websocket_memory(&w) <= 2 * (max + WEBSOCKET_CONTROL_PAYLOAD_MAX));
	}
	websocket_deinit(&w);
	return said;
}

static void assert_says(
	const char *name, enum websocket_role role, struct cuts c, size_t max, struct bytes says)
{
	struct buffer said = feed(role, c, max);

	if (!bytes_equal(buffer_bytes(&said), says))
		fail_msg("%s, role %d: said %.*s", name, role, (int)buffer_len(&said),
			(const char *)said.data);
	buffer_deinit(&said);
}

static void assert_says_at_cuts(
	const char *name, enum websocket_role role, struct bytes input, struct bytes says)
{
	assert_says(name, role, cuts_of(input, SIZE_MAX, 0), MAX, says);
	for (size_t len = 1; len < 10; len++)
		assert_says(name, role, cuts_of(input, len, 0), MAX, says);
	for (uint64_t seed = 1; seed < 30; seed++)
		assert_says(name, role, cuts_of(input, 12, seed), MAX, says);
}

/* The same frames masked, each with a key of its own. */
static struct buffer masked(struct bytes in)
{
	struct buffer out = BUFFER_NULL;
	uint64_t seed = 1 + in.len;

	while (in.len >= 2) {
		size_t form = in.data[1];
		size_t head = form == 127 ? 10 : form == 126 ? 4 : 2;
		size_t len = form;
		if (form >= 126)
			for (size_t i = len = 0; i < head - 2; i++)
				len = len << 8 | in.data[2 + i];
		if (len > in.len - head)
			len = in.len - head;

		uint8_t own[4];
		for (size_t i = 0; i < 4; i++)
			own[i] = (uint8_t)cuts_random(&seed, 256);
		uint8_t second = (uint8_t)(form | 0x80);
		buffer_append(&out, in.data, 1);
		buffer_append(&out, &second, 1);
		buffer_append(&out, in.data + 2, head - 2);
		buffer_append(&out, own, 4);
		for (size_t i = 0; i < len; i++) {
			uint8_t byte = in.data[head + i] ^ own[i % 4];
			buffer_append(&out, &byte, 1);
		}
		in = bytes_skip(in, head + len);
	}
	return out;
}

static void says_the_same_at_every_cut(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct bytes says = bytes_text(cases[i].says);
		struct buffer in = masked(cases[i].input);

		assert_says_at_cuts(cases[i].name, WEBSOCKET_CLIENT, cases[i].input, says);
		assert_says_at_cuts(cases[i].name, WEBSOCKET_SERVER, buffer_bytes(&in), says);
		buffer_deinit(&in);
	}
}

static void wants_masks_from_clients_only(void **state)
{
	struct bytes bare = BYTES_LITERAL("\x81\2hi");
	struct buffer in = masked(bare);

	assert_says_at_cuts("bare", WEBSOCKET_SERVER, bare, bytes_text("F1002|"));
	assert_says_at_cuts("masked", WEBSOCKET_CLIENT, buffer_bytes(&in), bytes_text("F1002|"));
	buffer_deinit(&in);
}

/* The example of section 5.7. */
static void masks_as_the_example(void **state)
{
	uint8_t frame[32];

	assert_int_equal(
		websocket_frame(frame, WEBSOCKET_OPCODE_TEXT, bytes_text("Hello"), key), 11);
	assert_memory_equal(frame, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11);
}

static void judges_close_codes(void **state)
{
	for (unsigned code = 0; code <= 0xffff; code++) {
		bool valid = (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) ||
			     (code >= 3000 && code < 5000);
		uint8_t frame[WEBSOCKET_CONTROL_MAX];
		char says[16];

		if (code == WEBSOCKET_CODE_NONE)
			continue;
		size_t len = websocket_close(frame, (uint16_t)code, BYTES_NULL, NULL);
		snprintf(says, sizeof(says), valid ? "C%u |" : "F1002|", code);
		assert_says(says, WEBSOCKET_CLIENT, cuts_of(bytes_of(frame, len), SIZE_MAX, 0), MAX,
			bytes_text(says));
	}
}

static void writes_closes(void **state)
{
	uint8_t frame[WEBSOCKET_CONTROL_MAX];
	char reason[200];

	assert_int_equal(
		websocket_close(frame, WEBSOCKET_CODE_NONE, bytes_text("never sent"), NULL), 2);
	assert_memory_equal(frame, "\x88\0", 2);
	assert_int_equal(websocket_close(frame, 1001, bytes_text("bye"), NULL), 7);
	assert_memory_equal(frame,
		"\x88\5\3\xe9"
		"bye",
		7);

	/* a long reason is cut, not within a character */
	memset(reason, 'x', sizeof(reason));
	memcpy(reason + 122, "\xc3\xa4", 2);
	size_t len = websocket_close(frame, 1000, bytes_of(reason, sizeof(reason)), key);
	assert_int_equal(len, 2 + 4 + 2 + 122);
	struct buffer said =
		feed(WEBSOCKET_SERVER, cuts_of(bytes_of(frame, len), SIZE_MAX, 0), MAX);
	assert_int_equal(buffer_len(&said), strlen("C1000 ") + 122 + 1);
	buffer_deinit(&said);
}

/* Every form of length, both ways, whole and in parts (cases 1 and 9). */
static void carries_every_length(void **state)
{
	static const size_t lengths[] = {
		0, 1, 2, 7, 8, 9, 124, 125, 126, 127, 128, 65535, 65536, 300000};
	uint64_t seed = 7;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		size_t len = lengths[i];
		uint8_t *body = malloc(len + 1);
		struct buffer says = BUFFER_NULL;
		for (size_t k = 0; k < len; k++)
			body[k] = (uint8_t)(' ' + cuts_random(&seed, 90));
		buffer_append(&says, "B ", 2);
		buffer_append(&says, body, len);
		buffer_append(&says, "|", 1);

		for (int role = WEBSOCKET_SERVER; role <= WEBSOCKET_CLIENT; role++) {
			bool mask = role == WEBSOCKET_SERVER;
			size_t size = websocket_frame_size(len, mask);
			uint8_t *frame = malloc(size);
			assert_int_equal(websocket_frame(frame, WEBSOCKET_OPCODE_BINARY,
						 bytes_of(body, len), mask ? key : NULL),
				size);
			struct bytes in = bytes_of(frame, size);
			assert_says(
				"whole", role, cuts_of(in, SIZE_MAX, 0), len, buffer_bytes(&says));
			assert_says("in parts", role, cuts_of(in, 1 + len / 3, 0), len,
				buffer_bytes(&says));
			assert_says("in random parts", role, cuts_of(in, 1 + len / 5, 11), len,
				buffer_bytes(&says));
			if (len)
				assert_says("too long", role, cuts_of(in, SIZE_MAX, 0), len - 1,
					bytes_text("F1009|"));
			free(frame);
		}
		buffer_deinit(&says);
		free(body);
	}
}

/* A random talk: messages in random fragments with pings between them, read back at random cuts. */
static void reads_back_what_is_sent(void **state)
{
	uint64_t seed = 99;

	for (int round = 0; round < 200; round++) {
		struct buffer bare = BUFFER_NULL;
		struct buffer says = BUFFER_NULL;

		for (int i = 0; i < 10; i++) {
			size_t fragments = 1 + cuts_random(&seed, 4);
			struct buffer text = BUFFER_NULL;
			for (size_t k = 0; k < fragments; k++) {
				uint8_t frame[300];
				uint8_t part[200];
				size_t len = cuts_random(&seed, sizeof(part));
				memset(part, (int)('a' + k), len);
				buffer_append(&text, part, len);
				size_t size = websocket_frame(frame,
					k ? WEBSOCKET_OPCODE_CONTINUATION : WEBSOCKET_OPCODE_TEXT,
					bytes_of(part, len), NULL);
				if (k + 1 < fragments)
					frame[0] &= 0x7f;
				buffer_append(&bare, frame, size);
				if (k + 1 < fragments && cuts_random(&seed, 2)) {
					buffer_append(&bare, "\x89\3now", 5);
					buffer_print(&says, "P now|");
				}
			}
			buffer_print(&says, "T %.*s|", (int)buffer_len(&text),
				text.data ? (const char *)text.data : "");
			buffer_deinit(&text);
		}
		struct buffer in = masked(buffer_bytes(&bare));
		assert_says("talk", WEBSOCKET_CLIENT, cuts_of(buffer_bytes(&bare), 400, seed), MAX,
			buffer_bytes(&says));
		assert_says("talk", WEBSOCKET_SERVER, cuts_of(buffer_bytes(&in), 400, seed), MAX,
			buffer_bytes(&says));
		buffer_deinit(&bare);
		buffer_deinit(&says);
		buffer_deinit(&in);
	}
}

static void points_into_the_block(void **state)
{
	uint8_t block[64];
	struct websocket_event event;
	struct websocket w;

	assert_true(sizeof(w) <= 64);
	websocket_init(&w, WEBSOCKET_SERVER);
	size_t len = websocket_frame(block, WEBSOCKET_OPCODE_TEXT, bytes_text("Hello"), key);
	struct bytes in = bytes_of(block, len);
	assert_int_equal(websocket_next(&w, &in, MAX, &event), WEBSOCKET_MESSAGE);
	assert_ptr_equal(event.payload.data, block + 6);
	assert_true(bytes_equal(event.payload, bytes_text("Hello")));
	assert_int_equal(websocket_memory(&w), 0);

	/* gathered when it comes in parts, and nothing is held afterwards */
	len = websocket_frame(block, WEBSOCKET_OPCODE_TEXT, bytes_text("Hello"), key);
	in = bytes_of(block, 8);
	assert_int_equal(websocket_next(&w, &in, MAX, &event), WEBSOCKET_MORE);
	assert_int_not_equal(websocket_memory(&w), 0);
	in = bytes_of(block + 8, len - 8);
	assert_int_equal(websocket_next(&w, &in, MAX, &event), WEBSOCKET_MESSAGE);
	assert_true(bytes_equal(event.payload, bytes_text("Hello")));
	assert_int_equal(websocket_next(&w, &in, MAX, &event), WEBSOCKET_MORE);
	assert_int_equal(websocket_memory(&w), 0);
	websocket_deinit(&w);
}

static void assert_encodes(size_t (*size)(const struct message *),
	size_t (*encode)(const struct message *, uint8_t *), const struct message *m,
	const char *says)
{
	size_t len = size(m);
	uint8_t *frame = malloc(len);

	assert_int_equal(encode(m, frame), len);
	assert_says("encoded", WEBSOCKET_CLIENT, cuts_of(bytes_of(frame, len), SIZE_MAX, 0), MAX,
		bytes_text(says));
	free(frame);
}

static void encodes_messages(void **state)
{
	struct message m = {
		.id = 7,
		.topic = bytes_text("lobby"),
		.from = bytes_text("anna"),
		.body = bytes_text("hi \xc3\xa4"),
	};
	uint8_t notice[64];

	assert_encodes(websocket_message_size, websocket_message_encode, &m, "T hi \xc3\xa4|");
	assert_encodes(websocket_json_size, websocket_json_encode, &m,
		"T {\"id\":7,\"time\":\"1970-01-01T00:00:00.000Z\",\"topic\":\"lobby\","
		"\"from\":\"anna\",\"text\":\"hi \xc3\xa4\"}|");
	m.body = bytes_text("\xff");
	assert_encodes(websocket_message_size, websocket_message_encode, &m, "B \xff|");
	m.body = bytes_text(PING_125 PING_125);
	assert_encodes(
		websocket_message_size, websocket_message_encode, &m, "T " PING_125 PING_125 "|");

	assert_int_equal(websocket_message_skipped(7, notice), 0);
	size_t len = websocket_json_skipped(7, notice);
	assert_says("notice", WEBSOCKET_CLIENT, cuts_of(bytes_of(notice, len), SIZE_MAX, 0), MAX,
		bytes_text("T {\"skipped\":7}|"));
}

static void masks_any_length(void **state)
{
	for (size_t len = 0; len < 40; len++) {
		uint8_t data[40] = {0};
		uint8_t head[WEBSOCKET_HEAD_MAX];

		websocket_mask(data, len, key);
		for (size_t i = 0; i < sizeof(data); i++)
			assert_int_equal(data[i], i < len ? key[i % 4] : 0);
		assert_int_equal(websocket_head(head, WEBSOCKET_OPCODE_TEXT, len, key), 6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_the_same_at_every_cut),
		cmocka_unit_test(wants_masks_from_clients_only),
		cmocka_unit_test(masks_as_the_example),
		cmocka_unit_test(judges_close_codes),
		cmocka_unit_test(writes_closes),
		cmocka_unit_test(carries_every_length),
		cmocka_unit_test(reads_back_what_is_sent),
		cmocka_unit_test(points_into_the_block),
		cmocka_unit_test(encodes_messages),
		cmocka_unit_test(masks_any_length),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

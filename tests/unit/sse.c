#include "wire/sse.h"

#include <errno.h>
#include <stdlib.h>

#include "../cuts.h"
#include "test.h"
#include "wire/json.h"

enum { MAX = 64 };

/* A stream and its events: TYPE/ID=DATA, `|` behind each; `!` where it cannot go on. */
static const struct {
	const char *name;
	struct bytes input;
	const char *events;
} cases[] = {
	{"nothing", BYTES_INIT(""), ""},
	{"one", BYTES_INIT("data: hi\n\n"), "message/=hi|"},
	{"without a space", BYTES_INIT("data:hi\n\n"), "message/=hi|"},
	{"with two", BYTES_INIT("data:  hi\n\n"), "message/= hi|"},
	{"crlf", BYTES_INIT("data: hi\r\n\r\n"), "message/=hi|"},
	{"cr", BYTES_INIT("data: hi\r\rdata: ho\r\r"), "message/=hi|message/=ho|"},
	{"mixed", BYTES_INIT("data: a\r\ndata: b\ndata: c\r\r\ndata: d\n\r"),
		"message/=a\nb\nc|message/=d|"},
	{"lines", BYTES_INIT("data: YHOO\ndata: +2\ndata: 10\n\n"), "message/=YHOO\n+2\n10|"},
	{"empty data", BYTES_INIT("data\n\ndata\ndata\n\ndata:\n\n"),
		"message/=|message/=\n|message/=|"},
	{"without data", BYTES_INIT("event: x\nid: 1\n\ndata: hi\n\n"), "message/1=hi|"},
	{"not ended", BYTES_INIT("data: hi\n\ndata: ho\n"), "message/=hi|"},
	{"comments", BYTES_INIT(": hi\n\n:\n\ndata: a\n:data: b\n\n"), "message/=a|"},
	{"heartbeat", BYTES_INIT(SSE_HEARTBEAT "data: a\n\n" SSE_HEARTBEAT), "message/=a|"},
	{"ids", BYTES_INIT("data: a\nid: 1\n\ndata: b\nid\n\ndata: c\n\nid:2\ndata:d\n\n"),
		"message/1=a|message/=b|message/=c|message/2=d|"},
	{"an id stays", BYTES_INIT("id: 7\ndata: a\n\ndata: b\n\n"), "message/7=a|message/7=b|"},
	{"an id with nul", BYTES_INIT("id: 7\nid: 8\0\ndata: a\n\n"), "message/7=a|"},
	{"types", BYTES_INIT("event: add\ndata: 1\n\ndata: 2\n\nevent: x\nevent: y\ndata: 3\n\n"),
		"add/=1|message/=2|y/=3|"},
	{"empty type", BYTES_INIT("event: x\nevent:\ndata: 1\n\n"), "message/=1|"},
	{"unknown fields", BYTES_INIT("Data: a\ndatas: b\n data: c\nx\ndata: d\n\n"),
		"message/=d|"},
	{"mark of order",
		BYTES_INIT("\xef\xbb\xbf"
			   "data: a\n\n\xef\xbb\xbf"
			   "data: b\n\ndata: c\n\n"),
		"message/=a|message/=c|"},
	{"a line of max",
		BYTES_INIT("data: 0123456789012345678901234567890123456789012345678901234"
			   "567\n\n"),
		"message/=0123456789012345678901234567890123456789012345678901234567|"},
	{"a longer one",
		BYTES_INIT("data: 01234567890123456789012345678901234567890123456789012345"
			   "678\n\n"),
		"!"},
	{"much data",
		BYTES_INIT("data: 0123456789012345678901234567890123456789\n"
			   "data: 0123456789012345678901234567890123456789\n\n"),
		"!"},
};

static void say(struct buffer *said, const struct sse_event *e)
{
	buffer_append(said, e->type.data, e->type.len);
	buffer_append(said, "/", 1);
	buffer_append(said, e->id.data, e->id.len);
	buffer_append(said, "=", 1);
	buffer_append(said, e->data.data, e->data.len);
	buffer_append(said, "|", 1);
}

static struct buffer feed(struct cuts c, size_t max)
{
	struct buffer said = BUFFER_NULL;
	struct sse s = SSE_NULL;
	struct sse_event event;
	struct bytes block;
	int r = 0;

	while (r >= 0 && cuts_next(&c, &block)) {
		while ((r = sse_next(&s, &block, max, &event)) == SSE_EVENT)
			say(&said, &event);
		if (r == SSE_MORE)
			assert_int_equal(block.len, 0);
	}
	if (r < 0) {
		assert_int_equal(r, -EMSGSIZE);
		buffer_append(&said, "!", 1);
		free(c.block);
	}
	sse_deinit(&s);
	return said;
}

static void assert_events(const char *name, struct cuts c, size_t max, struct bytes events)
{
	struct buffer said = feed(c, max);

	if (!bytes_equal(buffer_bytes(&said), events))
		fail_msg("%s: gave %.*s", name, (int)buffer_len(&said), (const char *)said.data);
	buffer_deinit(&said);
}

static void gives_the_same_events_at_every_cut(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct bytes events = bytes_text(cases[i].events);

		assert_events(cases[i].name, cuts_of(cases[i].input, SIZE_MAX, 0), MAX, events);
		for (size_t len = 1; len < 8; len++)
			assert_events(cases[i].name, cuts_of(cases[i].input, len, 0), MAX, events);
		for (uint64_t seed = 1; seed < 50; seed++)
			assert_events(
				cases[i].name, cuts_of(cases[i].input, 20, seed), MAX, events);
	}
}

static void takes_retry(void **state)
{
	static const struct {
		const char *line;
		uint32_t ms;
	} lines[] = {
		{"retry: 3000\n", 3000},
		{"retry:0\n", 0},
		{"retry: 4294967295\n", UINT32_MAX},
		{"retry\n", 1},
		{"retry: -1\n", 1},
		{"retry: 10s\n", 1},
		{"retry: 4294967296\n", 1},
		{"retry: 99999999999999999999999\n", 1},
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct sse s = {.retry_ms = 1};
		struct sse_event event;
		struct bytes in = bytes_text(lines[i].line);

		assert_int_equal(sse_next(&s, &in, MAX, &event), SSE_MORE);
		assert_int_equal(s.retry_ms, lines[i].ms);
		sse_deinit(&s);
	}
}

static void encodes(void **state)
{
	struct message m = {
		.id = 7,
		.topic = bytes_text("lobby"),
		.from = bytes_text("anna"),
		.body = bytes_text("hi\r\nho"),
	};
	static const char want[] =
		"id: 7\ndata: {\"id\":7,\"time\":\"1970-01-01T00:00:00.000Z\",\"topic\":\"lobby\","
		"\"from\":\"anna\",\"text\":\"hi\\r\\nho\"}\n\n";
	uint8_t to[256];

	assert_int_equal(sse_size(&m), sizeof(want) - 1);
	assert_int_equal(sse_encode(&m, to), sizeof(want) - 1);
	assert_memory_equal(to, want, sizeof(want) - 1);

	size_t len = sse_skipped(7, to);
	assert_events("notice", cuts_of(bytes_of(to, len), SIZE_MAX, 0), MAX,
		bytes_text("skipped/={\"skipped\":7}|"));
	assert_true(sse_skipped(UINT64_MAX, to) <= 64);
}

/* Random bodies, any byte, come out of a stream that is cut anywhere as they went in. */
static void round_trips(void **state)
{
	uint64_t seed = 12;

	for (int i = 0; i < 1000; i++) {
		uint8_t body[100];
		size_t len = cuts_random(&seed, sizeof(body));
		size_t range = i % 2 ? 256 : 64;
		for (size_t k = 0; k < len; k++)
			body[k] = (uint8_t)cuts_random(&seed, range);
		struct message m = {.id = seed >> 1, .body = bytes_of(body, len)};
		size_t size = sse_size(&m);
		uint8_t *text = malloc(size);
		assert_int_equal(sse_encode(&m, text), size);

		struct sse s = SSE_NULL;
		struct bytes block;
		int events = 0;
		for (struct cuts c = cuts_of(bytes_of(text, size), 40, seed);
			cuts_next(&c, &block);) {
			struct sse_event event;
			struct json_line line;
			while (sse_next(&s, &block, 1024, &event) == SSE_EVENT) {
				assert_int_equal(
					json_line_decode(event.data, &line, NULL), JSON_MESSAGE);
				assert_int_equal(line.message.id, m.id);
				assert_true(bytes_equal(line.message.body, m.body));
				json_line_deinit(&line);
				events++;
			}
		}
		assert_int_equal(events, 1);
		sse_deinit(&s);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_the_same_events_at_every_cut),
		cmocka_unit_test(takes_retry),
		cmocka_unit_test(encodes),
		cmocka_unit_test(round_trips),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "wire/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../cuts.h"
#include "test.h"

static const uint64_t time_ms = 1795424400000; /* 2026-11-23T09:00:00Z */

#define HEAD                                                                                       \
	"{\"id\":7,\"time\":\"2026-11-23T09:00:00.000Z\",\"topic\":\"lobby\",\"from\":\"anna\","

static struct message message_of(struct bytes body)
{
	return (struct message){
		.id = 7,
		.time_ms = time_ms,
		.topic = BYTES_LITERAL("lobby"),
		.from = BYTES_LITERAL("anna"),
		.body = body,
	};
}

/* The line in memory of exactly the size that was said. */
static struct bytes line_of(const struct message *m)
{
	size_t size = json_line_size(m);
	uint8_t *line = malloc(size);

	assert_non_null(line);
	assert_int_equal(json_line_encode(m, line), size);
	assert_int_equal(json_message_size(m), size - 1);
	return bytes_of(line, size);
}

static void assert_bytes(struct bytes got, const char *want)
{
	if (!bytes_equal(got, bytes_text(want)))
		fail_msg("%.*s is not %s", (int)got.len, (const char *)got.data, want);
}

/* A body and the end of its line. */
static const struct {
	struct bytes body;
	const char *tail;
} bodies[] = {
	{BYTES_INIT("hi"), "\"text\":\"hi\"}\n"},
	{BYTES_INIT(""), "\"text\":\"\"}\n"},
	{BYTES_INIT("say \"hi\""), "\"text\":\"say \\\"hi\\\"\"}\n"},
	{BYTES_INIT("back\\slash"), "\"text\":\"back\\\\slash\"}\n"},
	{BYTES_INIT("a/b"), "\"text\":\"a/b\"}\n"},
	{BYTES_INIT("\b\t\n\f\r"), "\"text\":\"\\b\\t\\n\\f\\r\"}\n"},
	{BYTES_INIT("\0\1\x1f\x7f"), "\"text\":\"\\u0000\\u0001\\u001f\x7f\"}\n"},
	{BYTES_INIT("gr\xc3\xbc\xc3\x9f dich \xf0\x9f\x98\x80"),
		"\"text\":\"gr\xc3\xbc\xc3\x9f dich \xf0\x9f\x98\x80\"}\n"},
	{BYTES_INIT("one clean step of eight, then a \" at the end"),
		"\"text\":\"one clean step of eight, then a \\\" at the end\"}\n"},
	{BYTES_INIT("1234567\n1234567\\\"234567812345678"),
		"\"text\":\"1234567\\n1234567\\\\\\\"234567812345678\"}\n"},
	{BYTES_INIT("\xff"), "\"base64\":\"/w==\"}\n"},
	{BYTES_INIT("\xff\xfe"), "\"base64\":\"//4=\"}\n"},
	{BYTES_INIT("\xff\xfe\0"), "\"base64\":\"//4A\"}\n"},
	{BYTES_INIT("cut \xe2\x82"), "\"base64\":\"Y3V0IOKC\"}\n"},
};

static void writes_bodies(void **state)
{
	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		struct message m = message_of(bodies[i].body);
		struct bytes line = line_of(&m);
		char want[512];

		snprintf(want, sizeof(want), HEAD "%s", bodies[i].tail);
		assert_bytes(line, want);
		free((void *)line.data);
	}
}

static void writes_the_rest(void **state)
{
	struct message m = {.id = UINT64_MAX, .topic = BYTES_LITERAL("t")};
	m.from = BYTES_LITERAL("a\"\n\xc3\xa4 looks good, \\ too");
	struct bytes line = line_of(&m);
	assert_bytes(line,
		"{\"id\":18446744073709551615,\"time\":\"1970-01-01T00:00:00.000Z\","
		"\"topic\":\"t\",\"from\":\"a\\\"\\n\xc3\xa4 looks good, \\\\ too\",\"text\":\"\"}"
		"\n");
	free((void *)line.data);

	/* a name that is not UTF-8 must not spoil the line */
	m = message_of(BYTES_LITERAL("hi"));
	m.from = BYTES_LITERAL("an\xffna with \xc3\xa4 name");
	line = line_of(&m);
	assert_bytes(line,
		"{\"id\":7,\"time\":\"2026-11-23T09:00:00.000Z\",\"topic\":\"lobby\",\"from\":"
		"\"an\\ufffdna with \\ufffd\\ufffd name\",\"text\":\"hi\"}\n");
	free((void *)line.data);
}

static void writes_notices(void **state)
{
	uint8_t to[64];

	assert_bytes(bytes_of(to, json_line_skipped(7, to)), "{\"skipped\":7}\n");
	assert_bytes(bytes_of(to, json_line_skipped(UINT64_MAX, to)),
		"{\"skipped\":18446744073709551615}\n");
	assert_bytes(bytes_of(to, json_message_skipped(0, to)), "{\"skipped\":null}");
	assert_bytes(bytes_of(to, json_message_stored(UINT64_MAX, UINT64_MAX, 1, to)),
		"{\"stored\":18446744073709551615,\"id\":18446744073709551615}");
	assert_bytes(
		bytes_of(to, json_message_refused(3, 507, to)), "{\"refused\":3,\"status\":507}");
}

static void expect_alone(struct bytes body, const char *line)
{
	uint8_t to[64];

	assert_bytes(bytes_of(to, json_line_body(body, to)), line);
	assert_int_equal(json_line_body_size(body), strlen(line));
}

static void writes_bodies_alone(void **state)
{
	expect_alone(BYTES_LITERAL("say \"hi\"\n"), "{\"text\":\"say \\\"hi\\\"\\n\"}\n");
	expect_alone(BYTES_LITERAL("\xff\0"), "{\"base64\":\"/wA=\"}\n");
	expect_alone(BYTES_LITERAL(""), "{\"text\":\"\"}\n");
}

static void quotes(void **state)
{
	struct bytes text = BYTES_LITERAL("a \"b\" \x1b");
	uint8_t to[64];

	assert_int_equal(json_quote(text, to), json_quote_size(text));
	assert_bytes(bytes_of(to, json_quote_size(text)), "\"a \\\"b\\\" \\u001b\"");
}

static void reads_what_it_writes(void **state)
{
	uint64_t seed = 4711;

	for (int i = 0; i < 5000; i++) {
		uint8_t body[200];
		size_t len = cuts_random(&seed, sizeof(body));
		size_t range = i % 2 ? 256 : 128;
		for (size_t k = 0; k < len; k++)
			body[k] = (uint8_t)cuts_random(&seed, range);
		struct message m = message_of(bytes_of(body, len));
		m.id = seed >> 1;
		m.time_ms = time_ms + (uint64_t)i * 977;
		m.from = BYTES_LITERAL("\xe2\x82\xac \"anna\"");

		struct bytes line = line_of(&m);
		struct json_line item;
		assert_int_equal(json_line_decode(line, &item, NULL), JSON_MESSAGE);
		assert_int_equal(item.message.id, m.id);
		assert_int_equal(item.message.time_ms, m.time_ms);
		assert_true(bytes_equal(item.message.topic, m.topic));
		assert_true(bytes_equal(item.message.from, m.from));
		assert_true(bytes_equal(item.message.body, m.body));
		json_line_deinit(&item);
		free((void *)line.data);
	}
}

/* More than one block of what OpenSSL takes at a time. */
static void carries_large_bodies(void **state)
{
	enum { LARGE = (12 << 20) + 1 };
	uint8_t *body = malloc(LARGE);
	uint64_t seed = 3;

	assert_non_null(body);
	for (size_t i = 0; i < LARGE; i++)
		body[i] = (uint8_t)cuts_random(&seed, 256);
	struct message m = message_of(bytes_of(body, LARGE));
	struct bytes line = line_of(&m);
	struct json_line item;
	assert_int_equal(json_line_decode(line, &item, NULL), JSON_MESSAGE);
	assert_true(bytes_equal(item.message.body, m.body));
	json_line_deinit(&item);
	free((void *)line.data);
	free(body);
}

/* What others publish: NULL for no body, then it is what RESULT says. */
static const struct {
	const char *line;
	int result;
	const char *body;
} lines[] = {
	{"{\"text\":\"hi\"}", JSON_MESSAGE, "hi"},
	{"{\"text\":\"hi\"}\r\n", JSON_MESSAGE, "hi"},
	{" { \"text\" : \"hi\" } ", JSON_MESSAGE, "hi"},
	{"{\"text\":\"\"}", JSON_MESSAGE, ""},
	{"{\"text\":\"\\u00e4\\ud83d\\ude00\\/\"}", JSON_MESSAGE, "\xc3\xa4\xf0\x9f\x98\x80/"},
	{"{\"base64\":\"aGk=\"}", JSON_MESSAGE, "hi"},
	{"{\"base64\":\"\"}", JSON_MESSAGE, ""},
	{"{\"text\":\"hi\",\"more\":[1,{}],\"skipped\":1}", JSON_MESSAGE, "hi"},
	{"{\"skipped\":12}", JSON_SKIPPED, NULL},
	{"{\"skipped\":null}", JSON_SKIPPED, NULL},
	{"{\"stored\":3,\"id\":70}", JSON_STORED, NULL},
	{"{\"refused\":3,\"status\":507}", JSON_REFUSED, NULL},
	{"", JSON_NOTHING, NULL},
	{" \t\r\n", JSON_NOTHING, NULL},

	{"hi", -EBADMSG, NULL},
	{"\"hi\"", -EBADMSG, NULL},
	{"[\"hi\"]", -EBADMSG, NULL},
	{"7", -EBADMSG, NULL},
	{"{}", -EBADMSG, NULL},
	{"{\"text\":7}", -EBADMSG, NULL},
	{"{\"text\":null}", -EBADMSG, NULL},
	{"{\"text\":\"hi\"", -EBADMSG, NULL},
	{"{\"text\":\"hi\"}{}", -EBADMSG, NULL},
	{"{\"text\":\"hi\",\"text\":\"ho\"}", -EBADMSG, NULL},
	{"{\"text\":\"hi\",\"base64\":\"aGk=\"}", -EBADMSG, NULL},
	{"{\"text\":\"\\ud800\"}", -EBADMSG, NULL},
	{"{\"text\":\"\xff\"}", -EBADMSG, NULL},
	{"{\"text\":\"a\nb\"}", -EBADMSG, NULL},
	{"{'text':'hi'}", -EBADMSG, NULL},
	{"{\"base64\":7}", -EBADMSG, NULL},
	{"{\"base64\":\"aGk\"}", -EBADMSG, NULL},
	{"{\"base64\":\"aGk=\\n\"}", -EBADMSG, NULL},
	{"{\"base64\":\" aGk=   \"}", -EBADMSG, NULL},
	{"{\"base64\":\"====\"}", -EBADMSG, NULL},
	{"{\"base64\":\"a===\"}", -EBADMSG, NULL},
	{"{\"base64\":\"=aGk\"}", -EBADMSG, NULL},
	{"{\"base64\":\"aGk=aGk=\"}", -EBADMSG, NULL},
	{"{\"base64\":\"aG-_\"}", -EBADMSG, NULL},
	{"{\"text\":\"hi\",\"id\":\"7\"}", -EBADMSG, NULL},
	{"{\"text\":\"hi\",\"id\":-7}", -EBADMSG, NULL},
	{"{\"text\":\"hi\",\"id\":7.5}", -EBADMSG, NULL},
	{"{\"text\":\"hi\",\"from\":7}", -EBADMSG, NULL},
	{"{\"text\":\"hi\",\"topic\":{}}", -EBADMSG, NULL},
	{"{\"text\":\"hi\",\"time\":\"yesterday\"}", -EBADMSG, NULL},
	{"{\"text\":\"hi\",\"time\":\"2026-11-23T09:00:00Z\\u0000\"}", -EBADMSG, NULL},
	{"{\"skipped\":\"some\"}", -EBADMSG, NULL},
	{"{\"skipped\":-1}", -EBADMSG, NULL},
	{"{\"stored\":-1,\"id\":1}", -EBADMSG, NULL},
	{"{\"stored\":1,\"id\":5,\"count\":2}", -EBADMSG, NULL},
	{"{\"refused\":1,\"status\":\"no\"}", -EBADMSG, NULL},
};

static void reads_lines(void **state)
{
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct fault why = FAULT_NULL;
		struct json_line item;
		int r = json_line_decode(bytes_text(lines[i].line), &item, &why);

		if (r != lines[i].result)
			fail_msg("%s: gave %d (%s)", lines[i].line, r, why.text);
		assert_int_equal(r < 0, why.text[0] != '\0');
		if (lines[i].body)
			assert_bytes(item.message.body, lines[i].body);
		json_line_deinit(&item);
	}
}

static void reads_every_byte(void **state)
{
	struct json_line item;

	assert_int_equal(json_line_decode(bytes_text("{\"text\":\"a\\u0000b\"}"), &item, NULL),
		JSON_MESSAGE);
	assert_true(bytes_equal(item.message.body, BYTES_LITERAL("a\0b")));
	json_line_deinit(&item);
	assert_int_equal(
		json_line_decode(BYTES_LITERAL("{\"text\":\"a\0b\"}"), &item, NULL), -EBADMSG);
	json_line_deinit(&item);
	assert_int_equal(json_line_decode(BYTES_LITERAL("\0"), &item, NULL), -EBADMSG);
	json_line_deinit(&item);
	assert_int_equal(
		json_line_decode(bytes_text("{\"skipped\":12}"), &item, NULL), JSON_SKIPPED);
	assert_int_equal(item.skipped, 12);
	json_line_deinit(&item);
	assert_int_equal(
		json_line_decode(bytes_text("{\"stored\":3,\"id\":70}"), &item, NULL), JSON_STORED);
	assert_int_equal(item.number, 3);
	assert_int_equal(item.count, 1);
	assert_int_equal(item.message.id, 70);
	json_line_deinit(&item);
	assert_int_equal(
		json_line_decode(bytes_text("{\"refused\":4,\"status\":507}"), &item, NULL),
		JSON_REFUSED);
	assert_int_equal(item.number, 4);
	assert_int_equal(item.status, 507);
	json_line_deinit(&item);
	json_line_deinit(&item);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_bodies),
		cmocka_unit_test(writes_the_rest),
		cmocka_unit_test(writes_notices),
		cmocka_unit_test(writes_bodies_alone),
		cmocka_unit_test(quotes),
		cmocka_unit_test(reads_what_it_writes),
		cmocka_unit_test(carries_large_bodies),
		cmocka_unit_test(reads_lines),
		cmocka_unit_test(reads_every_byte),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Writing: a string is passed over eight bytes a step as long as none of them needs an escape. The
 * body is looked at twice, once to learn how long it will be (a tape needs room before anything is
 * written), once to write it.
 *
 * Reading: jansson parses; here is only what a message looks like.
 */

#include "wire/json.h"

#include <errno.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/date.h"
#include "base/utf8.h"
#include "wire/base64.h"
#include "wire/put.h"

#define EACH_BYTE(n) (0x0101010101010101 * (uint64_t)(n))

/* Not 0 if one of the eight bytes of X is. */
static uint64_t zero_bytes(uint64_t x)
{
	return (x - EACH_BYTE(0x01)) & ~x & EACH_BYTE(0x80);
}

/* None of the eight bytes needs an escape. */
static bool is_clean_8(const uint8_t *data, bool utf8)
{
	uint64_t x;

	memcpy(&x, data, sizeof(x));
	uint64_t control = (x - EACH_BYTE(0x20)) & ~x & EACH_BYTE(0x80);
	uint64_t high = utf8 ? 0 : x & EACH_BYTE(0x80);
	return !(control | high | zero_bytes(x ^ EACH_BYTE('"')) | zero_bytes(x ^ EACH_BYTE('\\')));
}

/* The letter behind the backslash, 0 when there is none for it. */
static uint8_t short_escape(uint8_t c)
{
	switch (c) {
	case '"':
	case '\\':
		return c;
	case '\b':
		return 'b';
	case '\t':
		return 't';
	case '\n':
		return 'n';
	case '\f':
		return 'f';
	case '\r':
		return 'r';
	default:
		return 0;
	}
}

static size_t escaped_size(uint8_t c, bool utf8)
{
	if (short_escape(c))
		return 2;
	return c < 0x20 || (c >= 0x80 && !utf8) ? 6 : 1;
}

static uint8_t *put_escaped(uint8_t *to, uint8_t c, bool utf8)
{
	static const char hex[] = "0123456789abcdef";
	uint8_t letter = short_escape(c);

	if (letter) {
		*to++ = '\\';
		*to++ = letter;
	} else if (c < 0x20) {
		to = put_literal(to, "\\u00");
		*to++ = (uint8_t)hex[c >> 4];
		*to++ = (uint8_t)hex[c & 0xf];
	} else if (c >= 0x80 && !utf8) {
		to = put_literal(to, "\\ufffd");
	} else {
		*to++ = c;
	}
	return to;
}

static size_t text_size(struct bytes text, bool utf8)
{
	size_t size = 0;

	for (size_t i = 0; i < text.len;) {
		if (text.len - i >= 8 && is_clean_8(text.data + i, utf8)) {
			size += 8;
			i += 8;
		} else {
			size += escaped_size(text.data[i++], utf8);
		}
	}
	return size;
}

static uint8_t *put_text(uint8_t *to, struct bytes text, bool utf8)
{
	for (size_t i = 0; i < text.len;) {
		if (text.len - i >= 8 && is_clean_8(text.data + i, utf8)) {
			memcpy(to, text.data + i, 8);
			to += 8;
			i += 8;
		} else {
			to = put_escaped(to, text.data[i++], utf8);
		}
	}
	return to;
}

static uint8_t *put_string(uint8_t *to, struct bytes text, bool utf8)
{
	*to++ = '"';
	to = put_text(to, text, utf8);
	*to++ = '"';
	return to;
}

size_t json_quote_size(struct bytes text)
{
	return text_size(text, utf8_valid(text)) + 2;
}

size_t json_quote(struct bytes text, uint8_t *to)
{
	return (size_t)(put_string(to, text, utf8_valid(text)) - to);
}

#define MESSAGE_ID     "{\"id\":"
#define MESSAGE_TIME   ",\"time\":\""
#define MESSAGE_TOPIC  "\",\"topic\":"
#define MESSAGE_FROM   ",\"from\":"
#define MESSAGE_TEXT   ",\"text\":\""
#define MESSAGE_BASE64 ",\"base64\":\""
#define MESSAGE_END    "\"}"

#define LITERAL_SIZE(s) (sizeof(s) - 1)

size_t json_message_size(const struct message *m)
{
	size_t size = LITERAL_SIZE(MESSAGE_ID MESSAGE_TIME MESSAGE_TOPIC MESSAGE_FROM MESSAGE_END) +
		      decimal_size(m->id) + DATE_TEXT_SIZE - 1 + json_quote_size(m->topic) +
		      json_quote_size(m->from);

	if (utf8_valid(m->body))
		return size + LITERAL_SIZE(MESSAGE_TEXT) + text_size(m->body, true);
	return size + LITERAL_SIZE(MESSAGE_BASE64) + base64_size(m->body.len);
}

size_t json_message_encode(const struct message *m, uint8_t *to)
{
	char date[DATE_TEXT_SIZE];

	date_format(m->time_ms, date);
	uint8_t *at = put_literal(to, MESSAGE_ID);
	at = put_decimal(at, m->id);
	at = put_literal(at, MESSAGE_TIME);
	at = put_bytes(at, bytes_of(date, DATE_TEXT_SIZE - 1));
	at = put_literal(at, MESSAGE_TOPIC);
	at = put_string(at, m->topic, utf8_valid(m->topic));
	at = put_literal(at, MESSAGE_FROM);
	at = put_string(at, m->from, utf8_valid(m->from));
	if (utf8_valid(m->body)) {
		at = put_literal(at, MESSAGE_TEXT);
		at = put_text(at, m->body, true);
	} else {
		at = put_literal(at, MESSAGE_BASE64);
		at += base64_encode(m->body, at);
	}
	at = put_literal(at, MESSAGE_END);
	return (size_t)(at - to);
}

#define BODY_TEXT   "{\"text\":\""
#define BODY_BASE64 "{\"base64\":\""
#define BODY_END    "\"}\n"

size_t json_line_body_size(struct bytes body)
{
	if (utf8_valid(body))
		return LITERAL_SIZE(BODY_TEXT BODY_END) + text_size(body, true);
	return LITERAL_SIZE(BODY_BASE64 BODY_END) + base64_size(body.len);
}

size_t json_line_body(struct bytes body, uint8_t *to)
{
	uint8_t *at;

	if (utf8_valid(body)) {
		at = put_literal(to, BODY_TEXT);
		at = put_text(at, body, true);
	} else {
		at = put_literal(to, BODY_BASE64);
		at += base64_encode(body, at);
	}
	at = put_literal(at, BODY_END);
	return (size_t)(at - to);
}

size_t json_message_stored(uint64_t number, uint64_t id, uint64_t count, uint8_t *to)
{
	uint8_t *at = put_literal(to, "{\"stored\":");

	at = put_decimal(at, number);
	at = put_literal(at, ",\"id\":");
	at = put_decimal(at, id);
	if (count > 1) {
		at = put_literal(at, ",\"count\":");
		at = put_decimal(at, count);
	}
	*at++ = '}';
	return (size_t)(at - to);
}

size_t json_message_refused(uint64_t number, int status, uint8_t *to)
{
	uint8_t *at = put_literal(to, "{\"refused\":");

	at = put_decimal(at, number);
	at = put_literal(at, ",\"status\":");
	at = put_decimal(at, (uint64_t)status);
	*at++ = '}';
	return (size_t)(at - to);
}

size_t json_message_skipped(uint64_t count, uint8_t *to)
{
	uint8_t *at = put_literal(to, "{\"skipped\":");

	at = count ? put_decimal(at, count) : put_literal(at, "null");
	*at++ = '}';
	return (size_t)(at - to);
}

size_t json_line_size(const struct message *m)
{
	return json_message_size(m) + 1;
}

size_t json_line_encode(const struct message *m, uint8_t *to)
{
	size_t len = json_message_encode(m, to);

	to[len] = '\n';
	return len + 1;
}

size_t json_line_skipped(uint64_t count, uint8_t *to)
{
	size_t len = json_message_skipped(count, to);

	to[len] = '\n';
	return len + 1;
}

/* ---- reading ---- */

static bool is_blank(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!text.data[i] || !strchr(" \t\r\n", text.data[i]))
			return false;
	return true;
}

/* 0: *text is the member, BYTES_NULL when there is none. -EBADMSG: it is no string. */
static int get_string(const json_t *object, const char *name, struct bytes *text, struct fault *why)
{
	const json_t *value = json_object_get(object, name);

	*text = BYTES_NULL;
	if (!value)
		return 0;
	if (!json_is_string(value))
		return fault_set(why, -EBADMSG, "\"%s\" must be a string", name);
	*text = bytes_of(json_string_value(value), json_string_length(value));
	return 0;
}

static int get_number(const json_t *object, const char *name, uint64_t *n, struct fault *why)
{
	const json_t *value = json_object_get(object, name);

	*n = 0;
	if (!value)
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return fault_set(why, -EBADMSG, "\"%s\" must be a whole number", name);
	*n = (uint64_t)json_integer_value(value);
	return 0;
}

static int get_time(const json_t *object, uint64_t *ms, struct fault *why)
{
	struct bytes text;
	int r = get_string(object, "time", &text, why);

	*ms = 0;
	if (r < 0 || !text.data)
		return r;
	if (strlen((const char *)text.data) != text.len ||
		date_parse((const char *)text.data, ms) < 0)
		return fault_set(
			why, -EBADMSG, "\"time\" must be like %s", "2026-11-23T09:00:00.000Z");
	return 0;
}

static int get_base64(struct bytes text, struct json_line *line, struct fault *why)
{
	size_t len;

	line->binary = malloc(text.len / 4 * 3 + 1);
	if (!line->binary)
		return -ENOMEM;
	if (!base64_decode(text, line->binary, &len))
		return fault_set(why, -EBADMSG, "\"base64\" must be Base64 with its padding");
	line->message.body = bytes_of(line->binary, len);
	return 0;
}

static int get_body(const json_t *object, struct json_line *line, struct fault *why)
{
	struct bytes base64 = BYTES_NULL;
	int r = get_string(object, "text", &line->message.body, why);

	if (r == 0)
		r = get_string(object, "base64", &base64, why);
	if (r < 0)
		return r;
	if (!line->message.body.data == !base64.data)
		return fault_set(why, -EBADMSG, "a message has either \"text\" or \"base64\"");
	return base64.data ? get_base64(base64, line, why) : 0;
}

static int get_message(const json_t *object, struct json_line *line, struct fault *why)
{
	struct message *m = &line->message;
	int r = get_number(object, "id", &m->id, why);

	if (r == 0)
		r = get_time(object, &m->time_ms, why);
	if (r == 0)
		r = get_string(object, "topic", &m->topic, why);
	if (r == 0)
		r = get_string(object, "from", &m->from, why);
	if (r == 0)
		r = get_body(object, line, why);
	return r < 0 ? r : JSON_MESSAGE;
}

static int get_stored(const json_t *object, struct json_line *line, struct fault *why)
{
	int r = get_number(object, "stored", &line->number, why);

	if (r == 0)
		r = get_number(object, "id", &line->message.id, why);
	if (r == 0)
		r = get_number(object, "count", &line->count, why);
	if (r < 0)
		return r;
	if (!line->count)
		line->count = 1;
	if (line->count > line->number)
		return fault_set(why, -EBADMSG, "\"count\" is more than \"stored\"");
	return JSON_STORED;
}

static int get_refused(const json_t *object, struct json_line *line, struct fault *why)
{
	int r = get_number(object, "refused", &line->number, why);

	if (r == 0)
		r = get_number(object, "status", &line->status, why);
	return r < 0 ? r : JSON_REFUSED;
}

/* What has no body: a notice, or a message that lacks it. */
static int get_notice(const json_t *object, struct json_line *line, struct fault *why)
{
	const json_t *skipped = json_object_get(object, "skipped");

	if (json_object_get(object, "stored"))
		return get_stored(object, line, why);
	if (json_object_get(object, "refused"))
		return get_refused(object, line, why);
	if (!skipped)
		return get_message(object, line, why);
	int r = json_is_null(skipped) ? 0 : get_number(object, "skipped", &line->skipped, why);
	return r < 0 ? r : JSON_SKIPPED;
}

int json_line_decode(struct bytes text, struct json_line *line, struct fault *why)
{
	json_error_t error;

	*line = JSON_LINE_NULL;
	if (is_blank(text))
		return JSON_NOTHING;

	json_t *object = json_loadb(
		(const char *)text.data, text.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	line->object = object;
	if (!object && json_error_code(&error) == json_error_out_of_memory)
		return -ENOMEM;
	if (!object)
		return fault_set(why, -EBADMSG, "not JSON: %s", error.text);
	if (!json_is_object(object))
		return fault_set(why, -EBADMSG, "not a JSON object");

	if (json_object_get(object, "text") || json_object_get(object, "base64"))
		return get_message(object, line, why);
	return get_notice(object, line, why);
}

void json_line_deinit(struct json_line *line)
{
	json_decref(line->object);
	free(line->binary);
	*line = JSON_LINE_NULL;
}

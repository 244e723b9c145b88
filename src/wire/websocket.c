/*
 * The decoder knows two states: in a head (up to 14 bytes, kept because they may come singly) and
 * in a payload. A frame that is whole in the input is answered from there. Otherwise its bytes go
 * to the end of `gathered`; a control frame that comes in parts between the fragments of a message
 * stands there behind them, and is cut off again when it is whole.
 */

#include "wire/websocket.h"

#include <endian.h>

#include "wire/json.h"
#include "wire/put.h"

enum {
	BIT_FIN = 0x80,
	BITS_RESERVED = 0x70,
	BITS_OPCODE = 0x0f,
	BIT_CONTROL = 0x08,
	BIT_MASK = 0x80,
	BITS_LENGTH = 0x7f,
	LENGTH_16 = 126, /* the length stands in the next two bytes */
	LENGTH_64 = 127, /* in the next eight */
};

void websocket_init(struct websocket *w, enum websocket_role role)
{
	*w = (struct websocket){.is_client = role == WEBSOCKET_CLIENT};
}

void websocket_deinit(struct websocket *w)
{
	buffer_deinit(&w->gathered);
}

static uint8_t websocket_opcode(const struct websocket *w)
{
	return w->head[0] & BITS_OPCODE;
}

/* How long the head is that begins so. */
static size_t head_size(const uint8_t *head)
{
	uint8_t length = head[1] & BITS_LENGTH;
	size_t extended = length == LENGTH_16 ? 2 : length == LENGTH_64 ? 8 : 0;

	return 2 + extended + (head[1] & BIT_MASK ? 4 : 0);
}

static bool head_is_whole(const struct websocket *w)
{
	return w->head_len >= 2 && w->head_len == head_size(w->head);
}

static uint64_t head_length(const uint8_t *head)
{
	uint64_t length = head[1] & BITS_LENGTH;

	if (length == LENGTH_16) {
		uint16_t two;
		memcpy(&two, head + 2, sizeof(two));
		length = be16toh(two);
	} else if (length == LENGTH_64) {
		memcpy(&length, head + 2, sizeof(length));
		length = be64toh(length);
	}
	return length;
}

/* Takes bytes of the head until there are SIZE; false when they are not all here yet. */
static bool head_take(struct websocket *w, struct bytes *in, size_t size)
{
	size_t want = size > w->head_len ? size - w->head_len : 0;
	size_t len = want < in->len ? want : in->len;

	if (len) {
		memcpy(w->head + w->head_len, in->data, len);
		w->head_len += (uint8_t)len;
		*in = bytes_skip(*in, len);
	}
	return len == want;
}

static int websocket_fail(
	struct websocket *w, struct websocket_event *event, uint16_t code, const char *why)
{
	w->over = true;
	buffer_deinit(&w->gathered);
	event->code = code;
	event->payload = bytes_text(why);
	return WEBSOCKET_FAILED;
}

/* What is wrong with the first two bytes of a head, or NULL (section 5.2, 5.4, 5.5). */
static const char *head_fault(const struct websocket *w)
{
	uint8_t opcode = websocket_opcode(w);
	bool is_masked = w->head[1] & BIT_MASK;

	if (w->head[0] & BITS_RESERVED)
		return "reserved bits";
	if ((opcode & ~BIT_CONTROL) > 2)
		return "reserved opcode";
	if (is_masked == w->is_client)
		return is_masked ? "masked frame" : "unmasked frame";
	if (opcode & BIT_CONTROL) {
		if (!(w->head[0] & BIT_FIN))
			return "fragmented control frame";
		if ((w->head[1] & BITS_LENGTH) > WEBSOCKET_CONTROL_PAYLOAD_MAX)
			return "long control frame";
	} else if (opcode == WEBSOCKET_OPCODE_CONTINUATION && !w->message) {
		return "nothing to continue";
	} else if (opcode != WEBSOCKET_OPCODE_CONTINUATION && w->message) {
		return "message within a message";
	}
	return NULL;
}

/* What is wrong with the length of a whole head, or NULL. */
static const char *length_fault(const struct websocket *w)
{
	uint64_t length = head_length(w->head);
	uint8_t form = w->head[1] & BITS_LENGTH;

	if (length >> 63)
		return "length with its highest bit set";
	if ((form == LENGTH_16 && length < LENGTH_16) || (form == LENGTH_64 && length <= 0xffff))
		return "length in more bytes than it needs";
	return NULL;
}

/* Reads the head. WEBSOCKET_MORE also when it is whole: see head_is_whole(). */
static int websocket_head_next(
	struct websocket *w, struct bytes *in, size_t max, struct websocket_event *event)
{
	if (!head_take(w, in, 2))
		return WEBSOCKET_MORE;
	const char *fault = head_fault(w);
	if (!fault) {
		if (!head_take(w, in, head_size(w->head)))
			return WEBSOCKET_MORE;
		fault = length_fault(w);
	}
	if (fault)
		return websocket_fail(w, event, WEBSOCKET_CODE_PROTOCOL_ERROR, fault);

	w->left = head_length(w->head);
	uint8_t opcode = websocket_opcode(w);
	if (opcode & BIT_CONTROL)
		return WEBSOCKET_MORE;
	if (w->left > max || buffer_len(&w->gathered) > max - w->left)
		return websocket_fail(w, event, WEBSOCKET_CODE_TOO_BIG, "message too big");
	if (opcode != WEBSOCKET_OPCODE_CONTINUATION) {
		w->message = opcode;
		w->utf8 = UTF8_NULL;
	}
	return WEBSOCKET_MORE;
}

void websocket_mask(uint8_t *data, size_t len, const uint8_t *key)
{
	uint32_t four;
	size_t i = 0;

	memcpy(&four, key, sizeof(four));
	uint64_t eight = (uint64_t)four << 32 | four;
	for (; len - i >= 8; i += 8) {
		uint64_t x;
		memcpy(&x, data + i, sizeof(x));
		x ^= eight;
		memcpy(data + i, &x, sizeof(x));
	}
	for (; i < len; i++)
		data[i] ^= key[i & 3];
}

/* Unmasks the next bytes of the frame, and turns its key to the byte that comes behind them. */
static void websocket_unmask(struct websocket *w, struct bytes part)
{
	uint8_t turned[4];

	if (w->is_client || !part.len)
		return;
	uint8_t *key = w->head + w->head_len - 4;
	websocket_mask((uint8_t *)part.data, part.len, key);
	for (size_t i = 0; i < 4; i++)
		turned[i] = key[(part.len + i) & 3];
	memcpy(key, turned, 4);
}

/* Codes that may be sent (section 7.4; 1012 to 1014 were registered later). */
static bool is_close_code(uint16_t code)
{
	return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
	       (code >= 3000 && code <= 4999);
}

static int websocket_closed(
	struct websocket *w, struct bytes payload, struct websocket_event *event)
{
	uint16_t code = WEBSOCKET_CODE_NONE;

	if (payload.len == 1)
		return websocket_fail(w, event, WEBSOCKET_CODE_PROTOCOL_ERROR, "half a close code");
	if (payload.len) {
		code = (uint16_t)(payload.data[0] << 8 | payload.data[1]);
		payload = bytes_skip(payload, 2);
		if (!is_close_code(code))
			return websocket_fail(w, event, WEBSOCKET_CODE_PROTOCOL_ERROR,
				"a close code that may not be sent");
		if (!utf8_valid(payload))
			return websocket_fail(w, event, WEBSOCKET_CODE_INVALID_TEXT,
				"a close reason that is not UTF-8");
	}
	w->over = true;
	event->code = code;
	event->payload = payload;
	return WEBSOCKET_CLOSE;
}

static int websocket_control(
	struct websocket *w, struct bytes payload, struct websocket_event *event)
{
	event->payload = payload;
	switch (websocket_opcode(w)) {
	case WEBSOCKET_OPCODE_PING:
		return WEBSOCKET_PING;
	case WEBSOCKET_OPCODE_PONG:
		return WEBSOCKET_PONG;
	default:
		return websocket_closed(w, payload, event);
	}
}

/* The next bytes of a control frame. They stay in `gathered` behind its end until the next call. */
static int websocket_control_next(
	struct websocket *w, struct bytes part, bool whole, struct websocket_event *event)
{
	size_t len = head_length(w->head);

	if (part.len < len) {
		int r = buffer_append(&w->gathered, part.data, part.len);
		if (r < 0 || !whole)
			return r;
		w->gathered.end -= len;
		part = bytes_of(w->gathered.data + w->gathered.end, len);
	}
	return websocket_control(w, part, event);
}

/* The next bytes of a data frame. */
static int websocket_data_next(
	struct websocket *w, struct bytes part, bool whole, struct websocket_event *event)
{
	bool is_text = w->message == WEBSOCKET_OPCODE_TEXT;
	bool last = whole && w->head[0] & BIT_FIN;

	if (is_text && (!utf8_check(&w->utf8, part) || (last && !utf8_complete(&w->utf8))))
		return websocket_fail(w, event, WEBSOCKET_CODE_INVALID_TEXT, "text is not UTF-8");
	if (!last || buffer_len(&w->gathered)) {
		int r = buffer_append(&w->gathered, part.data, part.len);
		if (r < 0 || !last)
			return r;
		part = buffer_bytes(&w->gathered);
		buffer_consume(&w->gathered, part.len);
	}
	w->message = 0;
	event->is_text = is_text;
	event->payload = part;
	return WEBSOCKET_MESSAGE;
}

int websocket_next(struct websocket *w, struct bytes *in, size_t max, struct websocket_event *event)
{
	int r = WEBSOCKET_MORE;

	if (!buffer_len(&w->gathered) && w->gathered.data)
		buffer_deinit(&w->gathered);
	while (r == WEBSOCKET_MORE && !w->over) {
		if (!head_is_whole(w)) {
			r = websocket_head_next(w, in, max, event);
			if (r != WEBSOCKET_MORE || !head_is_whole(w))
				break;
		}
		if (w->left && !in->len)
			break;
		struct bytes part = bytes_of(in->data, w->left < in->len ? w->left : in->len);
		websocket_unmask(w, part);
		*in = bytes_skip(*in, part.len);
		w->left -= part.len;
		bool whole = !w->left;
		r = websocket_opcode(w) & BIT_CONTROL
			    ? websocket_control_next(w, part, whole, event)
			    : websocket_data_next(w, part, whole, event);
		if (whole)
			w->head_len = 0;
	}
	if (w->over)
		*in = bytes_skip(*in, in->len);
	return r;
}

/* ---- frames out ---- */

size_t websocket_frame_size(size_t len, bool masked)
{
	size_t extended = len < LENGTH_16 ? 0 : len <= 0xffff ? 2 : 8;

	return 2 + extended + (masked ? 4 : 0) + len;
}

size_t websocket_head(uint8_t *to, enum websocket_opcode opcode, size_t len, const uint8_t *key)
{
	uint8_t *at = to;
	uint8_t mask = key ? BIT_MASK : 0;

	*at++ = (uint8_t)(BIT_FIN | opcode);
	if (len < LENGTH_16) {
		*at++ = (uint8_t)(mask | len);
	} else if (len <= 0xffff) {
		uint16_t two = htobe16((uint16_t)len);
		*at++ = mask | LENGTH_16;
		at = put_bytes(at, bytes_of(&two, sizeof(two)));
	} else {
		uint64_t eight = htobe64(len);
		*at++ = mask | LENGTH_64;
		at = put_bytes(at, bytes_of(&eight, sizeof(eight)));
	}
	if (key)
		at = put_bytes(at, bytes_of(key, 4));
	return (size_t)(at - to);
}

size_t websocket_frame(
	uint8_t *to, enum websocket_opcode opcode, struct bytes payload, const uint8_t *key)
{
	uint8_t *at = to + websocket_head(to, opcode, payload.len, key);

	put_bytes(at, payload);
	if (key)
		websocket_mask(at, payload.len, key);
	return (size_t)(at - to) + payload.len;
}

size_t websocket_close(uint8_t *to, uint16_t code, struct bytes reason, const uint8_t *key)
{
	uint8_t payload[WEBSOCKET_CONTROL_PAYLOAD_MAX] = {(uint8_t)(code >> 8), (uint8_t)code};

	if (code == WEBSOCKET_CODE_NONE)
		return websocket_frame(to, WEBSOCKET_OPCODE_CLOSE, BYTES_NULL, key);
	if (reason.len > sizeof(payload) - 2)
		reason.len = utf8_complete_prefix(bytes_of(reason.data, sizeof(payload) - 2));
	put_bytes(payload + 2, reason);
	return websocket_frame(to, WEBSOCKET_OPCODE_CLOSE, bytes_of(payload, 2 + reason.len), key);
}

/* ---- messages out ---- */

size_t websocket_message_size(const struct message *m)
{
	return websocket_frame_size(m->body.len, false);
}

size_t websocket_message_encode(const struct message *m, uint8_t *to)
{
	return websocket_frame(to,
		utf8_valid(m->body) ? WEBSOCKET_OPCODE_TEXT : WEBSOCKET_OPCODE_BINARY, m->body,
		NULL);
}

size_t websocket_message_skipped(uint64_t count, uint8_t *to)
{
	return 0;
}

size_t websocket_json_size(const struct message *m)
{
	return websocket_frame_size(json_message_size(m), false);
}

size_t websocket_json_encode(const struct message *m, uint8_t *to)
{
	size_t head = websocket_head(to, WEBSOCKET_OPCODE_TEXT, json_message_size(m), NULL);

	return head + json_message_encode(m, to + head);
}

size_t websocket_json_skipped(uint64_t count, uint8_t *to)
{
	uint8_t notice[64];
	size_t len = json_message_skipped(count, notice);

	return websocket_frame(to, WEBSOCKET_OPCODE_TEXT, bytes_of(notice, len), NULL);
}

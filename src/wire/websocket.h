#pragma once

/*
 * WebSocket frames (RFC 6455 sections 5 to 8), both roles, no extensions
 *
 * In: frames become messages, pings, pongs and the close. A message that lies in one frame, and
 * that frame whole in the bytes given, is pointed at there; what comes in parts is gathered, in
 * memory that exists only meanwhile. The bytes given are unmasked in place. Text is checked as it
 * comes: a wrong byte fails at once, not at the end of its message. However the bytes are cut, the
 * events are the same.
 *
 *	while ((r = websocket_next(&w, &in, max, &event)) > 0)
 *		...
 *
 * Out: whole frames. A client masks with a key that nobody can guess (section 5.3), which its owner
 * gives; a server gives NULL.
 */

#include "base/bytes.h"
#include "base/message.h"
#include "base/utf8.h"

enum websocket_role {
	WEBSOCKET_SERVER, /* wants masked frames */
	WEBSOCKET_CLIENT, /* wants frames that are not */
};

enum websocket_opcode {
	WEBSOCKET_OPCODE_CONTINUATION = 0,
	WEBSOCKET_OPCODE_TEXT = 1,
	WEBSOCKET_OPCODE_BINARY = 2,
	WEBSOCKET_OPCODE_CLOSE = 8,
	WEBSOCKET_OPCODE_PING = 9,
	WEBSOCKET_OPCODE_PONG = 10,
};

/* Why a connection closes (section 7.4.1, and the registry that it opened). */
enum websocket_code {
	WEBSOCKET_CODE_NORMAL = 1000,
	WEBSOCKET_CODE_GOING_AWAY = 1001,
	WEBSOCKET_CODE_PROTOCOL_ERROR = 1002,
	WEBSOCKET_CODE_NONE = 1005, /* never sent: the close had no code */
	WEBSOCKET_CODE_INVALID_TEXT = 1007,
	WEBSOCKET_CODE_POLICY = 1008,
	WEBSOCKET_CODE_TOO_BIG = 1009,
	WEBSOCKET_CODE_INTERNAL = 1011,
	WEBSOCKET_CODE_TRY_LATER = 1013,
};

enum {
	WEBSOCKET_HEAD_MAX = 14,
	WEBSOCKET_CONTROL_PAYLOAD_MAX = 125,
	WEBSOCKET_CONTROL_MAX = 2 + 4 + WEBSOCKET_CONTROL_PAYLOAD_MAX,
};

struct websocket {
	struct buffer gathered; /* a message's payload so far, a control frame's behind it */
	uint64_t left;		/* payload of the frame still to come */
	uint8_t head[WEBSOCKET_HEAD_MAX]; /* of the frame; the key, if any, is its end */
	uint8_t head_len;		  /* 0: between two frames */
	uint8_t message;		  /* opcode of the message begun, 0: there is none */
	struct utf8 utf8;
	bool is_client : 1;
	bool over : 1; /* closed or failed: what comes is thrown away */
};

enum {
	WEBSOCKET_MORE = 0,    /* all of the input was used */
	WEBSOCKET_MESSAGE = 1, /* is_text, payload */
	WEBSOCKET_PING = 2,    /* payload, to be sent back in a pong */
	WEBSOCKET_PONG = 3,    /* payload */
	WEBSOCKET_CLOSE = 4,   /* code, payload is the reason; to be answered with a close, if none
				  was   sent yet */
	WEBSOCKET_FAILED = 5,  /* code, payload is the reason: to be sent in a close; the peer broke
				  the  protocol, or sent more than MAX */
};

struct websocket_event {
	struct bytes payload; /* valid until the next call, and as long as the input */
	uint16_t code;
	bool is_text;
};

void websocket_init(struct websocket *w, enum websocket_role role);
void websocket_deinit(struct websocket *w);

/*
 * The next event. *in, which must be memory that may be written to, is moved past what was used. No
 * event comes after WEBSOCKET_CLOSE or WEBSOCKET_FAILED. A message has at most MAX bytes. -ENOMEM:
 * the connection cannot go on.
 */
int websocket_next(
	struct websocket *w, struct bytes *in, size_t max, struct websocket_event *event);

/* Bytes of memory it holds beside itself. */
static inline size_t websocket_memory(const struct websocket *w)
{
	return w->gathered.cap;
}

/* ---- frames out ---- */

/* Size of a frame with LEN bytes of payload. */
size_t websocket_frame_size(size_t len, bool masked);

/* Writes a frame that is a whole message, or a control frame (whose payload has at most 125 bytes);
 * returns its size. KEY: the mask's four bytes, or NULL. TO may not overlap PAYLOAD. */
size_t websocket_frame(
	uint8_t *to, enum websocket_opcode opcode, struct bytes payload, const uint8_t *key);

/* The head alone, mask key included: what is written before a payload that stands elsewhere and, in
 * a client, goes through websocket_mask(). */
size_t websocket_head(uint8_t *to, enum websocket_opcode opcode, size_t len, const uint8_t *key);

/* A close with CODE and as much of REASON (UTF-8) as a frame takes; at most WEBSOCKET_CONTROL_MAX
 * bytes. WEBSOCKET_CODE_NONE: one without either, as the answer to such a one. */
size_t websocket_close(uint8_t *to, uint16_t code, struct bytes reason, const uint8_t *key);

/* XORs DATA with the four bytes of KEY over and over: masks and unmasks. */
void websocket_mask(uint8_t *data, size_t len, const uint8_t *key);

/* ---- messages out, unmasked ---- */

/* The body alone, text when it is UTF-8, else binary. Exact size. That N messages are missing
 * cannot be said in this format, every frame of which is a body: the notice has 0 bytes. */
size_t websocket_message_size(const struct message *m);
size_t websocket_message_encode(const struct message *m, uint8_t *to);
size_t websocket_message_skipped(uint64_t count, uint8_t *to);

/* The message object (wire/json.h), and its notice. */
size_t websocket_json_size(const struct message *m);
size_t websocket_json_encode(const struct message *m, uint8_t *to);
size_t websocket_json_skipped(uint64_t count, uint8_t *to);

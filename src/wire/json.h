#pragma once

/*
 * Messages as JSON (RFC 8259), one object a line (ndjson):
 *
 *	{"id":7,"time":"2026-11-23T09:00:00.000Z","topic":"lobby","from":"anna","text":"hi"}
 *
 * with "base64" (RFC 4648 section 4) in place of "text" when the body is not UTF-8. The notice that
 * N messages are missing is {"skipped":N}, null when it is not known how many.
 *
 * What is written is valid whatever the message holds: in a topic or a name that is not UTF-8, each
 * byte that is not ASCII becomes U+FFFD. There is no CR, LF or NUL within an object.
 *
 * What is read may lack anything but the body, and may have more: members that are not known are
 * passed over, so whatever is written here can be published again.
 */

#include "base/fault.h"
#include "base/message.h"

/* The exact size of M as one line, and the bytes written: always the same. */
size_t json_line_size(const struct message *m);
size_t json_line_encode(const struct message *m, uint8_t *to);

/* The notice as one line; COUNT 0: how many is not known. At most 64 bytes. */
size_t json_line_skipped(uint64_t count, uint8_t *to);

/* The same three without the LF, for wires that have a frame of their own. */
size_t json_message_size(const struct message *m);
size_t json_message_encode(const struct message *m, uint8_t *to);
size_t json_message_skipped(uint64_t count, uint8_t *to);

/* A body alone, which is the least that can be published, as one line; exact size. */
size_t json_line_body_size(struct bytes body);
size_t json_line_body(struct bytes body, uint8_t *to);

/* Any text as a JSON string with its quotes. */
size_t json_quote_size(struct bytes text);
size_t json_quote(struct bytes text, uint8_t *to);

/* What became of a client's own messages: {"stored":NUMBER,"id":ID}, with a "count" when it is
 * about COUNT > 1 of them, the last of which is NUMBER, with ids without holes; or
 * {"refused":NUMBER,"status":S} where S is the status that HTTP would answer with. Without LF; at
 * most 96 bytes. */
size_t json_message_stored(uint64_t number, uint64_t id, uint64_t count, uint8_t *to);
size_t json_message_refused(uint64_t number, int status, uint8_t *to);

enum {
	JSON_NOTHING = 0,
	JSON_MESSAGE = 1,
	JSON_SKIPPED = 2,
	JSON_STORED = 3,
	JSON_REFUSED = 4,
};

struct json_line {
	struct message message; /* borrows from what is below; seq and origin are 0 */
	uint64_t skipped;	/* 0: how many is not known */
	uint64_t number;	/* of the message stored, with its id in message.id, or refused */
	uint64_t count;		/* of the messages stored up to it, at least 1 */
	uint64_t status;	/* why it was refused */
	void *object;
	uint8_t *binary;
};

#define JSON_LINE_NULL ((struct json_line){0})

/*
 * Reads one line, with its line end or without. JSON_MESSAGE: an object with "text" or "base64", of
 * which one must be there; "id", "time", "topic" and "from" are taken over where they are.
 * JSON_SKIPPED, JSON_STORED, JSON_REFUSED: the notices. JSON_NOTHING: the line has only white
 * space. -EBADMSG: it is none of these. -ENOMEM.
 *
 * *line needs json_line_deinit() whatever comes out.
 */
int json_line_decode(struct bytes text, struct json_line *line, struct fault *why);

void json_line_deinit(struct json_line *line);

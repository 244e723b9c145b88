#pragma once

/*
 * Server-sent events (the HTML standard, section 9.2, text/event-stream)
 *
 * Out: a message is the event
 *
 *	id: 7
 *	data: {"id":7,…,"text":"hi"}
 *
 * with the message object (wire/json.h) as its data: an event stream has lines of UTF-8, so a body
 * with CR, with NUL or of other bytes could not stand there as it is. The notice that messages are
 * missing is an event of type `skipped`.
 *
 * In: any event stream, for clients. Bytes that are not UTF-8 come out as they are; the standard
 * would replace them.
 *
 *	while ((r = sse_next(&s, &in, max, &event)) == SSE_EVENT)
 *		...
 */

#include "base/bytes.h"
#include "base/message.h"

/* The exact size of M as an event, and the bytes written: always the same. */
size_t sse_size(const struct message *m);
size_t sse_encode(const struct message *m, uint8_t *to);

/* The notice; COUNT 0: how many is not known. At most 64 bytes. */
size_t sse_skipped(uint64_t count, uint8_t *to);

/* A comment, which keeps a connection in use and is no event. */
#define SSE_HEARTBEAT ":\n\n"

#define SSE_TYPE_SKIPPED "skipped"

struct sse {
	struct buffer line; /* not ended so far */
	struct buffer type;
	struct buffer data; /* an LF behind each line */
	struct buffer id;
	uint32_t retry_ms; /* how long the server wants a client to wait before it comes again; 0
			      when it did not say */
	bool begun;	   /* the first line is over */
	bool after_cr;	   /* an LF that comes next belongs to the line end before */
};

#define SSE_NULL ((struct sse){0})

enum {
	SSE_MORE = 0,
	SSE_EVENT = 1,
};

/* Valid until the next call. */
struct sse_event {
	struct bytes type; /* "message" when the stream names none */
	struct bytes data;
	struct bytes id; /* the last one the stream gave, to be sent as Last-Event-ID */
};

void sse_deinit(struct sse *s);

/*
 * SSE_EVENT; or SSE_MORE: all of *in was used. *in is moved past what was used. -EMSGSIZE: a line
 * or an event's data has more than MAX bytes; -ENOMEM. After these the stream cannot go on.
 */
int sse_next(struct sse *s, struct bytes *in, size_t max, struct sse_event *event);

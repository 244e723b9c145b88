#pragma once

/*
 * Formats: how a message looks on each kind of subscription. One static object each; subscribers
 * that name the same one share a tape. The chunked ones carry HTTP/1.1's framing with them, since
 * every message is a chunk.
 */

#include "hub/tape.h"

extern const struct tape_format format_plain;
extern const struct tape_format format_websocket_text; /* the body is the frame */
extern const struct tape_format format_websocket_json;

/* What GET /topics/T offers. */
struct format_choice {
	const char *type;
	const struct tape_format *bare;	   /* to HTTP/1.0 */
	const struct tape_format *chunked; /* to HTTP/1.1 */
};

enum { FORMAT_TEXT, FORMAT_NDJSON, FORMAT_SSE, FORMAT_CHOICES };

extern const struct format_choice format_choices[FORMAT_CHOICES];

#pragma once

/*
 * Bodies (RFC 9112 sections 6 and 7): pieces of input in, pieces of content out.
 *
 * What is handed out points into the input; nothing is kept of it, however it is cut: of a chunk's
 * framing only numbers and a state are. Chunk extensions and trailer fields are checked for their
 * form, bounded and left out; the owner may set `trailers` behind http_body_init() to have these.
 * Framing is exact: CR LF and nothing else ends its lines, because two readers that disagree about
 * where a body ends disagree about the next request.
 */

#include "wire/http_head.h"

struct http_body {
	enum http_framing framing;
	uint8_t state;		 /* of HTTP_CHUNKED */
	uint16_t line;		 /* bytes of the chunk's line, or of the trailer section, so far */
	uint64_t left;		 /* bytes of the body, or of the chunk, still to come */
	uint64_t room;		 /* bytes of content that the limit still lets in */
	struct buffer *trailers; /* gets the trailer section, the empty line included; or NULL */
	struct http_refusal refusal;
};

/* LENGTH counts for HTTP_LENGTH alone. LIMIT is the most content that is let in, UINT64_MAX for
 * any. 0, or HTTP_REFUSED (413) when LENGTH is beyond it: told before a byte has come. */
int http_body_init(
	struct http_body *body, enum http_framing framing, uint64_t length, uint64_t limit);

/*
 * Takes bytes off the front of *input.
 *
 * HTTP_DATA     *piece is content, never empty; call again
 * HTTP_MORE     all of *input was taken, and the body goes on
 * 0             the body is whole; what is left of *input is no part of it. No further input is
 *               needed to learn this.
 * HTTP_REFUSED  body->refusal says how to answer: 400, 413, 431
 */
int http_body_next(struct http_body *body, struct bytes *input, struct bytes *piece);

/* The stream has ended, all its input taken. 0 when the body was whole, which is what its end says
 * of HTTP_UNTIL_CLOSE; else HTTP_REFUSED. */
int http_body_end(struct http_body *body);

#pragma once

/*
 * The answer to one request, from its first byte to its last (RFC 9112 sections 4 and 6): heads and
 * body in one row of events, for those who ask.
 *
 * The caller keeps one buffer. It hands in all that is in there, takes events until HTTP_MORE, and
 * drops what was taken. A head that is not whole is not taken, so the buffer never has to hold more
 * than HTTP_HEAD_MAX bytes, and what is behind the answer stays.
 */

#include "wire/http_body.h"
#include "wire/http_response.h"

/* Events beside HTTP_DATA. */
enum {
	HTTP_ANSWER_INTERIM = HTTP_DATA + 1, /* a 1xx head; more follows */
	HTTP_ANSWER_HEAD,		     /* the head that counts */
};

enum { HTTP_ANSWER_INTERIM_MAX = 1000 };

struct http_answer {
	enum http_method method; /* of the request */
	uint8_t state;
	uint16_t interim; /* heads so far */
	uint64_t limit;
	struct http_scan scan;
	struct http_body body;
	bool keep_alive;    /* from HTTP_ANSWER_HEAD on: another request may follow */
	const char *detail; /* what is wrong, a constant */
};

/* LIMIT is the most content that is let in, UINT64_MAX for any. */
void http_answer_init(struct http_answer *answer, enum http_method method, uint64_t limit);

/*
 * Takes the next event off the front of *input.
 *
 * HTTP_ANSWER_INTERIM, HTTP_ANSWER_HEAD   *response is the head; it borrows from what was taken
 * HTTP_DATA      *piece is content, never empty
 * HTTP_MORE      more input is needed
 * 0              the answer is whole, and no more input is needed to know it; behind a 101 or a
 *                CONNECT that succeeded, what is left of *input belongs to the other protocol
 * HTTP_REFUSED   answer->detail
 */
int http_answer_next(struct http_answer *answer, struct http_response *response,
	struct bytes *input, struct bytes *piece);

/* The stream has ended, behind HTTP_MORE. 0 when the answer is whole, else HTTP_REFUSED. */
int http_answer_end(struct http_answer *answer);

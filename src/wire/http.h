#pragma once

/*
 * HTTP/1.1 (RFC 9110, RFC 9112): the words all its parts share.
 *
 * A head is parsed from the start of the caller's input, which must hold it in one piece; nothing
 * is copied, so what a parser hands out lives as long as those bytes stay where they are. A body is
 * decoded from whatever piece is at hand. Nothing here allocates except what appends to a buffer.
 *
 *   http_request, http_response   heads in
 *   http_answer                   all that answers one request
 *   http_fields                   the fields of heads, by name
 *   http_body                     bodies in
 *   http_writer, http_problem     heads, chunks and errors out
 *   uri, media, structured, http_date, http_range, http_condition, http_digest, http_upload
 *                                 what targets and fields hold
 */

#include "base/bytes.h"

/* Outcomes of the parsers; 0 is a whole head, or the end of a body. */
enum {
	HTTP_MORE = 1, /* not yet decided: call again with more input */
	HTTP_REFUSED, /* the peer broke a rule or a limit; the connection cannot be used any more */
	HTTP_DATA,    /* a piece of the body */
};

enum {
	HTTP_HEAD_MAX = 16384,	/* bytes of a head, empty lines before it and after it included */
	HTTP_TARGET_MAX = 8192, /* RFC 9110 section 4.1 asks for 8000 at least */
	HTTP_METHOD_MAX = 32,
	HTTP_FIELDS_MAX = 100,
	HTTP_EMPTY_LINES_MAX = 4,  /* before a request line, RFC 9112 section 2.2 */
	HTTP_CHUNK_LINE_MAX = 256, /* a chunk's size with its extensions */
	HTTP_TRAILER_MAX = 8192,   /* bytes of a trailer section */
};

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_DELETE,
	HTTP_PATCH,
	HTTP_OPTIONS,
	HTTP_CONNECT,
	HTTP_TRACE,
	HTTP_METHOD_OTHER, /* a well-formed method that is none of these: 501 */
};

/* How the end of a body is known (RFC 9112 section 6.3). */
enum http_framing {
	HTTP_NO_BODY,
	HTTP_LENGTH,	  /* Content-Length says it; never 0 */
	HTTP_CHUNKED,	  /* the last chunk says it */
	HTTP_UNTIL_CLOSE, /* the end of the stream says it; responses only */
};

/* Methods are case-sensitive. */
enum http_method http_method_of(struct bytes name);

/* "GET" …; "" for HTTP_METHOD_OTHER. */
const char *http_method_name(enum http_method method);

/* The phrase of a status as the IANA registry has it; "" for a status it does not have. */
const char *http_reason(int status);

/* tchar of RFC 9110 section 5.6.2: what methods, field names and list tokens are made of. */
extern const bool http_token_chars[256];

static inline bool http_is_token_char(uint8_t c)
{
	return http_token_chars[c];
}

/* Whether TEXT is a token: one tchar at least. */
bool http_is_token(struct bytes text);

/* HTAB, SP, VCHAR and obs-text: what a field value may hold (RFC 9110 section 5.5). */
static inline bool http_is_value_char(uint8_t c)
{
	return c >= 0x20 ? c != 0x7f : c == '\t';
}

/* Whether TEXT has only such bytes; the empty one has. */
bool http_is_value(struct bytes text);

/* TEXT without the spaces and tabs around it. */
struct bytes http_trim(struct bytes text);

/* One or more digits, nothing else. 0, -EINVAL, or -ERANGE for what does not fit. */
int http_parse_number(struct bytes text, uint64_t *number);

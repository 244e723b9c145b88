#pragma once

/*
 * Heads and chunks out (RFC 9112 sections 3, 4 and 7.1).
 *
 * A head is written field by field; what goes wrong on the way is remembered and told once, at its
 * end, and then the buffer is as it was. Fields that frame the body (Content-Length,
 * Transfer-Encoding) are the caller's to write, as are Host and Connection.
 */

#include "wire/http.h"

struct http_writer {
	struct buffer *out;
	size_t mark; /* bytes that were in the buffer before */
	int error;
};

/* Begins a response. DATE is the text of its Date field (http_date_format); empty for none, as
 * interim responses have it. */
void http_writer_response(
	struct http_writer *writer, struct buffer *out, int status, struct bytes date);

/* Begins a request. */
void http_writer_request(struct http_writer *writer, struct buffer *out, enum http_method method,
	struct bytes target);

void http_writer_field(struct http_writer *writer, const char *name, struct bytes value);
void http_writer_text(struct http_writer *writer, const char *name, const char *value);
void http_writer_number(struct http_writer *writer, const char *name, uint64_t value);

/* Ends the head. 0; -ENOMEM; -EINVAL when a name, value or target had a byte that it cannot have,
 * so that text of others cannot add lines of its own. */
int http_writer_end(struct http_writer *writer);

/* The line before a chunk of LEN bytes, LEN > 0. Behind the chunk comes HTTP_CHUNK_END. Returns the
 * length of the line; there is no NUL. */
enum { HTTP_CHUNK_HEAD_MAX = 18 };
size_t http_chunk_head(char head[HTTP_CHUNK_HEAD_MAX], uint64_t len);

#define HTTP_CHUNK_END	"\r\n"
#define HTTP_LAST_CHUNK "0\r\n\r\n"

/* Appends DATA as one chunk; nothing when it is empty, as an empty chunk ends the body. 0 or
 * -ENOMEM. */
int http_chunk_append(struct buffer *out, struct bytes data);

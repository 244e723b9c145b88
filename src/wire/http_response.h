#pragma once

/*
 * Response heads (RFC 9112 sections 4 and 6), for those who ask: bytes in, one response out.
 *
 * Interim responses (1xx) are handed out like any other, because some of them say something (100,
 * 104): their owner goes on parsing behind each until one comes that is final.
 */

#include "wire/http_head.h"

#define HTTP_LENGTH_UNKNOWN UINT64_MAX

/* Everything borrows from the input. */
struct http_response {
	size_t len; /* bytes of the input that are this head */
	int status; /* 100 to 599 */
	int minor;  /* 0 for HTTP/1.0, 1 for HTTP/1.1 and up */
	struct bytes reason;
	bool keep_alive; /* another request may follow on the connection */
	enum http_framing framing;
	uint64_t content_length; /* what Content-Length says, body or not; HTTP_LENGTH_UNKNOWN */
	struct http_fields fields;
	const char *detail; /* what is wrong with it */
};

/*
 * Parses the head at the start of INPUT, which answers a request by METHOD. SCAN is HTTP_SCAN_NULL
 * for the first call and kept by the caller while the answer is HTTP_MORE.
 *
 * 0             *response is whole, SCAN is ready for the next one
 * HTTP_MORE     the head has not ended; a bad status line is refused before its head has
 * HTTP_REFUSED  the peer does not speak HTTP/1.1 well enough: response->detail
 */
int http_response_parse(struct http_response *response, struct http_scan *scan, struct bytes input,
	enum http_method method);

/* Another response to the same request follows. (101 is final: another protocol follows.) */
static inline bool http_response_is_interim(const struct http_response *response)
{
	return response->status < 200 && response->status != 101;
}

#pragma once

/*
 * Request heads (RFC 9112 sections 2, 3, 5 and 6): bytes in, one request out, or the status that
 * says what is wrong with it.
 *
 * The parser is strict wherever two readers of the same bytes could come to see different requests
 * (request smuggling); where it must give up it knows no next request, so its owner answers
 * `refusal` and closes. It is lenient in three things only: empty lines before a request, lone LFs
 * when all lines have them, and bytes of a target that should have been escaped (curl sends file
 * names in UTF-8 as they are).
 */

#include "wire/http_head.h"
#include "wire/uri.h"

/* Everything borrows from the input. Large: meant for the stack or one for many connections. */
struct http_request {
	size_t len; /* bytes of the input that are this head */
	enum http_method method;
	struct bytes method_name;
	struct bytes target;  /* as it came */
	struct bytes path;    /* escaped, begins with "/"; "*" for OPTIONS *; none for CONNECT */
	struct bytes query;   /* escaped, without the "?"; data NULL when there is no "?" */
	struct uri_host host; /* the target's when it is absolute, else Host's; HTTP/1.0 has maybe
				 none: name.data NULL */
	int minor;	      /* 0 for HTTP/1.0, 1 for HTTP/1.1 and up */
	bool keep_alive;      /* the client wants to go on behind this request */
	bool expect_continue; /* it waits for "100 Continue" before it sends the body */
	enum http_framing framing;
	uint64_t content_length; /* of HTTP_LENGTH */
	struct http_fields fields;
	struct http_refusal refusal;
};

/*
 * Parses the head at the start of INPUT. SCAN is HTTP_SCAN_NULL for the first call and kept by the
 * caller while the answer is HTTP_MORE.
 *
 * 0             *request is whole, SCAN is ready for the next one, which begins request->len behind
 * HTTP_MORE     the head has not ended; a bad request line is refused before its head has
 * HTTP_REFUSED  request->refusal says how to answer: 400, 413, 414, 417, 431, 501, 505. What else
 *               *request holds is not to be used.
 *
 * A well-formed method that is none of enum http_method is no refusal: its owner knows what to do.
 */
int http_request_parse(struct http_request *request, struct http_scan *scan, struct bytes input);

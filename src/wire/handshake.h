#pragma once

/*
 * The opening handshake of WebSocket (RFC 6455 sections 1.3, 4.1 and 4.2), over heads that were
 * parsed as HTTP. Origin and Host are the server's own policy. Extensions and subprotocols are
 * never taken: a server that wants none answers without their fields.
 */

#include "base/fault.h"
#include "wire/http_request.h"
#include "wire/http_response.h"

enum {
	HANDSHAKE_KEY_LEN = 24,
	HANDSHAKE_ACCEPT_LEN = 28,
};

#define HANDSHAKE_VERSION "13"

/* The client asks for a WebSocket: a GET whose Upgrade names it. */
bool handshake_is_asked(const struct http_request *request);

/* Status 0 when what is asked can be done, else 400, or 426, which goes with the field
 * Sec-WebSocket-Version: HANDSHAKE_VERSION. */
struct http_refusal handshake_check(const struct http_request *request);

/* The key of a request that handshake_check() found good. */
struct bytes handshake_key(const struct http_request *request);

/* A client's key made of 16 random bytes. No NUL. */
void handshake_new_key(const uint8_t random[16], char key[HANDSHAKE_KEY_LEN]);

/* The value of Sec-WebSocket-Accept that answers KEY. No NUL. 0, or -EIO when OpenSSL has no SHA-1.
 */
int handshake_accept(struct bytes key, char accept[HANDSHAKE_ACCEPT_LEN]);

/* Whether RESPONSE, a 101, lets the client that sent KEY go on: 0, or -EPROTO and why not, or as
 * handshake_accept(). */
int handshake_check_answer(
	const struct http_response *response, struct bytes key, struct fault *why);

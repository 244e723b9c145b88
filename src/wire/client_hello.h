#pragma once

/*
 * Whether the first message of a TLS handshake is there: the ClientHello (RFC 8446 sections 4.1.2
 * and 5.1), in one record or over several. Who has not said that much yet needs no session.
 */

#include "base/bytes.h"

/* Bytes of a stream that are kept for a hello; those of browsers have up to 2 KiB. */
enum { CLIENT_HELLO_MAX = 16 * 1024 };

/* FIRST are all bytes of the stream so far. True once the hello is whole; and when more would make
 * it no better, since it is no hello, or too long: TLS then knows what to say. Once true, it stays.
 */
bool client_hello_is_there(struct bytes first);

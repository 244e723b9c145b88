#pragma once

/*
 * The PROXY protocol (wire/proxy.h) on a leg: the header that names whose connection it is.
 */

#include "relay/leg.h"
#include "wire/proxy.h"

enum { HEADER_MAX = PROXY_ENCODED_MAX };

/* Takes the header off the leg, and not a byte of what follows. 0, and FROM and TO are what it
 * names, or are left as they are when it names nothing; -EAGAIN while it is not whole; -EPROTO and
 * a line when it is none. */
int header_take(
	struct leg *l, int version, struct endpoint *from, struct endpoint *to, struct fault *why);

/* The header for a connection of FROM to TO; its length, at most HEADER_MAX. */
size_t header_write(
	uint8_t *header, int version, const struct endpoint *from, const struct endpoint *to);

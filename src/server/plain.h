#pragma once

/*
 * The plain wire at the hub: a line is a message, and others' messages come as `FROM: BODY` lines.
 * A packet is one message (a line end at its end is left out).
 *
 * A client that ends its direction has said all it wants to: it gets what is on its way, and then
 * the connection ends.
 */

#include "server/connection.h"

/* Makes C a plain client and subscriber of its entrance's topic. */
void plain_open(struct connection *c);

/* A packet without a connection: publishes it, answers nothing. */
void plain_datagram(
	struct server *s, const struct entrance *e, const char *peer, struct bytes data);

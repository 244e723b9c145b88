#pragma once

/*
 * The plain wire at the hub: a line is a message, and others' messages come as `FROM: BODY` lines.
 * A packet is one message (a line end at its end is left out).
 *
 * Where the hub knows tokens, the first line may be `login TOKEN`; it is no message then. A client
 * that may not do what it tries is told so in one line, and the connection ends.
 *
 * A client that ends its direction has said all it wants to: it gets what is on its way, and then
 * the connection ends.
 */

#include "net/listener.h"
#include "server/connection.h"

/* Makes C a plain client and subscriber of its entrance's topic. */
void plain_open(struct connection *c);

/* A packet without a connection: publishes it, answers nothing. */
void plain_datagram(struct server *s, const struct entrance *e, const struct packet *packet);

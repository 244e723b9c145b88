#pragma once

/*
 * The door: one port, every wire
 *
 * The first bytes of a stream choose the protocol; none of them is lost. A client that has not
 * spoken is sent nothing. See DESIGN in docs/design.md, "The door".
 */

struct connection;

/* Gives a new connection its first protocol: the one that its address fixes, else the door. */
void door_open(struct connection *c);

/* The same behind TLS. */
void door_choose(struct connection *c);

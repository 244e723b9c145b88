#pragma once

/*
 * Login: who a client is, and what becomes of one that may not
 *
 * A connection is known by what it came with (a user of this machine, a TLS client key), or as
 * anyone; each of its requests may show a token, which then counts instead. Both end up in
 * connection.who, and access_check() is the one place where the server asks whether that one may do
 * something. Every route and wire asks it, with the very name that it goes on to use.
 *
 * A token comes as `Authorization: Bearer TOKEN` (RFC 6750). A page cannot set that field on a
 * WebSocket; it offers two subprotocols instead, `ferry` and `ferry.token.` with the token in
 * base64url behind it, of which the hub takes the first. Neither stands in a URL, which browsers
 * and proxies keep.
 */

#include "server/access.h"
#include "server/exchange.h"

/* Whether C may do RIGHT to NAME; with data NULL: to any name at all. A no is counted and logged;
 * to tell the client is left to the caller. */
bool access_check(struct connection *c, enum access_right right, struct bytes name);

/* The same for the request of X. False when it has been refused, with 401 or 403. */
bool exchange_may(struct exchange *x, enum access_right right, struct bytes name);

/* The same for whoever sends on C next, but nothing is counted or said: for lists, which leave out
 * what is not for C to see. */
bool login_sees(const struct connection *c, enum access_right right, struct bytes name);

/* Finds out who sends R. False when it has been refused. */
bool login_request(struct exchange *x, const struct http_request *r);

/* The name that C's proof comes with, which is the sender's whatever else it says; data NULL when
 * it has none. */
struct bytes login_name(const struct connection *c);

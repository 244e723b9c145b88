#pragma once

/*
 * Login: who a client is, and what becomes of one that may not
 *
 * A connection is known by what it came with (a user of this machine, a TLS client key), or as
 * anyone; each of its requests may show a token, which then counts instead. Both end up in
 * connection.who, and access_check() is the one place where the server asks whether that one may do
 * something. Every route and wire asks it, with the very name that it goes on to use.
 *
 * A token comes as
 *
 *	Authorization: Bearer TOKEN				http (RFC 6750)
 *	Sec-WebSocket-Protocol: ferry, ferry.token.TOKEN	pages, which cannot set that field
 *	login TOKEN						plain, as the first line
 *
 * where a subprotocol has the bytes that it cannot have as %XX, and the hub takes the other one, so
 * that the token is not sent back. No token stands in a URL, which browsers and proxies keep.
 *
 * Tokens that the hub does not know are counted by address (server/throttle.h): an address that has
 * shown too many of them is told so with 429, and the log is spared. Nobody else waits for that.
 */

#include "server/access.h"
#include "server/exchange.h"

#define LOGIN_PROTOCOL "ferry"

enum { LOGIN_LINE_MAX = 1024 }; /* "login " and a token */
enum { LOGIN_WHY_SIZE = ACCESS_PHRASE_SIZE + ACCESS_NAME_MAX };

/* Whether C may do RIGHT to NAME; with data NULL: to any name at all. A no is counted and logged;
 * to tell the client is left to the caller. */
bool access_check(struct connection *c, enum access_right right, struct bytes name);

/* The same for the request of X. False when it has been refused, with 401 or 403. */
bool exchange_may(struct exchange *x, enum access_right right, struct bytes name);

/* Whether C may, but nothing is counted or said when not: for lists, which leave out what is not
 * for C to see. */
bool login_sees(const struct connection *c, enum access_right right, struct bytes name);

/* Finds out who sends R. False when it has been refused. */
bool login_request(struct exchange *x, const struct http_request *r);

/* Whether R offers the subprotocol by which pages show a token, which then has to be taken. */
bool login_offers_protocol(const struct http_request *r);

/* LINE is the first of a plain client: whether it is a login, and then who C is from now on, or
 * that its token is none. */
enum login { LOGIN_NONE, LOGIN_DONE, LOGIN_WRONG };
enum login login_line(struct connection *c, struct bytes line);

/* A token might do what C may not: it has shown none, and the hub knows some. */
bool login_wants_token(const struct connection *c);

/* Else the line for C that says what it may not do. */
void login_why(const struct connection *c, enum access_right right, struct bytes name,
	char text[LOGIN_WHY_SIZE]);

/* Some client may show a token. */
bool login_takes_tokens(const struct connection *c);

/* The name that C's proof comes with, which is the sender's whatever else it says; data NULL when
 * it has none. */
struct bytes login_name(const struct connection *c);

#pragma once

/*
 * Allowance: how many clients there may be, in all and from one address, and how much each may
 * publish in a second.
 *
 * Who comes when there is no place is told so, with 503 or 429 or a line, and nothing else. Who
 * publishes too much is read no further until its account is even: nothing is lost, and TCP holds
 * the sender back. Over HTTP, where a sender waits for an answer anyway, the next request gets 429.
 */

#include "net/deadline.h"
#include "net/endpoint.h"
#include "server/visitors.h"

struct connection;
struct server;

/* Of the server. */
struct allowance {
	struct visitors visitors;
	struct list waiting; /* connections that have spent theirs */
	struct deadlines resume;
	struct deadline resuming;
};

/* 0 or -ENOMEM. */
int allowance_init(struct server *s);
void allowance_deinit(struct server *s);

/* Whether one more client from there may come in. */
bool allowance_has_room(const struct server *s, const struct endpoint *from);

/* Counts one for which there is none. True when there is, but not for its address. */
bool allowance_refuse(struct server *s);

/* Takes a new one in, or marks it `refused`. */
void allowance_take_in(struct connection *c, const struct endpoint *from);
void allowance_let_go(struct connection *c);

/* Why a `refused` one is, and the HTTP status that says so. */
const char *allowance_refusal(const struct connection *c, int *status);

/* It publishes LEN bytes. */
void allowance_count(struct connection *c, size_t len);

/* It has published more than it may in this time. */
bool allowance_is_spent(const struct connection *c);

/* Holds it until it has not. */
void allowance_await_turn(struct connection *c);

#pragma once

/*
 * Allowance: how many clients there may be, in all and from one address, and how much each may
 * send and fetch in a second (server/rate.h).
 *
 * Who comes when there is no place is told so, with 503 or 429 or a line, and nothing else. Who
 * has spent what it may is read no further, and of a file sent nothing further, until its account
 * is even: nothing is lost, and TCP holds the sender back. Where somebody waits for the answer, to
 * a message over HTTP or a request to a service, the next one gets 429. What the hub's own servants
 * do is not counted.
 */

#include "net/deadline.h"
#include "net/endpoint.h"
#include "server/visitors.h"

struct connection;
struct exchange;
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

/* It sends, or fetches, so much. */
void allowance_count(struct connection *c, unsigned messages, size_t bytes);

/* Of LEN bytes that are to be sent to it, as many as it may be sent at once. */
size_t allowance_portion(const struct connection *c, size_t len);

/* When it has spent more than it may in this time: holds it until it has not, and true. It is told
 * then that it may write, too. */
bool allowance_holds(struct connection *c);

/* The same for a request, in `begin`, whose client waits for the answer: refuses it. */
bool allowance_refuses(struct exchange *x);

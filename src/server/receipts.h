#pragma once

/*
 * Receipts: a WebSocket client learns what became of each message it sent
 *
 *	GET /topics/T?format=json&client=TOKEN&first=N
 *
 * TOKEN (a name of the client's own making that nobody else can guess) makes all its connections
 * one client: none of them is sent what another of them published. Its messages are numbered from
 * first on, 1 unless given, and each is answered with its number: {"stored":N,"id":7} or
 * {"refused":N,"status":507}, in order. Messages that follow each other in number and in id have
 *one receipt, of the last, with their "count". A client that lost its connection sends what had no
 *receipt again under the same numbers, and nothing of it is stored twice.
 */

#include "hub/hub.h"
#include "server/connection.h"
#include "wire/http_request.h"

struct receipts;

/* For the client that R names; *out is NULL when R names none. 0; -EINVAL for a bad token or
 * number; -ENOMEM. */
int receipts_new(struct receipts **out, struct connection *c, const struct http_request *r);

/* Takes NULL, returns NULL; nothing that is still on its way to the store is told any more. */
struct receipts *receipts_free(struct receipts *r);

/* Publishes P as the client's next message. Its outcome is told by a receipt, but for a negative
 * errno: then the connection has to end, and the client to try again, as earlier messages are still
 * on their way. */
int receipts_publish(struct receipts *r, struct publish *p);

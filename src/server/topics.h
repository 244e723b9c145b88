#pragma once

/*
 * /topics/ over HTTP: publish with POST, subscribe with GET (server-sent events, ndjson, text) or
 * WebSocket, and the list of them.
 */

#include "server/exchange.h"

extern const struct handler topics_list;      /* GET /topics/ */
extern const struct handler topics_publish;   /* POST /topics/T */
extern const struct handler topics_subscribe; /* GET /topics/T, and the upgrade to WebSocket */

/* What a subscriber asks for with `?since=`: an id, `all`, or a time span. 0 or -EINVAL. NOW is
 * real time in milliseconds. */
int topics_since(struct bytes text, uint64_t now_ms, struct since *since);

/* The topic of R's path in TO (NAME_MAX_LEN bytes). False when it has been refused. */
bool topics_name(
	struct exchange *x, const struct http_request *r, uint8_t *to, struct bytes *topic);

/* The status that says why the store or the hub did not take a message; ERROR is a negative errno.
 */
int topics_status(int error);

/* The sender's name: `?name=`, or the peer's address. False when it has been refused. */
bool topics_sender(struct exchange *x, const struct http_request *r, uint8_t *to, size_t cap,
	struct bytes *name);

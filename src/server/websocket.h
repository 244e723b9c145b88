#pragma once

/*
 * WebSocket on /topics/T: both ways. A text or binary frame from the client is a message's body;
 * the topic's messages come as frames, bodies as they are, or as JSON objects with `?format=json`.
 */

#include "server/exchange.h"

/* Answers R, which asks for a WebSocket: 101 and the subscription, or what is wrong with it. */
void websocket_open(
	struct exchange *x, const struct http_request *r, struct bytes topic, struct since since);

#pragma once

/*
 * Fetch: small questions to a hub, for commands that ask, one after the other over one connection.
 * It has a loop of its own, and blocks.
 */

#include "base/fault.h"
#include "client/http_call.h"
#include "client/reply.h"

/* A list of many files is long. */
enum { FETCH_BODY_MAX = 256 * 1024 * 1024 };

struct fetch {
	struct loop loop;
	struct address address;
	struct http_call call;
	struct reply refusal;
	uv_timer_t timer;
	uint64_t timeout_ms;
	struct buffer *body;
	struct fault *why;
	int result;
};

/* TRUST is as link_init() wants it. 0, or a negative errno with a line in WHY, and nothing is open.
 */
int fetch_open(struct fetch *f, const char *address, struct trust *trust, uint64_t timeout_ms,
	struct fault *why);
void fetch_close(struct fetch *f);

/* Sends a request without a body by METHOD for TARGET and appends the body of what comes to BODY.
 * 0 for a status below 300; else a negative errno with a line in WHY: not reachable, not let in, no
 * hub, -ENOENT for a 404, not there within the time. */
int fetch_ask(struct fetch *f, enum http_method method, struct bytes target, struct buffer *body,
	struct fault *why);

/* One GET of TARGET at ADDRESS, from opening to closing. */
int fetch(const char *address, struct trust *trust, const char *target, uint64_t timeout_ms,
	struct buffer *body, struct fault *why);

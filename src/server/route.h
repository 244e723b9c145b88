#pragma once

/*
 * Routes: from a path and a method to who answers.
 */

#include "server/exchange.h"

/* The handler for R, or NULL when the request has been answered: 404, 405 with Allow, or OPTIONS.
 */
const struct handler *route_find(struct exchange *x, const struct http_request *r);

/* What R's path has behind PREFIX, decoded, in TO (CAP bytes). Valid as long as TO; data NULL when
 * an escape is broken. */
struct bytes route_rest(const struct http_request *r, const char *prefix, void *to, size_t cap);

#pragma once

/*
 * Guard: what a page of another site can do to a hub is nothing
 *
 * A browser runs the pages of strangers on the same machine as the hub and lets them send requests
 * to it. Two things give them away: `Origin` (and Sec-Fetch-Site), which a page cannot set, names
 * another site; and after DNS rebinding `Host` is the stranger's name. Both are checked on every
 * method and on WebSocket, before a route is looked up.
 */

#include "net/address.h"
#include "wire/http_request.h"

struct guard_options {
	const char **origins; /* further ones that are welcome: "https://example.org"; "*": any */
	size_t origin_count;
	const char **hosts; /* further names that the hub goes by */
	size_t host_count;
};

/* NULL: welcome. Else the line that says what is wrong, and *status to answer with (403 or 421).
 * ADDRESS is the one that the client came by. Valid until the next call. */
const char *guard_check(const struct guard_options *o, const struct address *address,
	const struct http_request *r, int *status);

/* The Origin that has to be named in Access-Control-Allow-Origin for R; data NULL when none. */
struct bytes guard_cors_origin(const struct guard_options *o, const struct http_request *r);

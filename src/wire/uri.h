#pragma once

/*
 * What is inside a request target and a Host field (RFC 3986).
 *
 * Nothing is copied or decoded before it is taken apart, so an escaped delimiter never acts as one.
 */

#include "base/bytes.h"

/* host [ ":" port ]: an authority without user information. */
struct uri_host {
	struct bytes
		name; /* a registered name or an address; an IPv6 address without its brackets */
	int port;     /* 0 to 65535, or -1 when none is given */
};

/* 0, or -EINVAL for an empty name, a byte that host names cannot have, brackets that hold something
 * else than what IPv6 addresses are made of, or a port beyond 65535. */
int uri_host_parse(struct bytes text, struct uri_host *host);

/* Takes the next `name=value` off a query; both still escaped, value empty when there is no `=`.
 * False at the end. */
bool uri_query_next(struct bytes *query, struct bytes *name, struct bytes *value);

/* The decoded value of the first NAME in QUERY, `+` as a space, into TO, whose room is CAP bytes.
 * 0 with *value set; -ENOENT when there is none, -EINVAL for a broken escape, -ENOSPC. */
int uri_query_get(struct bytes query, const char *name, void *to, size_t cap, struct bytes *value);

/* A path or a segment of one without its escapes, in TO. 0 with *path set; -EINVAL for a broken
 * escape or a NUL byte (an escaped `/` is one: look out for `..` behind this call, not before);
 * -ENOSPC. */
int uri_path_decode(struct bytes text, void *to, size_t cap, struct bytes *path);

/* Appends TEXT, each byte but the unreserved ones and those of KEEP as %XX. "/" keeps the segments
 * of a path apart; "" is for one segment and for a query's values. 0 or -ENOMEM. */
int uri_escape(struct buffer *out, struct bytes text, const char *keep);

#pragma once

/*
 * Networks of IP addresses in the notation of RFC 4632 and RFC 4291: `10.0.0.0/8`, `fd00::/8`. An
 * address alone is a network of one.
 */

#include "net/endpoint.h"

struct cidr {
	uint8_t address[16]; /* an IPv4 address as the IPv6 address it maps to (::ffff:0:0/96) */
	unsigned bits;	     /* how many of its leading bits count */
};

/* TEXT need not end with a NUL. 0, or -EINVAL: also when bits are set that do not count, which is
 * a slip more often than not. */
int cidr_parse(struct cidr *c, struct bytes text);

/* An IPv4 peer of an IPv6 socket is in the networks of its IPv4 address. What is no IP endpoint is
 * in none. */
bool cidr_contains(const struct cidr *c, const struct endpoint *e);

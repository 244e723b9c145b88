#pragma once

/*
 * The PROXY protocol's header, which a relay sends in front of a connection to say whose it is
 * (haproxy.org, doc/proxy-protocol.txt): version 1, a line of text, and version 2, binary.
 *
 * Addresses are as the version writes them: text in version 1, bytes in network order in version 2
 * (the path, up to its NUL, of Unix sockets). Nobody here knows what an address means.
 */

#include "base/bytes.h"

enum proxy_family {
	PROXY_UNKNOWN, /* the connection is the sender's own, or of no family that is known */
	PROXY_INET,
	PROXY_INET6,
	PROXY_UNIX, /* version 2 only */
};

struct proxy_header {
	enum proxy_family family;
	bool datagrams;
	struct bytes from; /* borrowed from what was decoded; empty for PROXY_UNKNOWN */
	struct bytes to;
	uint16_t from_port;
	uint16_t to_port;
};

enum {
	PROXY_MORE = 1, /* the header is not whole yet */
	PROXY_WRONG = 2,

	PROXY_V1_MAX = 107,
	/* The addresses of two Unix sockets, and room for the extensions (TLVs) that are in use. */
	PROXY_V2_MAX = 4096,
	PROXY_ENCODED_MAX = 16 + 2 * 108,
};

/* Takes a header of VERSION (1 or 2) off the front of *input: 0, and *h borrows from it; or one of
 * the above, with *detail, a constant, for PROXY_WRONG. Extensions are passed over. */
int proxy_decode(int version, struct bytes *input, struct proxy_header *h, const char **detail);

/* Writes it, at most PROXY_ENCODED_MAX bytes; how many. What version 1 has no word for (datagrams,
 * Unix sockets) becomes PROXY_UNKNOWN. */
size_t proxy_encode(int version, const struct proxy_header *h, uint8_t *to);

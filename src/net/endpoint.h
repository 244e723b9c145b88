#pragma once

/*
 * An endpoint is what the kernel knows of an address: a socket address and the kind of socket it is
 * for. `struct address` (net/address.h) is what people write.
 */

#include "base/bytes.h"

#include <stdint.h>
#include <sys/socket.h>

struct endpoint {
	int type;     /* SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM */
	int protocol; /* 0 for the type's own */
	socklen_t len;
	struct sockaddr_storage addr;
};

#define ENDPOINT_NULL ((struct endpoint){0})

/* "unix:" and a sun_path whose every byte had to be escaped, and a NUL. */
enum { ENDPOINT_TEXT_SIZE = 340 };

/*
 * How people read it: `127.0.0.1:61811`, `[::1]:80`, `[fe80::1%eth0]:80`, `unix:/run/a.sock`,
 * `@abstract`, `vsock:3:1025`; an IPv4 peer of an IPv6 socket prints as the IPv4 address it has.
 * Control bytes in a Unix name are percent-encoded; a Unix socket without a name is `unix:`. An
 * address of another family is `family:N`.
 */
void endpoint_format(const struct endpoint *e, char text[ENDPOINT_TEXT_SIZE]);
void endpoint_format_sockaddr(
	const struct sockaddr *addr, socklen_t len, char text[ENDPOINT_TEXT_SIZE]);

/* The path or the abstract name (with its NUL in front) of a Unix address; empty for one without.
 * It points into E. */
struct bytes endpoint_unix_name(const struct endpoint *e);

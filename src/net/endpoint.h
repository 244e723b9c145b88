#pragma once

/*
 * An endpoint is what the kernel knows of an address: a socket address and the kind of socket it is
 * for. `struct address` (net/address.h) is what people write.
 */

#include "base/bytes.h"
#include "net/address.h"

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

/* The endpoint of a unix: or vsock: address. Port 0 of vsock is any free one (VMADDR_PORT_ANY).
 * vsock+unix: gives the monitor's own socket, PATH; where it looks for a listener on the host's
 * side of PORT, PATH_PORT, when LISTENING. 0, or -ENAMETOOLONG. */
int endpoint_of(struct endpoint *e, const struct address *a, bool listening);

/* The address and port that another machine named: of FAMILY (AF_INET, AF_INET6, AF_UNIX), as
 * people write it when TEXT, else its bytes in network order, or the path. 0, or -EINVAL for what
 * is none; type and protocol stay as they are. */
int endpoint_read(struct endpoint *e, int family, bool text, struct bytes address, uint16_t port);

/* The port of an IP or vsock endpoint, 0 for others. */
uint32_t endpoint_port(const struct endpoint *e);
void endpoint_set_port(struct endpoint *e, uint32_t port);

/* True when only this machine reaches it: a Unix socket, the loopback network, vsock's CID local.
 */
bool endpoint_is_local(const struct endpoint *e);

/* A socket of the endpoint's kind: non-blocking, close-on-exec, and where the protocol has them
 * without delay (TCP_NODELAY), which accepted sockets inherit. The caller owns it. Negative errno:
 * -EAFNOSUPPORT, -EPROTONOSUPPORT, -ESOCKTNOSUPPORT and the like when the kernel lacks the family
 * or the protocol. */
int endpoint_socket(const struct endpoint *e);

/* A peer that vanishes without a word is noticed after two minutes, not the kernel's two hours. Not
 * needed for one on this machine; accepted sockets inherit it. */
void endpoint_keep_alive(const struct endpoint *e, int fd);

/* What FD is bound to or connected to, and the kind of socket it is. */
int endpoint_local(struct endpoint *e, int fd);
int endpoint_peer(struct endpoint *e, int fd);

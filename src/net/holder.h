#pragma once

/*
 * Who holds an address: the sockets that are bound to it, from the kernel's tables (net/diag.h),
 * and the processes that have them open (net/process.h).
 *
 *	r = holders_new(&holders, wanted, count, why);
 *	while ((h = holders_next(holders)))
 *		…
 *	holders_free(holders);
 *
 * It is a snapshot, made when it is asked for; nothing here waits for anything but the kernel. Any
 * user may ask. What the user may not see is told as unknown, never left out in silence.
 */

#include "base/fault.h"
#include "net/diag.h"
#include "net/process.h"

#include <netinet/tcp.h>

struct holder {
	struct diag_socket socket;
	/* The processes that have it open. None although the inode is not 0: someone has, who may
	 * not be seen (another user's process, another container's, or the kernel itself). */
	const struct process_socket *processes;
	size_t process_count;
	/* The same for the other end of a Unix connection. */
	const struct process_socket *peers;
	size_t peer_count;
};

struct holders;

/* What could not be seen. */
enum holder_gap {
	HOLDER_GAP_PROCESSES = 1 << 0, /* other users' processes: they are shown to root */
	HOLDER_GAP_OUTSIDE = 1 << 1,   /* whoever has a socket is in another container, or the
					  kernel itself */
	HOLDER_GAP_TCP = 1 << 2,       /* the kernel has such sockets and does not list them */
	HOLDER_GAP_UDP = 1 << 3,
	HOLDER_GAP_SCTP = 1 << 4,
	HOLDER_GAP_UNIX = 1 << 5,
	HOLDER_GAP_VSOCK = 1 << 6,
};

/* Takes the snapshot. Without WANTED (COUNT 0): every socket that waits for someone, as a listener
 * or for datagrams. With it: every socket whose own address is one of these or covers it, as [::]
 * covers all of IPv6 and IPv4; a type or protocol of 0 stands for any. WANTED is not used later. 0
 * or a negative errno. */
int holders_new(
	struct holders **holders, const struct endpoint *wanted, size_t count, struct fault *why);
struct holders *holders_free(struct holders *holders);

static inline void cleanup_holders(struct holders **holders)
{
	holders_free(*holders);
}

/* Listeners first, then the others, each by family, protocol and address; NULL after the last. It
 * lives as long as HOLDERS. */
const struct holder *holders_next(struct holders *holders);

/* A set of `enum holder_gap`, of those that matter to what was asked. */
unsigned holders_gaps(const struct holders *holders);

/* Its own address, such that address_parse() understands it: "tcp:127.0.0.1:80",
 * "unix:@bus?type=seqpacket". */
enum { HOLDER_ADDRESS_SIZE = ENDPOINT_TEXT_SIZE + 20 };
void holder_format(const struct holder *h, char text[HOLDER_ADDRESS_SIZE]);

/* "listening", "bound", or the name that RFC 9293 has for a connection's state. */
const char *holder_state(const struct holder *h);

static inline bool holder_listens(const struct holder *h)
{
	return h->socket.state == TCP_LISTEN;
}

/*
 * For the message of EADDRINUSE: who holds this address, as "held by nginx, pid 123, user www".
 * TYPE is SOCK_STREAM, …. 0, or HOLDER_NOT_FOUND and an empty text: no one does any more, or the
 * kernel does not tell; or a negative errno and an empty text.
 */
enum { HOLDER_NOT_FOUND = 1 };
int holder_describe(const struct sockaddr *addr, socklen_t len, int type, char *text, size_t size);

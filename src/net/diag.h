#pragma once

/*
 * The kernel's tables of sockets, read over netlink (sock_diag(7)): what `ss` reads. Only those of
 * the own network namespace are there. Any user may read them.
 *
 *	struct diag *d = malloc(sizeof(*d));
 *	r = diag_open(d, AF_UNIX, 0, 1U << TCP_LISTEN);
 *	while (!r && (r = diag_next(d, &socket)) > 0)
 *		…
 *	diag_close(d);
 */

#include "net/endpoint.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct diag_socket {
	struct endpoint local;
	struct endpoint peer; /* len 0: none, or a Unix socket, whose peer is told by its inode */
	int state;	      /* TCP_ESTABLISHED … of <netinet/tcp.h>, whatever the family */
	uint64_t inode;	      /* 0: no descriptor is open any more */
	uint64_t peer_inode;  /* of a Unix socket's peer, 0: none */
	bool has_uid;
	uid_t uid; /* who made it */

	/* A listener: connections that wait for accept(2), and how many may. Any other: bytes that
	 * wait to be read, and bytes on their way out, which for UDP and Unix sockets are bytes of
	 * the kernel's memory (not so what a Unix stream or packet socket has to read). */
	bool has_queues;
	uint32_t received;
	uint32_t sent;

	bool v6only; /* a listener or UDP socket on [::] that leaves IPv4 to others */

	/* The file a Unix socket is bound to. */
	bool has_file;
	dev_t file_device;
	uint64_t file_inode;
};

/* A bound TCP socket that neither listens nor connects; kernels from 6.8 on show it. */
enum { DIAG_BOUND_INACTIVE = 13 };
enum { DIAG_BUFFER_SIZE = 32 * 1024 }; /* the kernel fills no more with one answer */

struct diag {
	int fd;
	int family;
	int protocol;
	size_t at;  /* of the next message in the buffer */
	size_t len; /* of what is in the buffer */
	_Alignas(8) uint8_t buffer[DIAG_BUFFER_SIZE];
};

/* Asks for the sockets of FAMILY (AF_INET, AF_INET6, AF_UNIX, AF_VSOCK) and PROTOCOL (IPPROTO_TCP,
 * IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_MPTCP, otherwise 0) in one of STATES (1 << TCP_LISTEN | …). 0
 * or a negative errno. The kernel may have to load a module first. */
int diag_open(struct diag *d, int family, int protocol, uint32_t states);

/* 1 and the next socket; 0 after the last; -ENOENT when this kernel cannot show sockets of this
 * kind, or another negative errno. */
int diag_next(struct diag *d, struct diag_socket *s);

/* Safe after a diag_open() that failed, and twice. */
void diag_close(struct diag *d);

#pragma once

/*
 * A listener waits at an address and hands on what comes: a channel for each connection, or, where
 * the socket is of datagrams, each packet with its sender.
 *
 * One address may be several sockets: `localhost` is 127.0.0.1 and ::1 on one port (also when that
 * is picked), a name is all of its addresses, `systemd:` all that were passed. `*` is one socket
 * for both families. An address that is one connection already (a connected `fd:`, `exec:`, `-`) is
 * handed on once.
 *
 * A busy listener takes a bounded number a turn. When the process is out of descriptors or the
 * kernel out of memory, who comes waits in the kernel's queue and is accepted as soon as there is
 * room: it is tried every 100 ms, and by listener_retry().
 */

#include "net/channel.h"
#include "net/loop.h"
#include "net/socket_file.h"

struct listener;

struct packet {
	struct bytes data;
	struct endpoint from; /* len 0 or a bare family when the sender has no address */
	const char *name;     /* of the sender, as peer_name() has it */
	struct ucred process; /* that sent it; pid 0 and uid -1 when it is not known */
	int fd;		      /* the socket it came by, which an answer has to take */
};

struct listener_handler {
	/* A connection. What the handler takes out of the channel is its own; the rest is closed
	 * when it returns. */
	void (*accepted)(struct listener *l, struct channel *c);
	/* A packet; it lives until the call returns. */
	void (*packet)(struct listener *l, const struct packet *p);
	/* Nothing can be taken for now: -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM. Once each time. May be
	 * NULL. */
	void (*starved)(struct listener *l, int error);
};

enum {
	/* Several processes or loops share the port, and the kernel spreads the connections. */
	LISTENER_REUSE_PORT = 1,
};

struct listener_socket;

struct listener {
	struct loop *loop;
	const struct listener_handler *handler;
	struct address address; /* as given, with the port that was picked */
	unsigned flags;
	struct listener_socket *sockets;
	size_t count;
	struct channel once; /* a connection that was there from the start */
	uv_timer_t *timer;   /* hands it on; tries again when starved */
	bool starved;
	bool paused;
};

#define LISTENER_NULL                                                                              \
	((struct listener){.address = {.mode = -1, .fd = -1}, .once = {.in = -1, .out = -1}})

/* Binds and listens; callbacks come from the next turn on. Names are looked up, which blocks. 0, or
 * a negative errno with the line that says what is in the way; -EADDRINUSE names who has the
 * address. The address is copied. *l must not move in memory afterwards. */
int listener_open(struct listener *l, struct loop *loop, const struct address *a, unsigned flags,
	const struct listener_handler *handler, struct fault *why);

/* Closes the sockets and removes their files; connections that were handed on stay. May be called
 * from a callback; the memory of the listener must stay until that returns. Safe on LISTENER_NULL
 * and twice. */
void listener_close(struct listener *l);

/* Lets who comes wait in the kernel's queue, and goes on. */
void listener_pause(struct listener *l);
void listener_resume(struct listener *l);

/* Descriptors were freed: tries again at once if it was short of them. */
void listener_retry(struct listener *l);

/* What socket INDEX is bound to; NULL behind the last. */
const struct endpoint *listener_endpoint(const struct listener *l, size_t index);

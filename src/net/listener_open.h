#pragma once

/*
 * How the sockets of a listener are made, for each kind of address. Private to net/listener.
 */

#include "net/listener.h"

struct listener_socket {
	struct source source;
	struct listener *listener;
	struct endpoint local; /* what it is bound to */
	struct socket_file file;
};

/* Fills `sockets` or `once` by the address. 0 or a negative errno; what is there already is closed
 * by listener_close_sockets(). */
int listener_open_sockets(struct listener *l, struct fault *why);
void listener_close_sockets(struct listener *l);

/* What is called when one of them is ready. */
void listener_on_ready(struct source *source, uint32_t events);

#pragma once

/*
 * A channel is what accepting or dialling gives: descriptors, ready to be made a stream, and the
 * name of who is at the other end.
 */

#include "net/endpoint.h"
#include "net/loop.h"

struct child;

struct channel {
	int in;		      /* non-blocking, to read from */
	int out;	      /* to write to: the same as `in` but for pipes and terminals */
	struct child *child;  /* the process at the other end (exec:), or NULL */
	struct endpoint peer; /* len 0 when it has no address */
	char name[ENDPOINT_TEXT_SIZE];
};

#define CHANNEL_NULL ((struct channel){.in = -1, .out = -1})

/* A channel over the connected socket FD, which it takes over; its peer as given, or asked of the
 * kernel when that is NULL. */
void channel_init(struct channel *c, int fd, const struct endpoint *peer);

/* A connected socket, pipe, terminal or file that was inherited: FD is closed, unless it is a
 * standard one, and the channel has one of its own. 0 or a negative errno, and FD is left alone. */
int channel_init_inherited(struct channel *c, int fd);

/* Standard input and output (see net/standard.h). They are one channel of one descriptor when both
 * are the same socket. 0 or a negative errno. */
int channel_init_standard(struct channel *c);

/* A child that runs COMMAND (see net/child.h). 0 or a negative errno. */
int channel_init_exec(struct channel *c, struct loop *l, const char *command, struct fault *why);

/* Hands over the descriptor of a channel that has one; -1 when it has two, and none is taken. */
int channel_take(struct channel *c);

/* Closes all that was not taken out; safe on CHANNEL_NULL and twice. */
void channel_deinit(struct channel *c);

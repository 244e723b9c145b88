#pragma once

/*
 * Answerer: takes one request of a service after the other, and has each answered: by a command, or
 * by an HTTP server.
 *
 * The request is the command's standard input, the reply its standard output, both as they come.
 * When the asker leaves, the command is ended. The exit status goes with the reply.
 *
 * An answerer that has been at the hub once comes back when the hub is away for a while, unless it
 * is to end with the hub.
 */

#include "base/fault.h"
#include "net/address.h"
#include "net/loop.h"

struct answerer;

struct answerer_options {
	const struct address *address; /* these borrow, and must stay */
	struct trust *trust;	       /* as link_init() wants it */
	const char *service;
	const char *type;	  /* of the replies */
	const struct address *to; /* the HTTP server, or NULL: a command answers */
	struct trust *to_trust;
	const char *path; /* there */
	char **args;	  /* the command, ended by NULL */
	uint64_t timeout; /* ms that a command may run, or the server's answer be away; 0: any */
	bool with_hub;	  /* done when the hub goes */
	/* The answerer is done: after answerer_stop(), with WHY->error 0, or as it cannot go on. It
	 * is not to be freed from within. */
	void (*done)(void *data, const struct fault *why);
	/* The hub is there, at first or once more; or, with WHY, it is away. */
	void (*hub)(void *data, const struct fault *why);
	/* A line for people. */
	void (*noted)(void *data, const char *line);
	void *data;
};

/* NULL when memory is out. It starts at once. */
struct answerer *answerer_new(struct loop *l, const struct answerer_options *options);

/* Takes no further request; `done` comes when the one at hand is answered, maybe at once. */
void answerer_stop(struct answerer *a);

/* Breaks off what is under way. Takes NULL, returns NULL. */
struct answerer *answerer_free(struct answerer *a);

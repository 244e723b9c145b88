#pragma once

/*
 * What the kinds of answerers have in common, and what each brings: the making of one reply.
 *
 * `start` is told of a request, and begins a reply at the clerk; from then on both are busy with
 * it. The clerk is done with `over`, the maker when it says so with answerer_made(); both in either
 * order. Then `clear` comes, and the next request.
 */

#include "client/answerer.h"
#include "client/clerk.h"

struct answerer_kind {
	/* NULL when memory is out. */
	struct answerer *(*new)(void);
	int (*init)(struct answerer *a);
	void (*free)(struct answerer *a);
	void (*start)(struct answerer *a, const struct http_response *r);
	void (*body)(struct answerer *a, struct bytes piece);
	/* The request is whole. */
	void (*whole)(struct answerer *a);
	/* The reply may go on. */
	void (*writable)(struct answerer *a);
	/* Nobody waits for the reply: its making is to be ended. */
	void (*dismiss)(struct answerer *a);
	/* Frees what the request at hand took. */
	void (*clear)(struct answerer *a);
};

struct answerer {
	const struct answerer_kind *kind;
	struct loop *loop;
	struct answerer_options options;
	struct clerk clerk;
	struct ending next; /* what was used is freed first */
	bool busy;	    /* a request is at hand */
	bool over;	    /* for the clerk */
	bool made;	    /* the reply is, or will not be */
	bool stopping;
	struct fault why;
};

extern const struct answerer_kind answerer_command;
extern const struct answerer_kind answerer_forward;

/* The making of the reply at hand has ended. */
void answerer_made(struct answerer *a);

/* Lets go of the asker, who is told that the server broke off. */
void answerer_give_up(struct answerer *a);

/* Tells a person. */
void answerer_note(struct answerer *a, const char *line);

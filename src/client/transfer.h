#pragma once

/*
 * Transfer: what it takes to bring a file over a connection that may break: HTTP calls on one kept
 * connection, each given up or begun again when it breaks.
 *
 * After a break the next call begins in 0.1 s, then 0.2, up to 5 s. It is given up when nothing at
 * all has moved for the given time, after TRANSFER_BREAKS breaks that brought nothing forward, and
 * at once when nothing was there from the beginning: then it is the address that is wrong.
 *
 * The owner sends one call after the other from `begin` and from `ended`. It takes the file's
 * state from what it sees, so a call that is begun again goes on where the last one stopped.
 */

#include "client/http_call.h"
#include "client/reply.h"

struct transfer;

enum { TRANSFER_BREAKS = 10 };

struct transfer_handler {
	/* It is time for a call: the first, or one after a break. */
	void (*begin)(struct transfer *t);
	/* As of a call (client/http_call.h); `head` and `body` only for a status below 300. */
	void (*interim)(struct transfer *t, const struct http_response *r);
	void (*head)(struct transfer *t, const struct http_response *r);
	void (*body)(struct transfer *t, struct bytes piece);
	void (*writable)(struct transfer *t);
	/* A whole answer. t->reply has its status and, for a status of 300 and more, its body. */
	void (*ended)(struct transfer *t);
	/* It is over: no call is under way, and none will begin. */
	void (*gave_up)(struct transfer *t, const struct fault *why);
};

struct transfer {
	struct http_call call;
	const struct transfer_handler *handler;
	struct reply reply;
	uint64_t timeout_ms;
	uint64_t moved_ms; /* when something moved last */
	unsigned breaks;   /* since something was brought forward */
	bool reached;	   /* there is another side */
	bool active;
	bool waiting;	  /* for its owner: nothing has to move */
	bool lost;	  /* it was given up because of the connection */
	struct fault why; /* of the last break */
	uv_timer_t pause; /* until `begin` */
	uv_timer_t watch; /* that something moves */
};

/* A and L are borrowed; TRUST is as link_init() wants it. T must stay until the loop is
 * deinitialised. 0 or -ENOMEM. */
int transfer_init(struct transfer *t, struct loop *l, const struct address *a, struct trust *trust,
	uint64_t timeout_ms, const struct transfer_handler *handler);

/* Breaks off what is under way. Safe twice. */
void transfer_deinit(struct transfer *t);

/* A new file: `begin` comes in a later turn. */
void transfer_start(struct transfer *t);

/* Nothing more is to come of this file. The connection stays for the next one. */
void transfer_stop(struct transfer *t);

/* Some bytes came or went. */
void transfer_moved(struct transfer *t);

/* Something was brought forward for good: breaks are counted anew. */
void transfer_gained(struct transfer *t);

/* Ends the call; `begin` comes after a pause, or `gave_up` with WHY. */
void transfer_break(struct transfer *t, const struct fault *why);

/* The same without a pause, and not counted: the next call will be another one. */
void transfer_again(struct transfer *t);

/* Ends it all: `gave_up` comes with WHY, now. */
void transfer_give_up(struct transfer *t, const struct fault *why);

/* For an answer of status 300 and more that the owner has no use for: breaks when it may be
 * different later, else gives up with what the hub says about NAME. */
void transfer_refused(struct transfer *t, const char *name);

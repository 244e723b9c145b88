#pragma once

/*
 * What stands behind the services and requests of ferry.h. A service has a number of servings. Each
 * has a place at the hub and at most one request, which it is: who gets it is done with it when it
 * is replied to, and the serving goes for the next.
 */

#include "client/clerk.h"
#include "client/context.h"

enum serving_state {
	SERVING_IDLE,	/* waits for a request, or for nothing any more */
	SERVING_COMING, /* gathers one */
	SERVING_READY,	/* has one that nobody has taken */
	SERVING_TAKEN,	/* the program has it */
	SERVING_REPLIED,
};

struct serving {
	struct ferry_request request;
	struct list node; /* of those that are ready */
	struct ferry_service *service;
	struct clerk clerk;
	struct buffer body;
	struct buffer texts; /* of the request: its facts, then names and values of fields */
	enum serving_state state;
};

struct ferry_service {
	struct context_part part;
	struct ferry *ferry;
	struct ferry_serve_options options;
	struct address address;
	char *name;
	char *type;
	struct serving *servings;
	size_t count;
	struct list ready;
	bool there; /* the hub is */
	bool finishing;
	struct fault why; /* it is closed */
	struct ending release;
};

/* Callbacks of the clerks. */
extern const struct clerk_handler serving_clerk;

/* Takes the next request, unless the service ends. */
void serving_next(struct serving *v);

/* Takes no more. */
void serving_leave(struct serving *v);

/* The program is given the request. */
void serving_hand_out(struct serving *v);

/* The hub is there, or not; a clerk of S was refused. */
void service_on_hub(struct ferry_service *s, const struct fault *why);
void service_on_refused(struct ferry_service *s, const struct fault *why);

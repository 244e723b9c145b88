#pragma once

/*
 * The desk: /services/ over HTTP, where those who ask and those who serve meet
 *
 *	POST /services/S		asks; the reply is the answer
 *	POST /services/S/next		takes the next request, which is the answer
 *	POST /services/S/replies/ID	replies to it; with ?next=1 takes the next one as the answer
 *
 * So three exchanges make one call: the asker's, the one that takes the request, the one that
 * brings the reply. `struct asking` joins them. Bodies pass through as they come: what one
 * connection does not take holds the other one back, and nothing is kept but the piece at hand.
 * Whichever exchange goes first takes leave of the others through its handler's `close`.
 */

#include "hub/service.h"
#include "server/exchange.h"

#include <uv.h>

struct server;

struct desk {
	struct server *server;
	struct services services;
	struct list takings;
	uv_timer_t *timer;
	uint64_t armed_ms; /* for when; UINT64_MAX: not */
};

enum { DESK_MAX_QUEUE = 1024, DESK_MAX_QUEUED = 8192, DESK_TIMEOUT_MS = 30000 };

/* NULL when memory is out. */
struct desk *desk_new(struct server *s);

/* When no connection is left. Takes NULL, returns NULL. */
struct desk *desk_free(struct desk *d);

/* The server stops: servers that wait are sent away. */
void desk_stop(struct desk *d);

/* To be called when calls came or went. */
void desk_arm(struct desk *d);

uint64_t desk_now(const struct desk *d);

/* One request on its way from the asker to a server, and back. The asker's exchange owns it. */
struct asking {
	struct call call;
	struct exchange *asker;
	struct exchange *next;	/* that takes the request, or NULL */
	struct exchange *reply; /* that brings the reply, or NULL */
	struct buffer body;	/* that came before there was a server */
	struct buffer type;	/* Content-Type */
	struct buffer query;
	struct buffer fields; /* of the asker's own: lines "Request-Header-NAME: VALUE" */
	uint64_t length;      /* of the body, or HTTP_LENGTH_UNKNOWN */
	bool complete;	      /* the body has come */
	unsigned losses;      /* servers that it was given to, and that are gone */
	bool lost;	      /* the server is gone */
	bool retry;	      /* if it is, another may have the call; the whole body is kept */
	bool replying;	      /* the asker has had the head */
};

/* A server at `next`. Its exchange owns it. */
struct taking {
	struct taker taker;
	struct list node; /* on desk.takings while it waits */
	struct exchange *exchange;
	struct asking *asking; /* that it was given */
	uint64_t patience;     /* ms that it waits for a request; UINT64_MAX: for ever */
	bool tied;   /* stays until it replies: when its connection ends before that, it is lost */
	bool yields; /* the reply may come by the same connection */
};

/* A server's reply. Its exchange owns it. */
struct answering {
	struct asking *asking; /* NULL when the asker is gone */
	int status;	       /* for the asker: 200, or what the server says */
	struct buffer fields;  /* for the asker: whole lines */
	struct buffer type;
	struct buffer trailers;
	uint64_t length;
	struct taking *then; /* its answer is to be the next request, or NULL */
	int exit;	     /* its exit status, -1 as long as it is not known */
};

void desk_give(struct call *c, struct taker *t);

/* The server is gone before the reply began: the call is given to another when the asker wants
 * that and fewer than three were lost so, or fails with 502. */
void asking_lose(struct asking *a, const char *detail);

/* The call fails: the asker is told so, with STATUS or by a connection that breaks off. */
void asking_fail(struct asking *a, int status, const char *detail);

/* The server is not wanted any more: it is told through whichever exchange it still has. */
void asking_dismiss(struct asking *a);

/* What is asked of `next`, or with a reply: NULL when R was refused. */
struct taking *taking_new(struct exchange *x, const struct http_request *r);

/* T, which its exchange's handler is for (desk_next), waits for a request of NAME, or has it. */
void taking_wait(struct taking *t, struct bytes name);

/* Nothing came in time. */
void desk_idle(struct taker *t);

/* The body has come and T's exchange has been sent all of it. */
void taking_end_request(struct taking *t);

/* Lets C go on when it was held back. */
void desk_proceed(struct exchange *x);

/* The service's name in R's path, up to the end or to the next slash. */
bool desk_name(struct exchange *x, const struct http_request *r, struct bytes *name);

extern const struct handler desk_list; /* GET /services/ */
extern const struct handler desk_post; /* POST /services/… */
extern const struct handler desk_ask;
extern const struct handler desk_next;
extern const struct handler desk_reply;

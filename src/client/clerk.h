#pragma once

/*
 * Clerk: a server's place at a hub's desk. It takes one request of a service after the other, and
 * hands in the reply to each; who makes the reply is its owner's affair.
 *
 * Two calls at the hub make one answer (see server/desk.h): one brings the request, one takes the
 * reply, both as they come and at the same time if need be. Both connections are kept from one
 * request to the next. The request is tied to its connection: a clerk that dies is missed at once.
 * Who lets the reply begin before having all of it is told when the asker leaves.
 *
 * A clerk that `goes_on` replies by the connection that brought the request, once it has all of
 * that, and asks for the next one with the reply, which spares either side two system calls a
 * request. So it may have been given the next when its owner wants no more: clerk_leave().
 *
 * A clerk that has been at the hub once comes back when the hub is away for a while.
 *
 * Callbacks may call anything here, clerk_deinit() included; the memory must stay until the turn
 * ends.
 */

#include "client/http_call.h"

struct clerk;

struct clerk_handler {
	/* A request: the head of the hub's answer at `next`, valid for the call. */
	void (*request)(struct clerk *c, const struct http_response *r);
	void (*body)(struct clerk *c, struct bytes piece);
	/* The request is whole. */
	void (*whole)(struct clerk *c);
	/* What was written of the reply is out. */
	void (*writable)(struct clerk *c);
	/* The reply is over: the hub has all of it, or, with WHY, nobody waits for it any more. No
	 * more of the request comes either. Once for each request, unless clerk_next() or
	 * clerk_break() comes first. */
	void (*over)(struct clerk *c, const struct fault *why);
	/* The hub is there, at first or once more; or, with WHY, it is not, and is dialled again
	 * and again. */
	void (*hub)(struct clerk *c, const struct fault *why);
	/* It was never there, is no hub, lets us in no more, or does not take the service. The
	 * clerk takes no more. */
	void (*refused)(struct clerk *c, const struct fault *why);
};

struct clerk_reply {
	const char *type;   /* the media type, or NULL */
	uint64_t length;    /* of the body; HTTP_LENGTH_UNKNOWN: until clerk_end() */
	int exit;	    /* the exit status, -1 when there is none or it is not known yet */
	struct bytes lines; /* of the head, beside these: whole field lines, or empty */
};

struct clerk {
	struct http_call take;	/* brings the request */
	struct http_call reply; /* takes the reply */
	const struct clerk_handler *handler;
	const char *service;
	struct buffer id;      /* of the request at hand */
	struct http_call *way; /* that the reply goes by */
	struct ending sent;    /* a reply may be, that the next request is asked for with */
	uv_timer_t *timer;
	bool goes_on; /* the owner's choice */
	bool asked;   /* with the reply, for the next request */
	bool anew;    /* it has to be asked for once more */
	bool leaving;
	bool serving; /* a request is at hand, and its reply is not over */
	bool replying;
	bool owing; /* the hub waits for a reply to the request it gave last */
	bool met;   /* the hub has been there once */
	bool lost;  /* it is not there now */
};

#define CLERK_NULL ((struct clerk){.take = HTTP_CALL_NULL, .reply = HTTP_CALL_NULL})

/* For SERVICE of the hub at A; both borrow and must stay. 0 or -ENOMEM. */
int clerk_init(struct clerk *c, struct loop *l, const struct address *a, struct trust *trust,
	const char *service, const struct clerk_handler *handler);

/* Breaks off what is under way. Safe on CLERK_NULL and twice. */
void clerk_deinit(struct clerk *c);

/* Takes the next request, which may be on its way already; one at hand that has no reply yet is
 * broken off. */
void clerk_next(struct clerk *c);

/* Takes no request, and lets go of one at hand: its asker is told that the server broke off. */
void clerk_break(struct clerk *c);

/* Takes no further request, though one may be on its way: true, and either that comes or, like one
 * that has been replied to, `over`. False when there is none: the clerk is at rest. */
bool clerk_leave(struct clerk *c);

/* Holds the request's body back, and lets it come again. */
void clerk_hold(struct clerk *c);
void clerk_proceed(struct clerk *c);

/* Begins the reply. 0; -EPIPE: nobody waits for it; -EINVAL: not what can stand in a head; -ENOMEM.
 */
int clerk_begin(struct clerk *c, const struct clerk_reply *r);

/* 0 or -ENOMEM; what nobody waits for is dropped. */
int clerk_write(struct clerk *c, struct bytes piece);

/* Ends a reply of unknown length, with the exit status EXIT or -1. 0 or -ENOMEM. */
int clerk_end(struct clerk *c, int exit);

static inline bool clerk_is_blocked(const struct clerk *c)
{
	return http_call_is_blocked(c->way);
}

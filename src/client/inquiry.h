#pragma once

/*
 * Inquiry: asks a service of a hub, once or one time after the other over a kept connection. The
 * body and the reply pass through as they come.
 *
 * Callbacks may call anything here, inquiry_deinit() included; the memory must stay until the turn
 * ends.
 */

#include "client/http_call.h"
#include "client/reply.h"

struct inquiry;

struct inquiry_handler {
	/* The reply begins: its head, valid for the call. */
	void (*begun)(struct inquiry *q, const struct http_response *r);
	void (*piece)(struct inquiry *q, struct bytes piece);
	/* What was written of the body is out. */
	void (*writable)(struct inquiry *q);
	/* The reply is whole, and q->exit known; or, with WHY, there is none or not all of it:
	 *	-ECONNREFUSED	no one serves this, or the hub cannot be reached
	 *	-EAGAIN		too many ask
	 *	-ETIMEDOUT	it did not begin in time
	 *	-EPROTO		the server broke off */
	void (*over)(struct inquiry *q, const struct fault *why);
};

struct inquiry_options {
	const char *service;
	const char *type; /* the media type of the body, or NULL */
	uint64_t length;  /* of the body; HTTP_LENGTH_UNKNOWN: until inquiry_end() */
	uint64_t timeout; /* ms until the reply begins */
	bool retry_lost;  /* a server that is lost before its reply may be followed by another */
	const char *const *headers; /* further fields, "NAME: VALUE", */
	size_t header_count;
};

struct inquiry {
	struct http_call call;
	const struct inquiry_handler *handler;
	struct reply refusal;
	bool replying;
	int exit; /* the status that came with the reply, -1 when there is none (yet) */
};

#define INQUIRY_NULL ((struct inquiry){.call = HTTP_CALL_NULL})

/* A borrows and must stay; TRUST is as link_init() wants it. 0 or -ENOMEM. */
int inquiry_init(struct inquiry *q, struct loop *l, const struct address *a, struct trust *trust,
	const struct inquiry_handler *handler);

/* Breaks off what is under way; the server is told. Safe on INQUIRY_NULL and twice. */
void inquiry_deinit(struct inquiry *q);

/* Asks; one under way is broken off. 0, or a negative errno with a line in WHY and no callback
 * comes. */
int inquiry_start(struct inquiry *q, const struct inquiry_options *options, struct fault *why);

static inline int inquiry_write(struct inquiry *q, struct bytes piece)
{
	return http_call_write(&q->call, piece);
}

static inline int inquiry_end(struct inquiry *q)
{
	return http_call_end(&q->call, BYTES_NULL);
}

static inline bool inquiry_is_blocked(const struct inquiry *q)
{
	return http_call_is_blocked(&q->call);
}

/* Holds the reply back, and lets it come again. */
static inline void inquiry_hold(struct inquiry *q)
{
	http_call_hold(&q->call);
}

static inline void inquiry_proceed(struct inquiry *q)
{
	http_call_proceed(&q->call);
}

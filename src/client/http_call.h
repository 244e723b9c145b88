#pragma once

/*
 * HTTP call: one POST over a connection of its own, its body and the answer's streamed. The
 * connection stays when the answer has ended, until the call is deinitialised: some who answer look
 * whether their client is still there.
 *
 * It is dialled with its head; the body may be written from then on, and waits until the connection
 * is there. Either direction can be held back. The answer may come, and end, before the request has
 * been written: what is written then is dropped.
 *
 * Exactly one of `ended` and `failed` comes, once, unless the call is deinitialised before. Both,
 * and all others, may deinitialise it; its memory must stay until the turn ends.
 */

#include "client/link.h"
#include "wire/http_answer.h"
#include "wire/http_writer.h"

struct http_call;

struct http_call_handler {
	/* The answer's head; R is valid for the call. */
	void (*head)(struct http_call *c, const struct http_response *r);
	void (*body)(struct http_call *c, struct bytes piece);
	/* The answer is whole; its trailer fields can be asked for. */
	void (*ended)(struct http_call *c);
	/* There is no answer, or it broke off. */
	void (*failed)(struct http_call *c, const struct fault *why);
	/* What was written is out. May be NULL. */
	void (*writable)(struct http_call *c);
};

struct http_call {
	struct link link;
	const struct http_call_handler *handler;
	struct http_answer answer;
	struct buffer out;	/* before the connection is there */
	struct buffer trailers; /* of the answer */
	bool chunked;		/* the request's body is */
	bool held;
	bool over;
};

#define HTTP_CALL_NULL ((struct http_call){.link = LINK_NULL})

/* 0 or -ENOMEM. */
int http_call_init(struct http_call *c, struct loop *l, const struct http_call_handler *handler);
/* Safe on HTTP_CALL_NULL and twice; breaks off what is under way. */
void http_call_deinit(struct http_call *c);

/* Sends the head that W holds, begun into c->out with request_begin_at() and not ended, to A. Then
 * come LENGTH bytes, or as many as are written when that is HTTP_LENGTH_UNKNOWN. 0, or a negative
 * errno and no callback comes. TIMEOUT_MS is for the connecting alone. */
int http_call_dial(struct http_call *c, const struct address *a, struct http_writer *w,
	uint64_t length, uint64_t timeout_ms);

/* 0 or -ENOMEM. */
int http_call_write(struct http_call *c, struct bytes piece);
/* Ends the body. TRAILERS are whole field lines, for a body of unknown length. */
int http_call_end(struct http_call *c, struct bytes trailers);
/* True when the body should not be written further for now: `writable` will come. */
bool http_call_is_blocked(const struct http_call *c);

/* Reads no more until http_call_proceed(). */
void http_call_hold(struct http_call *c);
void http_call_proceed(struct http_call *c);

/* The number in the trailer field NAME of an answer that has ended, -1 when there is none. */
int http_call_trailer(const struct http_call *c, const char *name);

#pragma once

/*
 * HTTP calls: one request after the other to one address, with bodies and answers streamed.
 *
 * The connection is kept for the next call when both sides allow it: the request was sent whole,
 * the answer was read whole, and nobody said `close` (RFC 9112 section 9.3). Else the next call
 * dials anew. It is kept until the other side ends it or the calls are deinitialised: some who
 * answer look whether their client is still there.
 *
 * A body may be written from http_call_start() on, and waits until the connection is there; what is
 * written in one turn is sent at its end, with the head, in one piece. Either direction can be held
 * back. The answer may come, and end, before the request has been written: what is written then is
 * dropped.
 *
 * For each call that was started exactly one of `ended` and `failed` comes, unless it is broken off
 * before. Both, and all others, may break off, deinitialise, or begin the next call; the memory
 * must stay until the turn ends.
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
	/* The connection is there and what was written is out. May be NULL. */
	void (*writable)(struct http_call *c);
	/* A head of status 1xx, of which there may be several before the one that counts. May be
	 * NULL. */
	void (*interim)(struct http_call *c, const struct http_response *r);
};

struct http_call {
	struct link link;
	const struct address *address;
	const struct http_call_handler *handler;
	struct http_answer answer;
	struct buffer out;	/* not handed to the connection yet */
	struct buffer trailers; /* of the answer */
	struct ending sending;
	uint64_t number; /* of the call */
	uint64_t left;	 /* of the request's body: HTTP_LENGTH_UNKNOWN until http_call_end() */
	uint64_t chunk;	 /* of a chunk that is a file's */
	int given;	 /* the file that goes along, or -1 */
	bool chunked;	 /* the request's body is */
	bool held;
	bool over;   /* no call is under way */
	bool kept;   /* the connection may serve another */
	bool opened; /* the head is on its way */
	bool reused; /* it has served one before this */
	bool heard;  /* something of this answer has come */
	bool last;   /* the connection serves no other call */
};

#define HTTP_CALL_NULL ((struct http_call){.link = LINK_NULL, .given = -1, .over = true})

/* A borrows and must stay; TRUST is as link_init() wants it. 0 or -ENOMEM. */
int http_call_init(struct http_call *c, struct loop *l, const struct address *a,
	struct trust *trust, const struct http_call_handler *handler);
/* Safe on HTTP_CALL_NULL and twice; breaks off what is under way. */
void http_call_deinit(struct http_call *c);

/* Begins the head of the next call in W: the request line, Host and User-Agent. Fields may be
 * added, but for those that frame the body. What is under way is broken off. */
void http_call_begin(
	struct http_call *c, struct http_writer *w, enum http_method method, struct bytes target);

/* Whether open files can go along with calls: on a plain Unix stream. */
bool http_call_passes_files(const struct http_call *c);
/* FD, which stays the caller's, goes along with the head that was begun. */
void http_call_give_file(struct http_call *c, int fd);
/* The file that came along with the answer, the caller's from now on; -1: none. */
int http_call_take_file(struct http_call *c);

/* Ends that head and sends it. Then come LENGTH bytes, or as many as are written when that is
 * HTTP_LENGTH_UNKNOWN. 0, or a negative errno and no callback comes. TIMEOUT_MS is for the
 * connecting alone. */
int http_call_start(
	struct http_call *c, struct http_writer *w, uint64_t length, uint64_t timeout_ms);

/* Of a call that was started: it fails with -ETIMEDOUT unless its answer begins within MS. */
void http_call_expect(struct http_call *c, uint64_t ms);

/* Sends a request without a body behind the call under way, whose connection serves no other then:
 * what is answered to it is dropped. 0 or -ENOMEM. */
int http_call_follow(struct http_call *c, enum http_method method, struct bytes target);

/* 0 or -ENOMEM. */
int http_call_write(struct http_call *c, struct bytes piece);
/* Ends the body. TRAILERS are whole field lines, for a body of unknown length. */
int http_call_end(struct http_call *c, struct bytes trailers);
/* LEN bytes of the body, more than 0, come from a file: as one chunk, if the body is chunked. 0 or
 * -ENOMEM. */
int http_call_begin_file(struct http_call *c, uint64_t len);
/* Sends what the connection takes now of LEN bytes of the file FD from AT on: a count, 0 when it is
 * blocked. A negative errno of reading the file. May wait for the disk. */
ssize_t http_call_offer_file(struct http_call *c, int fd, uint64_t at, size_t len);
/* True when the body should not be written further for now: `writable` will come. */
bool http_call_is_blocked(const struct http_call *c);

/* Reads no more until http_call_proceed(). */
void http_call_hold(struct http_call *c);
void http_call_proceed(struct http_call *c);

/* Between two calls, when the loop has not turned for a while: looks whether the connection that is
 * kept has ended meanwhile, so that the next call dials. */
void http_call_check(struct http_call *c);

/* Closes the connection; no callback comes. Another call may begin. */
void http_call_break(struct http_call *c);

/* In `failed`: a connection that had been kept ended before a byte of this answer came. Most often
 * the other side had closed it, as idle, before it saw the request; whoever may send that once more
 * does. */
static inline bool http_call_is_stale(const struct http_call *c)
{
	return c->reused && !c->heard;
}

/* The number in the trailer field NAME of an answer that has ended, -1 when there is none. */
int http_call_trailer(const struct http_call *c, const char *name);

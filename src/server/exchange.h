#pragma once

/*
 * Exchange: one HTTP request at the hub, and its answer
 *
 * A connection that speaks HTTP has one exchange, used for one request after the other. The next
 * request is not looked at before the answer is out (RFC 9112 section 9.3.2), which bounds what a
 * pipelining client can ask for.
 *
 * Who answers is a `struct handler`, found by the route. It is told of the head, of each piece of
 * the body, and of the body's end; at any of these or later it answers, once: with
 * exchange_answer() and its like, or with a stream of bytes that goes on until exchange_end().
 */

#include "server/connection.h"
#include "wire/http_body.h"
#include "wire/http_request.h"
#include "wire/http_response.h"
#include "wire/http_writer.h"

struct exchange;

struct handler {
	/* The head; R and all it points at are valid for the call. */
	void (*begin)(struct exchange *x, const struct http_request *r);
	/* A piece of the body, in order. NULL: bodies are read and dropped. */
	void (*body)(struct exchange *x, struct bytes piece);
	/* The request is whole; its answer may have begun. NULL: `begin` answers. */
	void (*complete)(struct exchange *x);
	/* The connection takes more of a stream. May be NULL. */
	void (*writable)(struct exchange *x);
	/* All that is stored has been sent to a subscriber (see connection.polls). May be NULL. */
	void (*caught_up)(struct exchange *x);
	/* Nothing was sent for a while: a sign of life. May be NULL. */
	void (*beat)(struct exchange *x);
	/* The client sends no more, and its answer is outstanding. NULL: it gets it all the same.
	 */
	void (*ended)(struct exchange *x);
	/* The exchange `yields`, and the head of the client's next request is there: ends it. May
	 * be NULL where none yields. */
	void (*overtaken)(struct exchange *x);
	/* No call comes any more: frees `own`. After the answer, or without one when the client is
	 * gone. May be NULL. */
	void (*close)(struct exchange *x);
	/* Its streams end by themselves: a client that has ended its direction gets all of them. */
	bool finite;
	/* Its bodies go through as they come, and may take their time (server/pace.h). */
	bool patient;
};

struct exchange {
	struct connection *connection;
	const struct handler *handler; /* NULL between two requests */
	void *own;		       /* the handler's */
	char *cors;		       /* the foreign origin that is welcome, or NULL */
	struct http_scan scan;
	struct http_body body;
	enum http_method method;
	uint8_t minor;
	bool keep_alive : 1;
	bool reading : 1;  /* the body has not ended */
	bool answered : 1; /* the answer is out, or is a stream */
	bool streaming : 1;
	bool patient : 1; /* the body may take its time */
	bool moved : 1;	  /* see server/pace.h: the client reads, */
	bool chunked : 1; /* the stream is */
	bool yields : 1;  /* to the client's next request, unless it is streaming */
	uint32_t came;	  /* so much of the body came in this window, */
	uint64_t unread;  /* and so much was not read before it; 0: not known */
	bool awaited : 1; /* the client waits for "100 Continue" */
};

/* Makes C speak HTTP. */
void http_open(struct connection *c);

/* For the protocol that has taken over: frees it, `own` included. */
void exchange_free(struct exchange *x);

static inline struct exchange *exchange_of(struct connection *c)
{
	return c->state.own;
}

/* Lets in the body of a request whose handler holds the connection (connection_hold). A body that
 * is held in `begin` is not asked for with "100 Continue" before. */
void exchange_go_on(struct exchange *x);

/* In `begin`, before anything else: true when the client has spent what it may in this time
 * (server/allowance.h). The request is put back then, and begins again when its turn has come. */
bool exchange_postpones(struct exchange *x);

/* In `begin`: lets in a body of at most LIMIT bytes. False when it was refused with 413. */
bool exchange_limit(struct exchange *x, const struct http_request *r, uint64_t limit);

/* Begins an answer with the fields every answer has; more are added with http_writer_field() and
 * its like, then one of the next three ends it. Nothing else may be written in between. */
struct http_writer exchange_begin(struct exchange *x, int status);

/* With a whole body; HEAD gets the same without the bytes. */
void exchange_send(struct exchange *x, struct http_writer *w, struct bytes body);

/* Without a body (204, 304). */
void exchange_send_empty(struct exchange *x, struct http_writer *w);

/* With bytes whose number is not known, which the caller writes from now on: as chunks to HTTP/1.1
 * (`minor` 1), to HTTP/1.0 as they are. False when there is nothing to write, as for HEAD; the
 * answer is out then. */
bool exchange_stream(struct exchange *x, struct http_writer *w);

/* The same with LENGTH bytes: HTTP_LENGTH_UNKNOWN is as above. */
bool exchange_stream_length(struct exchange *x, struct http_writer *w, uint64_t length);

/* Writes a piece of the stream. False when the connection is closed. */
bool exchange_write(struct exchange *x, struct bytes piece);

/* Offers LEN bytes of the file FD from AT on as a piece of a stream of known length: as
 * stream_offer_file. */
ssize_t exchange_offer_file(struct exchange *x, int fd, uint64_t at, size_t len);

/* Ends the stream: with the last chunk, or with the connection. */
void exchange_end(struct exchange *x);

/* Its two halves, for a handler that wants to know whether the client stays. TRAILERS are whole
 * field lines behind the last chunk (RFC 9112 section 7.1.2), which only a chunked stream has room
 * for. */
void exchange_end_stream(struct exchange *x, struct bytes trailers);
void exchange_finish(struct exchange *x);

/* Looks at what came while it was not its turn. */
void exchange_look_on(struct exchange *x);

/* A whole answer of the type TYPE. */
void exchange_answer(struct exchange *x, int status, const char *type, struct bytes body);

/* Answers with application/problem+json (RFC 9457): what was wrong and what to do. Ends the
 * connection when the request's body has not all been read. */
void exchange_refuse(struct exchange *x, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same with 401, and what would be a proof of who asks (RFC 9110 section 11.6.1). */
void exchange_challenge(struct exchange *x, const char *challenge, const char *detail);

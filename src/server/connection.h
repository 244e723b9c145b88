#pragma once

/*
 * Connection: one client's stream, the protocol that reads it, and its place in the hub
 *
 * The protocol is a table of functions that the door chooses and that may change once (HTTP to
 * WebSocket). It takes what it can of the bytes it is given; what it leaves is kept in `held` and
 * given again, together with what has come since, so a protocol that wants a whole head, or that
 * must wait for the store, needs no buffer of its own.
 *
 * A subscriber's bytes are never queued: `connection_pump` offers the kernel what stands between
 * its cursor and the end of the tape. Only answers to its own requests go through the stream's
 * queue.
 *
 * An idle connection costs its memory and nothing else; see the size check in connection.c.
 */

#include "hub/hub.h"
#include "net/channel.h"
#include "net/child.h"
#include "net/deadline.h"
#include "net/stream.h"
#include "wire/plain.h"
#include "wire/sniff.h"

struct connection;
struct entrance;
struct identity;
struct server;
struct visitor;

struct protocol {
	const char *name;
	/* Takes what it can of DATA; the number of bytes taken. The rest is given again with more
	 * behind it, or alone after connection_proceed(). */
	size_t (*received)(struct connection *c, struct bytes data);
	/* Nothing more came for as long as the deadline it had set (connection.rest). May be NULL.
	 */
	void (*rested)(struct connection *c);
	/* The client sends no more; what was held has been offered before. */
	void (*ended)(struct connection *c);
	/* The connection broke: what was said stands, no more comes and nothing can be sent. May be
	 * NULL. */
	void (*lost)(struct connection *c);
	/* The stream takes more. NULL: connection_pump() alone. */
	void (*writable)(struct connection *c);
	/* All that is stored has been sent to one who `polls`. May be NULL. */
	void (*caught_up)(struct connection *c);
	/* The server stops: says farewell. NULL: connection_leave() alone. */
	void (*stop)(struct connection *c);
	/* At the end of the turn in which the connection was closed: frees what the protocol owns.
	 */
	void (*closed)(struct connection *c);
};

struct connection {
	struct stream stream;
	struct list node;    /* on server.connections, then on .closed */
	struct list waiting; /* on server.held, allowance.waiting, or for a handshake */
	struct server *server;
	const struct entrance *entrance;
	const struct protocol *protocol;
	const struct identity *base; /* who the connection is known as, */
	const struct identity *who;  /* and whoever sent the current request: server/login.h */
	struct visitor *visitor;     /* as which it is counted, or NULL */
	struct child *child;	     /* at the other end (exec:), or NULL */
	struct cursor cursor;
	struct deadline idle;
	struct deadline rest; /* for more of what was begun; when leaving, for the client to read */
	struct buffer held;   /* came, but not yet taken */
	union {
		struct sniffer sniffer; /* of the door */
		struct plain plain;
		void *own; /* the other protocols' */
	} state;
	struct buffer *answers; /* that wait for the end of the message being written, or NULL */
	uint64_t origin;	/* marks what this connection publishes */
	bool feeding : 1;	/* the protocol has the bytes that came */
	bool holding : 1;	/* see connection_hold() */
	bool cut : 1;		/* the last write ended before its end, maybe inside a message */
	bool stuck : 1;		/* nothing was taken since the last beat */
	bool polls : 1;		/* wants to be told when it has caught up */
	bool refused : 1;	/* one too many: told so, and nothing else; */
	bool crowded : 1;	/* of those from its address */
	bool barred : 1;	/* from a network that may not come in: likewise */
	bool named : 1;		/* plain: its first line has come, which may be a login */
	bool lines : 1;		/* a plain client that ends its lines */
	bool ended : 1;		/* the client sends no more */
	bool leaving : 1;	/* closes once everything is sent */
	bool lazy : 1;		/* what is written waits for the end of the turn, for more of it */
	bool final : 1;		/* nothing of the tape follows the answers */
	uint32_t unread;	/* when leaving: connection_unread() at the last look */
	char peer[];		/* its name, a text */
};

/* Takes what it needs out of CHANNEL. NULL when memory or descriptors are out. */
struct connection *connection_new(
	struct server *s, const struct entrance *e, struct channel *channel);

/* Closes now; connection_free() comes when the turn ends. What is held, and what the protocol owns,
 * stays until then, so that whoever called a write may go on. Safe twice. */
void connection_close(struct connection *c);

/* Takes NULL, returns NULL; for the server alone. */
struct connection *connection_free(struct connection *c);

/* Closes after everything written and everything on its tape so far has been sent, and a client
 * that does not end its direction as well has had time to read it. */
void connection_leave(struct connection *c);

/* That time is over: closes, unless the client is still reading what has yet to be sent. */
void connection_farewell(struct connection *c);

/* Bytes that were written and that the client has not read; 0 when that is not known. */
uint64_t connection_unread(const struct connection *c);

/* Changes the protocol; what is held is given to the new one. */
void connection_speak(struct connection *c, const struct protocol *p);

/* Subscribes; the cursor's bytes are the connection's from now on. As hub_subscribe. */
int connection_subscribe(struct connection *c, struct bytes topic, const struct tape_format *format,
	struct since since);

/* Gives C the origin that its client has on every connection. To be called before it subscribes. */
void connection_known_as(struct connection *c, uint64_t origin);

/* Publishes P as a message of this client, if it may; its origin is filled in. One that passes
 * its limits is held then. -EACCES, or as hub_publish. */
int connection_publish(struct connection *c, struct publish *p);

/* Reads no more, and gives the protocol nothing, until connection_proceed(). */
void connection_hold(struct connection *c);
void connection_proceed(struct connection *c);

/* For the protocol, whose reason to hold is gone: proceeds, unless it `waits` for something else,
 * and is offered nothing that it could not hold again. */
static inline void connection_release(struct connection *c)
{
	if (c->holding && list_empty(&c->waiting))
		connection_proceed(c);
}

/* Holds it; the server calls connection_proceed() once the store takes more. */
void connection_await_store(struct connection *c);

/* The deadline `rest` has passed. */
void connection_rested(struct connection *c);

/* Answers are appended to this buffer and sent by connection_wrote(): at once, or together with
 * others when the connection is being fed, so that pipelined requests cost one write. Subscribers
 * get them between two messages. A client that does not read its answers is closed. */
struct buffer *connection_out(struct connection *c);
void connection_wrote(struct connection *c);

/* At the end of a turn: sends what the one who wrote last has waiting, if any does. */
void connection_flush_last(struct server *s);

/* Both in one. */
void connection_write(struct connection *c, const void *data, size_t len);

/* Offers bytes of a file behind the answers, for one who does not subscribe: as stream_offer_file.
 */
ssize_t connection_offer_file(struct connection *c, int fd, uint64_t at, size_t len);

/* Sends the subscriber what it has not had, as much as the kernel takes. */
void connection_pump(struct connection *c);

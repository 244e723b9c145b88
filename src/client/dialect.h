#pragma once

/*
 * Dialect: how a session talks on its connection, one for each wire
 *
 * The session dials, keeps the outbox, and decides when to try again; the dialect turns the outbox
 * into bytes, and bytes into messages. What has happened it tells the session by the functions
 * below. Each of them may end the connection, and with it the dialect's state: a dialect asks
 * session_is_connected() before it goes on.
 */

#include "client/link.h"
#include "client/reply.h"
#include "client/session.h"
#include "wire/handshake.h"
#include "wire/plain.h"
#include "wire/websocket.h"

struct dialect {
	const char *name;
	bool resumes; /* messages have ids and numbers, so another connection can go on */
	/* The connection is there, the state all zero: greets the hub. */
	void (*start)(struct session *s);
	/* Takes what it can of DATA; the number of bytes taken. The rest is given again. */
	size_t (*received)(struct session *s, struct bytes data);
	/* The peer sends no more. */
	void (*ended)(struct session *s);
	/* The session is open; the outbox has unsent messages, or the stream takes more. */
	void (*pump)(struct session *s);
	/* Everything is settled: tells the peer that we go. */
	void (*finish)(struct session *s);
	/* What link_alarm() has set while the session was open. May be NULL. */
	void (*alarmed)(struct session *s);
	/* The connection is gone: frees what the state owns. */
	void (*stop)(struct session *s);
};

extern const struct dialect dialect_plain;
extern const struct dialect dialect_websocket; /* for those who follow */
extern const struct dialect dialect_http;      /* for those who only publish */

struct dialect_websocket {
	struct websocket frames;
	struct reply reply; /* to the handshake */
	char key[HANDSHAKE_KEY_LEN];
	uint8_t masks[64];
	size_t masks_left;
	bool asked; /* for a sign of life */
	bool said_goodbye;
};

struct dialect_http {
	struct reply reply; /* to the oldest request */
	unsigned sent;	    /* batches on this connection that are not answered */
	bool allows_post;   /* the hub, as it said in its greeting */
};

/* Messages that were sent in one request, which is repeated as it was. */
struct batch {
	uint64_t first; /* number of its first message */
	uint64_t count;
};

enum { SESSION_TOKEN_SIZE = 33, SESSION_BATCHES = 4 };

enum session_state {
	SESSION_GREETING, /* dials, or is connected but not yet let in */
	SESSION_OPEN,
	SESSION_LEAVING, /* has said goodbye, awaits the peer's end */
	SESSION_WAITING, /* for the next attempt */
	SESSION_CLOSED,
};

struct session {
	struct link link;
	struct outbox outbox;
	struct ending turn_end;
	const struct session_handler *handler;
	void *data;
	const struct dialect *dialect;
	enum session_state state;
	struct address address;
	char *topic, *name;
	char *since; /* NULL: from now on */
	uint64_t timeout_ms, farewell_ms;
	uint64_t started_ms;		/* monotonic */
	uint64_t last_id;		/* messages behind it are wanted, if has_last_id */
	unsigned attempts;		/* since it was open and a message stored, if any wait */
	char token[SESSION_TOKEN_SIZE]; /* by which the hub knows our repeats */

	struct batch batches[SESSION_BATCHES]; /* http: sent and not answered, oldest first */
	unsigned batch_count;
	bool follow : 1;
	bool announce : 1;
	bool reconnect : 1;
	bool has_been_open : 1;
	bool has_last_id : 1;
	bool talking : 1; /* the dialect has started on this connection */
	bool finishing : 1;
	bool full : 1;	  /* session_is_full() has said so */
	bool careful : 1; /* one message at a time, to find the one that the hub cannot take */
	bool paused : 1;
	bool freed : 1;
	union {
		struct plain plain;
		struct dialect_websocket websocket;
		struct dialect_http http;
	} as; /* the dialect's state on this connection */
};

/* The dialect has this connection, or had it until just now. */
static inline bool session_is_talking(const struct session *s)
{
	return s->talking;
}

static inline bool session_is_connected(const struct session *s)
{
	return link_is_connected(&s->link);
}

/* The hub has let us in. */
void session_opened(struct session *s);

/* A message has come; one that was handed out before is left out. */
void session_deliver(struct session *s, const struct message *m);

/* The hub no longer has COUNT messages; 0: an unknown number. */
void session_skipped(struct session *s, uint64_t count);

/* The oldest message is stored as ID, or for the reason in WHY is not (WHY not NULL). */
void session_settle(struct session *s, const struct fault *why, uint64_t id);

/* The outbox is to be looked at when this turn ends. */
void session_ask_pump(struct session *s);

/* The connection is of no use any more, but another may be. */
void session_lost(struct session *s, const struct fault *why);

/* The same for a connection that broke off, or was about to; the first time it may be that no hub
 * is there, and the line says so. */
void session_broke(struct session *s, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* It makes no sense to try again, or (why->error 0) no need to. */
void session_over(struct session *s, const struct fault *why);

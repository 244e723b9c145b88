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
#include "client/session.h"
#include "wire/plain.h"

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
	uint64_t last_id;  /* of the last message handed out, 0 for none */
	unsigned attempts; /* since it was open */
	bool follow : 1;
	bool announce : 1;
	bool reconnect : 1;
	bool has_been_open : 1;
	bool talking : 1; /* the dialect has started on this connection */
	bool finishing : 1;
	bool full : 1; /* session_is_full() has said so */
	bool paused : 1;
	bool freed : 1;
	union {
		struct plain plain;
	} as; /* the dialect's state */
};

static inline bool session_is_connected(const struct session *s)
{
	return link_is_connected(&s->link);
}

/* The hub has let us in. */
void session_opened(struct session *s);

/* A message has come; one that was handed out before is left out. */
void session_deliver(struct session *s, const struct message *m);

/* The connection is of no use any more, but another may be. */
void session_lost(struct session *s, const struct fault *why);

/* It makes no sense to try again, or (why->error 0) no need to. */
void session_over(struct session *s, const struct fault *why);

#pragma once

/*
 * Session: one topic of one hub, as its client sees it
 *
 * A session dials, greets the hub in one of the wires, publishes what it is given and hands out
 * what comes. Which wire that is shows nowhere but in the options: chat, send, follow and the
 * library use the same calls for all of them.
 *
 * Where the wire allows it (http, not plain) a connection that is lost is replaced: the session
 * waits a while, dials again, goes on behind the last message it has handed out, and sends what the
 * hub has not answered once more under the same numbers. So nothing comes twice, and nothing is
 * missed that the hub still has.
 *
 * Everything happens on the loop's thread, nothing blocks. Callbacks come from the loop, never from
 * within a call made here, but for those of session_publish() that fail; they may call anything
 * here, session_free() included.
 */

#include "base/fault.h"
#include "base/message.h"
#include "client/outbox.h"
#include "net/loop.h"
#include "net/trust.h"

struct session;

/* Members that are not set are not called. */
struct session_handler {
	/* A connection is up and the hub has let us in; again after each that was lost. */
	void (*opened)(struct session *s);
	/* A message of someone else, in the topic's order; its bytes live for the call. On the
	 * plain wire the body is the whole line, and id, time and from are not known (0, empty). */
	void (*message)(struct session *s, const struct message *m);
	/* The hub no longer has COUNT messages that should come here; 0: it does not say how many.
	 */
	void (*skipped)(struct session *s, uint64_t count);
	/* A message was not stored, or is not known to be; its SETTLED comes next. */
	void (*refused)(struct session *s, const struct fault *why);
	/* The session was full, as it had said, and is no longer. */
	void (*writable)(struct session *s);
	/* The connection is lost; the next attempt is made in RETRY_MS. */
	void (*lost)(struct session *s, const struct fault *why, uint64_t retry_ms);
	/* It is over: as session_finish() wanted it, or by the peer's own end (why->error 0), or
	 * for the reason WHY has. Nothing comes after this. */
	void (*closed)(struct session *s, const struct fault *why);
};

struct session_options {
	const char *address;  /* its ?wire, ?topic, ?since and ?name are used where those below are
				 NULL */
	const char *wire;     /* "http" or "plain"; NULL: http, but plain for packet sockets */
	const char *topic;    /* NULL: lobby */
	const char *name;     /* what others see; NULL: what the hub makes of the connection */
	const char *since;    /* NULL: from now on; an id, `all`, or a time span such as 10m */
	struct trust *trust;  /* as link_init() wants it */
	bool follow;	      /* messages are wanted */
	bool announce;	      /* plain: speak first, as a hub sends nothing to who has not */
	bool reconnect;	      /* replace a connection that is lost once one was up */
	uint64_t timeout_ms;  /* to connect and be let in; 0: 10 s */
	uint64_t farewell_ms; /* for the other side to end too, after us; 0: 10 s */
};

/*
 * Starts to connect. What the options point to is copied; HANDLER must outlive the session. NULL
 * with a line in WHY: -EINVAL for a bad address or an option that this wire does not have, -ENOMEM.
 */
struct session *session_new(struct loop *l, const struct session_options *options,
	const struct session_handler *handler, void *data, struct fault *why);

/* Ends at once; no callback comes any more, not even for what was published. Takes NULL, returns
 * NULL. */
struct session *session_free(struct session *s);

void *session_data(const struct session *s);

/*
 * Publishes BODY (copied). SETTLED is called once with what became of it, in the order of the
 * calls. 0; -EAGAIN: it is full; -EPIPE: after session_finish() or `closed`; -ENOMEM. On the plain
 * wire, and for datagrams, `stored` means no more than that the system has taken the bytes.
 */
int session_publish(struct session *s, struct bytes body, outbox_settled *settled, void *data);

/* So much is on its way that no more is taken; `writable` tells when that changes. */
bool session_is_full(struct session *s);

/* Messages published and not settled. */
uint64_t session_unsettled(const struct session *s);

/* No more is published: once everything is settled, says goodbye and ends. */
void session_finish(struct session *s);

/* Stops and starts `message`; the hub is held back meanwhile. */
void session_pause(struct session *s);
void session_resume(struct session *s);

/* Between `opened` and `lost` or `closed`. */
bool session_is_open(const struct session *s);

/* The wire in use, for people: "plain", "http", "websocket". */
const char *session_wire_name(const struct session *s);

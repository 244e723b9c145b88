#pragma once

/*
 * The TLS door: behind a client's hello the connection speaks TLS, and the door chooses again among
 * what comes inside. On a `tls:` address nothing else is let in.
 *
 * A handshake has 10 s. There are 1,024 at most at a time; when one more begins, the oldest that is
 * not done is given up, so who begins many and ends none keeps nobody else out. A handshake costs
 * as much as a thousand messages, so no more than 8 begin in a turn; who comes with more waits, and
 * those who are there already are served between.
 *
 * The key may change at any time: whoever is connected stays so with the old one.
 */

#include "net/address.h"
#include "net/deadline.h"
#include "net/tls_context.h"

struct connection;
struct server;

enum { TLS_DOOR_WAIT_MS = 10 * 1000, TLS_DOOR_MAX = 1024, TLS_DOOR_PACE = 8, TLS_DOOR_TICK_MS = 1 };

struct tls_counters {
	uint64_t done;	  /* handshakes */
	uint64_t resumed; /* of these, by a ticket */
	uint64_t failed;
	uint64_t unlisted; /* of these, for the client's key */
	uint64_t late;	   /* not done in time, */
	uint64_t dropped;  /* or given up for newer ones */
	size_t under_way;  /* now */
};

struct tls_door {
	struct tls_context *context; /* NULL: the hub has no key */
	bool shows_pin;		     /* in its addresses */
	struct deadlines hello;	     /* a client of a `tls:` address has not spoken */
	struct deadlines handshake;
	unsigned begun;	       /* in this turn, */
	struct ending turn;    /* until it ends */
	struct list queue;     /* connections with a hello, that wait, */
	struct deadlines tick; /* for their turn */
	struct deadline ticking;
	bool admitting; /* from the queue */
	struct tls_counters counters;
	uint64_t told_ms; /* when a failure was last logged; one a second is */
};

/* 0 or -ENOMEM. */
int tls_door_init(struct tls_door *d, struct loop *l);
void tls_door_deinit(struct tls_door *d);

/* From now on the hub has this key. The context is held. SHOWS_PIN: clients are to know it by its
 * pin, which addresses are told with. */
void tls_door_set_key(struct tls_door *d, struct tls_context *context, bool shows_pin);

/* Whether the hub can listen on A. 0, or -EINVAL with a line: it needs a key for that. */
int tls_door_check(const struct tls_door *d, const struct address *a, struct fault *why);

/* What is behind an address that has it, as the client would write it: "?pin=sha256:…" or nothing.
 */
enum { TLS_DOOR_SUFFIX_SIZE = 5 + PIN_TEXT_SIZE };
void tls_door_suffix(const struct tls_door *d, char text[TLS_DOOR_SUFFIX_SIZE]);

/* A new client of a `tls:` address. */
void tls_door_open(struct connection *c);

/* A client whose first bytes are a hello; it will be given to the session with what follows. */
void tls_door_answer(struct connection *c);

/* Whether it speaks TLS already. */
bool tls_door_is_behind(const struct connection *c);

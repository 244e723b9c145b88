#pragma once

/*
 * The TLS door: behind a client's hello the connection speaks TLS, and the door chooses again among
 * what comes inside. On a `tls:` address nothing else is let in.
 *
 * A hello is kept until it is whole, so who begins one and says no more costs what a slow request
 * does: its place, for 10 s. Then it waits for its turn, since a handshake costs the loop about
 * 200 µs, as much as a hundred messages. One begins in a turn of the loop, so that those who are
 * there already are served between, and each address has one in turn (server/turns.h).
 *
 * Who says hello and nothing more has made us sign for nothing, and is under way for 10 s. Of those
 * who mean it few are: their handshakes are done after a round trip. So while 128 are under way one
 * more begins only every 25 ms, which costs the others less than 1 % of the loop; hence there are
 * never more than some 530, and whoever comes from another address waits no longer than it takes
 * each address to begin one.
 *
 * The key may change at any time: whoever is connected stays so with the old one.
 */

#include "net/address.h"
#include "net/deadline.h"
#include "net/tls_context.h"
#include "server/turns.h"

struct connection;
struct server;

enum { TLS_DOOR_WAIT_MS = 10 * 1000, TLS_DOOR_BRISK = 128, TLS_DOOR_PAUSE_MS = 25 };

struct tls_counters {
	uint64_t done;	  /* handshakes */
	uint64_t resumed; /* of these, by a ticket */
	uint64_t kernel;  /* of these, where the kernel encrypts what we send */
	uint64_t failed;
	uint64_t unlisted; /* of these, for the client's key */
	uint64_t late;	   /* not done in time */
	size_t waiting;	   /* now, for their turn */
	size_t under_way;  /* now */
};

struct tls_door {
	struct tls_context *context; /* NULL: the hub has no key */
	bool shows_pin;		     /* in its addresses */
	struct deadlines late;
	struct turns queue;	   /* connections whose hello is there, */
	struct turns_line unknown; /* those of no address among them; */
	struct source turn;	   /* the next one begins now, */
	struct deadlines pause;	   /* or after this */
	struct deadline pausing;
	struct tls_counters counters;
	uint64_t told_ms; /* when a failure was last logged; one a second is */
};

/* 0 or -ENOMEM. */
int tls_door_init(struct tls_door *d, struct loop *l);
/* All clients must have left. */
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

/* A client that speaks TLS: of a `tls:` address, or with a hello as its first bytes, which will be
 * given to the session with what follows. */
void tls_door_open(struct connection *c);

/* Says, to who wants details, why a connection behind it is lost; of any other, nothing. */
void tls_door_tell_lost(const struct connection *c, int error);

/* Whether it speaks TLS already. */
bool tls_door_is_behind(const struct connection *c);

#pragma once

/*
 * A relay joins each connection accepted at one address to a new one to another: any kind of socket
 * to any other. It belongs to one loop; a fleet (relay/fleet.h) is one on every core.
 *
 * A route is an address to listen on and the targets to dial, tried in their order for each
 * connection anew, names looked up again. A route that is one connection at either side (`-`, a
 * connected `fd:`, `exec:` to listen on) is over when that is.
 *
 * What did not end by itself is never shown as an orderly end: a failure, a time-out or a target
 * that cannot be reached resets the other side, where its protocol can (TCP).
 */

#include "net/listener.h"
#include "net/tls_slot.h"
#include "net/trust.h"
#include "relay/quota.h"

#include <stdatomic.h>

struct relay;

/* Why a crossing is over. */
enum crossing_end {
	CROSSING_ENDED,	      /* both directions ended */
	CROSSING_RESET_FROM,  /* the side that came failed, see `error` */
	CROSSING_RESET_TO,    /* the target's side did */
	CROSSING_UNREACHABLE, /* no target could be reached */
	CROSSING_REFUSED,     /* it was not let in: no PROXY header, or no TLS, as it has to be */
	CROSSING_IDLE,	      /* nothing moved for too long */
	CROSSING_STOPPED,     /* the relay was closed */
};

/* One word each: "end", "reset by from" … */
const char *crossing_end_name(enum crossing_end end);

/* A crossing that is over; all of it lives as long as the call. */
struct crossing_record {
	uint64_t id;
	const char *from;
	const char *to;	     /* empty when none was reached */
	uint64_t began_ms;   /* real time */
	uint64_t connect_ms; /* how long until both sides were there */
	uint64_t lasted_ms;
	uint64_t sent;	   /* bytes from -> to */
	uint64_t received; /* bytes to -> from */
	uint64_t lost;	   /* packets that had no room */
	enum crossing_end end;
	int error;	 /* negative errno, 0 for none */
	const char *why; /* the line for people, empty for none */
};

/* Shown every block that passes, before it is handed on. */
struct relay_dump {
	void (*passed)(void *data, uint64_t id, bool back, uint64_t offset, struct bytes bytes);
	void *data;
};

struct relay_options {
	unsigned connect_timeout_ms;
	uint64_t idle_timeout_ms;     /* 0: never */
	uint64_t datagram_timeout_ms; /* of sessions with a sender of datagrams */
	int send_proxy;		      /* version 1 or 2 of the header for the target, 0: none */
	uint64_t id_first;	      /* crossings are numbered first, first + step … */
	uint64_t id_step;
	struct trust *trust;	/* judges the keys of targets behind TLS */
	struct quota *quota;	/* connections at once, of all relays that share it */
	struct relay_dump dump; /* passed NULL: nobody looks */
	/* Called once for each crossing, in the relay's thread. */
	void (*ended)(void *data, const struct crossing_record *r);
	/* All routes are over, or the last crossing of a relay that is stopping is. */
	void (*idle)(void *data);
	void *data;
};

/* 0 or a negative errno. The options are copied. */
int relay_new(struct relay **out, struct loop *l, const struct relay_options *options);

/* Adds a route and starts it; the addresses are copied. Those who come speak TLS
 * with what is in SLOT, which must stay, unless it is NULL. BOUND, when it is not NULL, is called
 * with each address that is listened on, as it was bound. FLAGS are the listener's. 0 or a negative
 * errno with the line. */
int relay_add(struct relay *r, const struct address *from, struct tls_slot *slot,
	const struct address *to, size_t to_count, unsigned flags, struct fault *why);

/* The address the last route listens on, with the port that was picked. */
const struct address *relay_bound(const struct relay *r);

/* True when the last route is one connection and not a listener. */
bool relay_is_single(const struct relay *r);

/* Listens no more; what is under way goes on. `idle` is called when it is over, in a later turn. */
void relay_stop(struct relay *r);

/* There may be room in the quota again. */
void relay_look_again(struct relay *r);

/* Ends what is under way, too. Takes NULL; returns NULL. */
struct relay *relay_free(struct relay *r);

#pragma once

/*
 * From HOST:PORT to the endpoints it means, in the order in which they are tried.
 *
 * `localhost` is 127.0.0.1, then ::1, whatever a resolver says (RFC 6761 section 6.3); `*` is the
 * wildcard of both families; neither they nor numeric addresses cost a look-up. Names are looked up
 * by getaddrinfo(3) beside the loop (net/lookup.h); the families then alternate, beginning with the
 * one of the first address (RFC 8305 section 4).
 */

#include "net/endpoint.h"
#include "net/loop.h"

enum { RESOLVE_MAX = 16 };

struct resolved {
	size_t count; /* at least 1 when a look-up succeeded */
	struct endpoint endpoints[RESOLVE_MAX];
};

/* Makes the families alternate, each in the order it had, beginning with that of the first. */
void resolved_interleave(struct resolved *found);

/* Looks up and blocks: for start-up, before anything is served. 0, or a negative errno with the
 * line that says which host could not be found. */
int resolve_wait(struct resolved *found, const struct address *a, struct fault *why);

/* The first endpoint of an address whose host needs no look-up. False for a name, or for what is no
 * address. */
bool resolve_literal(struct endpoint *e, const struct address *a);

struct resolve;

/* Looks up without blocking. DONE is called once, in a later turn, with 0 or what resolve_wait()
 * returns; FOUND and WHY live as long as the call. 0, or -ENOMEM and DONE is never called. The
 * address is not needed after the call. */
int resolve_start(struct resolve **out, struct loop *l, const struct address *a,
	void (*done)(void *arg, int error, const struct resolved *found, const struct fault *why),
	void *arg);

/* DONE will not be called any more. Takes NULL; returns NULL. Not to be called once DONE was. */
struct resolve *resolve_cancel(struct resolve *r);

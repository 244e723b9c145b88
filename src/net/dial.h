#pragma once

/*
 * Dialling: from an address to a channel, without blocking.
 *
 * A host with several addresses is tried in the way of RFC 8305: the families alternate, a new
 * attempt starts when the last has failed or after 250 ms, and the first that connects wins. A Unix
 * listener whose queue is full is tried again until the time is out.
 */

#include "net/channel.h"
#include "net/loop.h"

enum { DIAL_TIMEOUT_MS = 10 * 1000 };

/* Connects where that needs no waiting, to who listens on this machine: a Unix socket, or a
 * loopback address of TCP. False when nothing came of it: then it has to be dialled, which also
 * finds out why. */
bool dial_at_once(struct channel *c, const struct address *a);

struct dial;

/* Called once, in a later turn. C is NULL when nothing was reached, and WHY has the line then; both
 * live as long as the call. What is taken out of the channel belongs to the taker; the rest is
 * closed when it returns. */
typedef void dial_done(void *arg, struct channel *c, const struct fault *why);

/* Tries for at most TIMEOUT_MS, 0 for DIAL_TIMEOUT_MS. The address is not needed after the call. 0,
 * or -ENOMEM and DONE is never called. */
int dial_start(struct dial **out, struct loop *l, const struct address *a, unsigned timeout_ms,
	dial_done *done, void *arg);

/* Gives up; DONE will not be called. Not to be called once it was. Takes NULL; returns NULL. */
struct dial *dial_cancel(struct dial *d);

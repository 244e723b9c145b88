#pragma once

/*
 * What a hub, or a relay, gives up once it listens, and what it keeps: see sandbox/sandbox.h.
 */

#include "cli/relay_pairs.h"
#include "net/trust.h"
#include "sandbox/sandbox.h"
#include "server/server.h"

struct confinement {
	const char *user;	   /* to become, or NULL */
	bool open;		   /* not confined: --no-sandbox */
	const char *store;	   /* as --store has it */
	const char *files;	   /* the directory of files, or NULL */
	const char *key_directory; /* of the own key; NULL: the state directory */
	const char *read_again[4]; /* files that are, when told to; NULL for none */
};

/* Becomes the user and enters the sandbox, with no way back; what SERVER listens on, and what is
 * open, stays. To be called before any thread starts. BOX then says what is in force. 0 or a
 * negative errno with a line in WHY. */
int confine_hub(struct sandbox *box, const struct confinement *c, const struct server *server,
	struct fault *why);

/* The same for a relay, of which no other thread runs and no connection has begun. Programs that it
 * starts would be confined as well, so nothing is given up when one of PAIRS does. */
int confine_relay(struct sandbox *box, const struct relay_pairs *pairs, const struct trust *trust,
	struct fault *why);

#pragma once

/*
 * The hub's key, as the command line has it: certificate and key in files (--cert, --key), or the
 * own key (net/keyring.h), which clients know by its pin.
 */

#include "base/fault.h"
#include "net/tls_context.h"

struct hub_key_options {
	const char *cert_file; /* NULL: the own key */
	const char *key_file;  /* NULL: in the certificate's file */
	const char *directory; /* of the own key; NULL: the state directory */
	bool ask;	       /* clients for theirs, */
	bool require;	       /* without which they are not let in */
};

/* The context of a hub with that key; *out is NULL when there is no own key yet, unless MAKE says
 * to make one. Reads files, may write the own key. 0, or a negative errno with a line. */
int hub_key_load(
	struct tls_context **out, const struct hub_key_options *o, bool make, struct fault *why);

#pragma once

/*
 * The key that a hub, or a relay, shows to those who come: certificate and key in files, or the own
 * key (net/keyring.h), which clients know by its pin.
 */

#include "base/fault.h"
#include "net/tls_context.h"

struct hub_key_options {
	const char *cert_file; /* NULL: the own key */
	const char *key_file;  /* NULL: in the certificate's file */
	const char *directory; /* of the own key; NULL: the state directory */
	bool ask;	       /* clients for theirs, */
	bool require;	       /* without which they are not let in */
	bool http;	       /* is spoken inside */
};

/* The context of one who listens with that key; *out is NULL when there is no own key yet, unless
 * MAKE says to make one. Reads files, may write the own key. 0, or a negative errno with a line. */
int hub_key_load(
	struct tls_context **out, const struct hub_key_options *o, bool make, struct fault *why);

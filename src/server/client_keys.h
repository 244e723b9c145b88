#pragma once

/*
 * Client keys: who comes by TLS is known by the key it shows
 *
 * Each key that is let in is an identity of the server's table (server/access.h). A hub with such a
 * list asks TLS clients for their key; whoever shows none, or one that is not on the list, is
 * refused in the handshake, unless the hub takes tokens too: then it is anyone, as on every other
 * wire, until it shows one.
 */

#include "net/tls.h"

struct server;

struct client_keys_options {
	const char **keys; /* "NAME=sha256:…" */
	size_t key_count;
	const char *file; /* see key_file.h; NULL: none */
};

static inline bool client_keys_are_asked(const struct client_keys_options *o)
{
	return o->key_count || o->file;
}

/* Fills the server's table. 0, or a negative errno with a line. */
int client_keys_init(struct server *s, struct fault *why);

/* Reads the file again: those whose line has changed or gone are sent away. Nothing changes when
 * that fails: a negative errno with a line. */
int client_keys_reload(struct server *s, struct fault *why);

/* A tls_check: ARG is the connection, which is known by its key from then on. -EPERM when that is
 * not let in. */
int client_keys_check(void *arg, const struct tls_peer *peer, struct fault *why);

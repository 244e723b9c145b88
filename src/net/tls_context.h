#pragma once

/*
 * What TLS sessions of one kind have in common: which side they are, our certificate and key, whom
 * we trust, versions, ciphers, tickets.
 *
 * TLS 1.3, and 1.2 with forward secrecy and authenticated encryption alone (RFC 9325); no
 * renegotiation, no compression, no early data. A session that comes back with a ticket (RFC 8446
 * section 2.2) is spared the signature; the keys of tickets are renewed (tls_tickets.h).
 *
 * A context never changes. It is counted: a session holds on to the one it began with, so new keys
 * are a new context, and those who are connected notice nothing. Counting is safe in any thread.
 */

#include "base/fault.h"
#include "net/pin.h"

#include <openssl/bio.h>
#include <stdbool.h>

struct tls_context;

enum tls_role { TLS_CLIENT, TLS_SERVER };

struct tls_options {
	/* Our certificate, those it leads to behind it, and its key: PEM files. The key may stand
	 * in the certificate's file: key_file NULL. Or both as they are, borrowed for the call. A
	 * server needs one, a client may have one. */
	const char *cert_file;
	const char *key_file;
	X509 *certificate;
	EVP_PKEY *key;
	/* The authorities a peer's certificate has to lead to: a PEM file; NULL: a client trusts
	 * the system's, a server none. */
	const char *ca_file;
	bool ask_client; /* a server asks for the client's certificate; tls_setup.check decides, */
	bool require_client; /* unless there is none, which ends the handshake */
	bool http; /* a server speaks `http/1.1` inside, and nothing else by name (ALPN, RFC 7301)
		    */
};

/* Reads files. 0, or a negative errno with a line that names the file and what is wrong with it. */
int tls_context_new(struct tls_context **out, enum tls_role role, const struct tls_options *o,
	struct fault *why);

/* One more holder; returns C. */
struct tls_context *tls_context_ref(struct tls_context *c);
/* One less; the last frees. Takes NULL, returns NULL. */
struct tls_context *tls_context_unref(struct tls_context *c);

/* The pin of our own key; false when the context has none. */
bool tls_context_pin(const struct tls_context *c, struct pin *pin);

/* ---- for the files tls*.c ---- */

/* Whether it is worth asking the kernel to encrypt, and that it was of no use. The next context may
 * find that a module was loaded. */
bool tls_context_may_have_kernel(const struct tls_context *c);
void tls_context_has_no_kernel(struct tls_context *c);
/* Reads the authorities of the system, once, if they are those that are trusted; in any thread. */
void tls_context_need_authorities(struct tls_context *c);
SSL_CTX *tls_context_ssl(struct tls_context *c);
const BIO_METHOD *tls_context_bottom(const struct tls_context *c);
enum tls_role tls_context_role(const struct tls_context *c);

#pragma once

/*
 * Trust: whose key a client takes for the hub's, and which key or token it shows itself
 *
 * In this order, the first that has an answer decides:
 *
 *	pinned		the address (?pin=) or the option says which key it has to be
 *	authority	the certificate leads to an authority we trust, is valid now, and is for the
 *			host; with an authority of our own (--ca) no other answer counts
 *	known		the key is the one that this address had before (net/known.h); another
 *			is refused, with what to compare and which line to remove
 *	first contact	somebody is asked, and their yes remembered; or the key is taken unseen
 *			(--trust-first), and remembered; else it is refused
 *
 * The checks are made in the midst of a handshake, before our own key or a byte of ours is sent.
 * They read the file of known keys once, and write to it at a first contact.
 *
 * One trust serves any number of connections, in any thread.
 */

#include "net/address.h"
#include "net/pin.h"

struct tls_context;
struct tls_setup;
struct trust;

/* What is known when somebody is asked whether a key is the hub's. */
struct contact {
	const char *address; /* as it stands among the known ones */
	const char *pin;
	const char *doubt; /* what the authorities say: "its certificate is signed by itself" */
	/* A line of the known keys that cannot be read and may have been this one's: "line 3 of …
	 * cannot be read"; empty without one. */
	const char *damage;
};

struct trust_options {
	const char *pin; /* for addresses without one of their own; NULL: none */
	const char *ca_file;
	const char *cert_file; /* what we show; NULL: the own key, if there is one */
	const char *key_file;
	const char *directory; /* of the own key and the known ones; NULL: the state directory */
	bool first;	       /* the first key is taken unseen */
	const char *token;     /* shown to hubs; NULL: none */
	bool token_in_plain;   /* also where the wire is plain, and what is there may be no hub */
	/* Asked at a first contact; true: it is the hub's. Blocks the loop. NULL: nobody is. */
	bool (*ask)(void *data, const struct contact *c);
	void *data;
};

/* Copies the options. NULL with a line in WHY: a bad pin, -ENOMEM. No file is read before TLS is
 * spoken for the first time. */
struct trust *trust_new(const struct trust_options *options, struct fault *why);

/* Takes NULL, returns NULL. */
struct trust *trust_free(struct trust *t);

/* The context for our side of TLS; reads our key at the first call, which is to be made before
 * other threads have the trust. 0, or a negative errno with a line. It is the trust's. */
int trust_context(struct trust *t, struct tls_context **context, struct fault *why);

/* Whether it needs no first contact to judge a key of A: a pin, an authority of our own, or a known
 * key decides, or the first one is taken unseen. */
bool trust_has_met(struct trust *t, const struct address *a);

/* A connection to A: what tls_setup.check is given. */
struct trust_check {
	struct trust *trust;
	const struct address *address;
};

/* Fills SETUP for a connection as CHECK says; it and its address must stay until the session is
 * established. */
void trust_setup(struct trust_check *check, struct tls_setup *setup);

/* Whether it remembers keys at a first contact. */
bool trust_remembers(const struct trust *t);

/* The token, which is shown only where nobody overhears it (client/link.h); NULL: none. PLAIN: the
 * wire is. Lives as long as the trust. */
const char *trust_token(const struct trust *t, bool plain);

/* WHY becomes the line about a hub that does not let our key in, or none: whose it is to change
 * that, and with what. -EACCES. */
int trust_explain_refusal(const struct trust *t, struct fault *why);

/* The address, with the pin, that somebody who trusts the key would use; after a refusal at a first
 * contact, NULL otherwise. Lives as long as the trust, or until the next refusal. */
const char *trust_unmet(const struct trust *t);

/* trust_options.directory. */
const char *trust_directory(const struct trust *t);

/* ---- the decision alone ---- */

enum trust_verdict {
	TRUST_PINNED,
	TRUST_WRONG_PIN,
	TRUST_AUTHORITY,
	TRUST_NO_AUTHORITY,
	TRUST_KNOWN,
	TRUST_CHANGED,
	TRUST_NEW,
};

struct trust_facts {
	const struct pin *shown;  /* by the peer */
	const struct pin *pinned; /* NULL: it is not said which it has to be */
	const struct pin *known;  /* NULL: the address was not met before */
	bool doubted;		  /* by the authorities */
	bool own_authority;	  /* the authorities are ours */
};

enum trust_verdict trust_judge(const struct trust_facts *f);

#pragma once

/*
 * The decision about who is at the other end, in the midst of a handshake. Private to the files
 * tls*.c.
 */

#include "net/tls.h"

/* Stands in the SSL's app data until the session is established. */
struct tls_judge {
	tls_check *check;
	void *check_arg;
	char *host; /* that was asked for, or NULL */
	bool unverified;
	struct fault why;
	int verdict; /* of the check; 0 as long as nothing is wrong */
};

/* For SSL_CTX_set_cert_verify_callback(), with the context: the ordinary verification, and then the
 * check. */
int tls_verify(X509_STORE_CTX *store, void *arg);

/* The check of a session in which tls_verify() was not called: its peer showed no certificate, or a
 * ticket. 0 or what the check gave. */
int tls_verify_unseen(const SSL *ssl, struct tls_judge *judge);

#pragma once

/*
 * The own key: made at first use, kept in one file, `key.pem` of the state directory, and used by
 * whatever its owner runs: it proves a hub to its clients and a client to a hub. One file holds the
 * private key and a certificate signed by itself, so there is no moment at which half of it exists.
 *
 * The key is ECDSA P-256. Ed25519 would be the nicer one, but no browser takes it in a certificate;
 * P-256 is what browsers, curl and every TLS library of the last fifteen years take, and signing
 * with it is as fast. The certificate says nothing that matters, since who trusts the key knows its
 * pin: it never expires (RFC 5280 section 4.1.2.5), and names localhost and this machine so that
 * tools which insist on a name are content when they are given it as their CA.
 */

#include "base/fault.h"
#include "net/pin.h"

struct keyring {
	EVP_PKEY *key;
	X509 *certificate;
	struct pin pin;
	char *path; /* of the file */
};

#define KEYRING_NULL ((struct keyring){0})

/* Loads the key of DIRECTORY (NULL: the state directory), making both first where they are missing;
 * of processes that do so at once one makes it and all get that. Reads and may write files.
 *
 * 0, or a negative errno with a line: -EACCES for a key that others than its owner can read, with
 * the chmod to use; -EINVAL for a file that is no key. *k is KEYRING_NULL then. */
int keyring_open(struct keyring *k, const char *directory, struct fault *why);

/* The same from what is there: -ENOENT, without a line, when there is no key yet. */
int keyring_load(struct keyring *k, const char *directory, struct fault *why);

/* Safe on KEYRING_NULL and twice. */
void keyring_deinit(struct keyring *k);

/* Whether FD, the private key file PATH, is for its owner's eyes only; -EACCES with a line that
 * says the chmod when not. */
int keyring_check_private(int fd, const char *path, struct fault *why);

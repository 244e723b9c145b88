#pragma once

/*
 * The keys that a relay shows to those who come by TLS, one for each address that takes them. They
 * can be read again while the relay runs: who is connected stays so, with the old one.
 */

#include "base/list.h"
#include "net/address.h"
#include "net/tls_slot.h"

struct relay_keys {
	struct list keys;
	const char *directory; /* of the own key; NULL: the state directory */
};

void relay_keys_init(struct relay_keys *k, const char *directory);
void relay_keys_deinit(struct relay_keys *k);

/* Reads the key of A (copied): of ?cert= and ?key=, or the own one. *slot is NULL where no TLS is
 * spoken; it is the keys'. 0, or a negative errno with a line. */
int relay_keys_add(
	struct relay_keys *k, const struct address *a, struct tls_slot **slot, struct fault *why);

/* Reads them all again; one that is none any more stays as it was. Says so. */
void relay_keys_renew(struct relay_keys *k);

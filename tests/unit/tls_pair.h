#pragma once

/* Keys and contexts for tests of TLS, made on the spot. */

#include "net/keyring_make.h"
#include "net/tls.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

struct tls_keys {
	EVP_PKEY *key;
	X509 *certificate;
	struct pin pin;
};

static inline void tls_keys_init(struct tls_keys *k)
{
	assert_int_equal(keyring_make(&k->key, &k->certificate), 0);
	assert_int_equal(pin_of_certificate(&k->pin, k->certificate), 0);
}

static inline void tls_keys_deinit(struct tls_keys *k)
{
	EVP_PKEY_free(k->key);
	X509_free(k->certificate);
}

static inline struct tls_context *tls_context_of(
	enum tls_role role, const struct tls_keys *k, struct tls_options options)
{
	struct tls_context *c;
	struct fault why = {0};

	if (k) {
		options.certificate = k->certificate;
		options.key = k->key;
	}
	assert_int_equal(tls_context_new(&c, role, &options, &why), 0);
	return c;
}

/* A check that lets in whose key is the PIN that is its argument. */
static inline int check_pin(void *arg, const struct tls_peer *peer, struct fault *why)
{
	const struct pin *pin = arg;

	if (peer->has_certificate && pin_equal(&peer->pin, pin))
		return 0;
	return fault_set(why, -EACCES, "another key");
}

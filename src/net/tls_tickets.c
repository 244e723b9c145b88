#include "net/tls_tickets.h"

#include "base/clock.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <string.h>

/* What OpenSSL takes from the callback, SSL_CTX_set_tlsext_ticket_key_evp_cb(3). */
enum { TICKET_FAILED = -1, TICKET_UNKNOWN, TICKET_GOOD, TICKET_TO_RENEW };

static int tickets_make_key(struct tls_ticket_key *key)
{
	return RAND_bytes(key->name, sizeof(key->name)) == 1 &&
			       RAND_priv_bytes(key->cipher, sizeof(key->cipher)) == 1 &&
			       RAND_priv_bytes(key->mac, sizeof(key->mac)) == 1
		       ? 0
		       : -EIO;
}

/* Locked. */
static int tickets_renew(struct tls_tickets *t)
{
	struct tls_ticket_key key;

	int r = tickets_make_key(&key);
	if (r == 0) {
		t->before = t->now;
		t->now = key;
		t->made_ms = clock_monotonic_ms();
	}
	OPENSSL_cleanse(&key, sizeof(key));
	return r;
}

int tls_tickets_renew(struct tls_tickets *t)
{
	pthread_mutex_lock(&t->lock);
	int r = tickets_renew(t);
	pthread_mutex_unlock(&t->lock);
	return r;
}

/* Copies the keys as they are today. */
static int tickets_get(
	struct tls_tickets *t, struct tls_ticket_key *now, struct tls_ticket_key *before)
{
	int r = 0;

	pthread_mutex_lock(&t->lock);
	if (clock_monotonic_ms() - t->made_ms >= TLS_TICKETS_MS)
		r = tickets_renew(t);
	*now = t->now;
	*before = t->before;
	pthread_mutex_unlock(&t->lock);
	return r;
}

static bool ticket_set_mac(EVP_MAC_CTX *mac, struct tls_ticket_key *key)
{
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof(key->mac)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(mac, params) == 1;
}

static int ticket_seal(struct tls_ticket_key *key, unsigned char *name, unsigned char *iv,
	EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	memcpy(name, key->name, sizeof(key->name));
	if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1 &&
		EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv) == 1 &&
		ticket_set_mac(mac, key))
		return TICKET_GOOD;
	return TICKET_FAILED;
}

static int ticket_open(struct tls_ticket_key *key, const unsigned char *iv, EVP_CIPHER_CTX *cipher,
	EVP_MAC_CTX *mac)
{
	if (EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv) == 1 &&
		ticket_set_mac(mac, key))
		return TICKET_GOOD;
	return TICKET_FAILED;
}

static bool ticket_is_of(const struct tls_ticket_key *key, const unsigned char *name)
{
	return memcmp(name, key->name, sizeof(key->name)) == 0;
}

/* A ticket of TLS 1.3 is for one use (RFC 8446 appendix C.4): there is a new one each time. */
static int ticket_on_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
	EVP_MAC_CTX *mac, int seals)
{
	struct tls_tickets *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	struct tls_ticket_key now, before;

	int r = tickets_get(t, &now, &before) < 0 ? TICKET_FAILED : TICKET_UNKNOWN;
	if (r == TICKET_UNKNOWN && seals)
		r = ticket_seal(&now, name, iv, cipher, mac);
	else if (r == TICKET_UNKNOWN && ticket_is_of(&now, name))
		r = ticket_open(&now, iv, cipher, mac);
	else if (r == TICKET_UNKNOWN && ticket_is_of(&before, name))
		r = ticket_open(&before, iv, cipher, mac);
	if (r == TICKET_GOOD && !seals &&
		(SSL_version(ssl) == TLS1_3_VERSION || ticket_is_of(&before, name)))
		r = TICKET_TO_RENEW;
	OPENSSL_cleanse(&now, sizeof(now));
	OPENSSL_cleanse(&before, sizeof(before));
	return r;
}

int tls_tickets_init(struct tls_tickets *t, SSL_CTX *ssl)
{
	pthread_mutex_init(&t->lock, NULL);
	t->made_ms = clock_monotonic_ms();
	int r = tickets_make_key(&t->now);
	if (r == 0)
		r = tickets_make_key(&t->before); /* that none knows, and opens nothing */
	if (r < 0 || !SSL_CTX_set_app_data(ssl, t) ||
		!SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, ticket_on_key))
		return -ENOMEM;
	return 0;
}

void tls_tickets_deinit(struct tls_tickets *t)
{
	pthread_mutex_destroy(&t->lock);
	OPENSSL_cleanse(t, sizeof(*t));
}

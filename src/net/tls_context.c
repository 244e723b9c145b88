#include "net/tls_context.h"

#include "base/cleanup.h"
#include "net/tls_below.h"
#include "net/tls_fault.h"
#include "net/tls_tickets.h"
#include "net/tls_verify.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509err.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/* TLS 1.2 without what RFC 9325 section 4.2 advises against; those of 1.3 are OpenSSL's own. */
#define CIPHERS_1_2 "ECDHE+AESGCM:ECDHE+CHACHA20"

struct tls_context {
	atomic_uint holders;
	enum tls_role role;
	SSL_CTX *ssl;
	struct tls_tickets tickets; /* of a server */
	bool needs_authorities;	    /* the system's, not read yet */
	pthread_mutex_t reading;
	BIO_METHOD *bottom;
	atomic_bool no_kernel;
};

static const unsigned char alpn_http[] = "\x08http/1.1";

/* RFC 7301 section 3.2: a client that speaks nothing of ours is told so. */
static int tls_select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
	const unsigned char *in, unsigned in_len, void *arg)
{
	unsigned char *chosen;

	if (SSL_select_next_proto(&chosen, out_len, alpn_http, sizeof(alpn_http) - 1, in, in_len) !=
		OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static bool tls_context_set_protocol(struct tls_context *c, const struct tls_options *o)
{
	SSL_CTX *s = c->ssl;

	SSL_CTX_set_options(s, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
				       SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_mode(s, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(s, SSL_SESS_CACHE_OFF);
	if (!SSL_CTX_set_min_proto_version(s, TLS1_2_VERSION) ||
		!SSL_CTX_set_cipher_list(s, CIPHERS_1_2))
		return false;
	if (c->role == TLS_SERVER) {
		/* One ticket: who opens many connections at once may do a few whole handshakes. */
		SSL_CTX_set_num_tickets(s, 1);
		if (o->http)
			SSL_CTX_set_alpn_select_cb(s, tls_select_alpn, NULL);
		return SSL_CTX_set_session_id_context(s, (const unsigned char *)"ferry", 5);
	}
	return true;
}

/* ---- our key ---- */

/* OpenSSL would ask for one on the terminal, and wait. */
static int tls_no_password(char *to, int size, int writing, void *data)
{
	return -1;
}

static int tls_context_load_files(
	struct tls_context *c, const char *cert_file, const char *key_file, struct fault *why)
{
	if (!key_file)
		key_file = cert_file;
	SSL_CTX_set_default_passwd_cb(c->ssl, tls_no_password);
	ERR_clear_error();
	if (!SSL_CTX_use_certificate_chain_file(c->ssl, cert_file))
		return tls_fault_file(why, cert_file, "certificate (PEM)");
	if (SSL_CTX_use_PrivateKey_file(c->ssl, key_file, SSL_FILETYPE_PEM))
		return 0;
	if (ERR_GET_REASON(ERR_peek_error()) == X509_R_KEY_VALUES_MISMATCH)
		return fault_set(
			why, -EINVAL, "%s: the key does not fit the certificate", key_file);
	return tls_fault_file(why, key_file, "private key (PEM, without a password)");
}

static int tls_context_set_identity(
	struct tls_context *c, const struct tls_options *o, struct fault *why)
{
	if (o->cert_file)
		return tls_context_load_files(c, o->cert_file, o->key_file, why);
	if (o->key_file)
		return fault_set(why, -EINVAL,
			"%s: a key alone is no use; its certificate is needed too", o->key_file);
	if (o->certificate && (!SSL_CTX_use_certificate(c->ssl, o->certificate) ||
				      !SSL_CTX_use_PrivateKey(c->ssl, o->key)))
		return fault_set(why, -EINVAL, "the own key cannot be used for TLS");
	return 0;
}

/* ---- whom we trust ---- */

static int tls_context_set_trust(
	struct tls_context *c, const struct tls_options *o, struct fault *why)
{
	ERR_clear_error();
	if (o->ca_file && !SSL_CTX_load_verify_file(c->ssl, o->ca_file))
		return tls_fault_file(why, o->ca_file, "certificates of authorities (PEM)");
	c->needs_authorities = !o->ca_file && c->role == TLS_CLIENT;
	if (c->role == TLS_CLIENT || o->ask_client)
		SSL_CTX_set_verify(c->ssl,
			SSL_VERIFY_PEER | (o->require_client ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
			NULL);
	SSL_CTX_set_cert_verify_callback(c->ssl, tls_verify, c);
	return 0;
}

void tls_context_need_authorities(struct tls_context *c)
{
	pthread_mutex_lock(&c->reading);
	if (c->needs_authorities)
		SSL_CTX_set_default_verify_paths(c->ssl);
	c->needs_authorities = false;
	pthread_mutex_unlock(&c->reading);
}

/* ---- life ---- */

static int tls_context_init(struct tls_context *c, const struct tls_options *o, struct fault *why)
{
	c->ssl = SSL_CTX_new(c->role == TLS_SERVER ? TLS_server_method() : TLS_client_method());
	c->bottom = tls_bottom_method();
	if (!c->ssl || !c->bottom || !tls_context_set_protocol(c, o))
		return fault_errno(why, -ENOMEM, "cannot use TLS");
	int r = tls_tickets_init(&c->tickets, c->ssl);
	if (r < 0)
		return fault_errno(why, r, "cannot use TLS");
	r = tls_context_set_identity(c, o, why);
	return r < 0 ? r : tls_context_set_trust(c, o, why);
}

int tls_context_new(struct tls_context **out, enum tls_role role, const struct tls_options *o,
	struct fault *why)
{
	struct tls_context *c = calloc(1, sizeof(*c));

	if (!c)
		return fault_errno(why, -ENOMEM, "cannot use TLS");
	c->holders = 1;
	pthread_mutex_init(&c->reading, NULL);
	c->role = role;
	int r = tls_context_init(c, o, why);
	if (r < 0)
		c = tls_context_unref(c);
	*out = c;
	return r;
}

struct tls_context *tls_context_ref(struct tls_context *c)
{
	atomic_fetch_add(&c->holders, 1);
	return c;
}

struct tls_context *tls_context_unref(struct tls_context *c)
{
	if (!c || atomic_fetch_sub(&c->holders, 1) > 1)
		return NULL;
	SSL_CTX_free(c->ssl);
	tls_tickets_deinit(&c->tickets);
	pthread_mutex_destroy(&c->reading);
	BIO_meth_free(c->bottom);
	free(c);
	return NULL;
}

bool tls_context_pin(const struct tls_context *c, struct pin *pin)
{
	const X509 *certificate = SSL_CTX_get0_certificate(c->ssl);

	return certificate && pin_of_certificate(pin, certificate) == 0;
}

SSL_CTX *tls_context_ssl(struct tls_context *c)
{
	return c->ssl;
}

const BIO_METHOD *tls_context_bottom(const struct tls_context *c)
{
	return c->bottom;
}

bool tls_context_may_have_kernel(const struct tls_context *c)
{
	return !atomic_load(&c->no_kernel);
}

void tls_context_has_no_kernel(struct tls_context *c)
{
	atomic_store(&c->no_kernel, true);
}

enum tls_role tls_context_role(const struct tls_context *c)
{
	return c->role;
}

#include "net/tls.h"

#include "base/cleanup.h"
#include "net/tls_below.h"
#include "net/tls_fault.h"
#include "net/tls_verify.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

enum {
	TLS_RECORD = 16 * 1024, /* RFC 8446 section 5.1 */
	TLS_BATCH = 128 * 1024, /* gathered for one write */
	TLS_OVERHEAD = 64,	/* at most, of a record */
};

struct tls {
	SSL *ssl;
	struct tls_context *context;
	struct tls_bottom bottom;
	struct tls_judge *judge; /* until it is established */
	struct fault *why;
	bool established : 1;
	bool owes : 1; /* what was gathered did not all go */
	bool ended_in : 1;
	bool ended_out : 1;
};

static struct tls_judge *tls_judge_free(struct tls_judge *judge)
{
	if (judge)
		free(judge->host);
	free(judge);
	return NULL;
}

/* ---- what failed ---- */

static int tls_failed(struct tls *t)
{
	return t->why ? t->why->error : 0;
}

/* Takes what OpenSSL, the check or the bottom know of the failure; an alert may be on its way. */
static int tls_fail(struct tls *t)
{
	struct fault why = FAULT_NULL;

	if (t->judge && t->judge->verdict < 0)
		why = t->judge->why;
	else if (t->bottom.error == -EKEYREJECTED)
		fault_set(&why, -ECONNABORTED,
			"it asked for new keys, and the kernel, which encrypts, takes none");
	else if (t->bottom.error < 0)
		fault_set(&why, t->bottom.error, "%s", strerror(-t->bottom.error));
	else
		tls_fault_session(&why, t->established);
	ERR_clear_error();
	tls_bottom_flush(&t->bottom);
	t->why = malloc(sizeof(*t->why));
	if (!t->why)
		return -ENOMEM;
	*t->why = why;
	return why.error;
}

/* ---- in ---- */

static int tls_establish(struct tls *t)
{
	ERR_clear_error();
	int r = SSL_do_handshake(t->ssl);
	if (r != 1 && SSL_get_error(t->ssl, r) == SSL_ERROR_WANT_READ)
		return -EAGAIN;
	if (r != 1)
		return tls_fail(t);
	bool unseen = SSL_session_reused(t->ssl) || !SSL_get0_peer_certificate(t->ssl);
	if (unseen && t->judge->check && tls_verify_unseen(t->ssl, t->judge) < 0)
		return tls_fail(t);
	t->established = true;
	if (t->bottom.no_kernel)
		tls_context_has_no_kernel(t->context);
	SSL_set_app_data(t->ssl, NULL);
	t->judge = tls_judge_free(t->judge);
	return 0;
}

/* As tls_read(), of what is there. */
static ssize_t tls_decrypt(struct tls *t, uint8_t *to, size_t len)
{
	size_t total = 0, n;
	int r = 1;

	ERR_clear_error();
	while (total < len && (r = SSL_read_ex(t->ssl, to + total, len - total, &n)) == 1)
		total += n;
	if (r == 1)
		return (ssize_t)total;
	switch (SSL_get_error(t->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		return total ? (ssize_t)total : -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		t->ended_in = true;
		return (ssize_t)total;
	default:
		r = tls_fail(t);
		return total ? (ssize_t)total : r;
	}
}

/* The peer may ask for new keys of ours. OpenSSL would answer before the next data, but that it
 * never sees. What may be said with the old ones is the end (RFC 8446 section 4.6.3). 0, or what
 * failed. */
static int tls_answer(struct tls *t)
{
	if (t->why || !t->bottom.in_kernel || t->ended_out ||
		SSL_get_key_update_type(t->ssl) == SSL_KEY_UPDATE_NONE)
		return 0;
	ERR_clear_error();
	SSL_shutdown(t->ssl);
	t->bottom.error = -EKEYREJECTED;
	return tls_fail(t);
}

ssize_t tls_read(struct tls *t, void *to, size_t len)
{
	uint8_t block[TLS_BLOCK];
	ssize_t n = 0;

	if (t->why || t->ended_in)
		return tls_failed(t);
	t->bottom.block = block;
	if (!t->established)
		n = tls_establish(t);
	if (n == 0)
		n = tls_decrypt(t, to, len);
	int r = tls_answer(t);
	if (n <= 0 && r < 0)
		n = r;
	return tls_bottom_keep(&t->bottom) < 0 ? -ENOMEM : n;
}

int tls_shake_hands(struct tls *t)
{
	uint8_t block[TLS_BLOCK];

	if (t->why || t->established)
		return tls_failed(t);
	t->bottom.block = block;
	int r = tls_establish(t);
	return tls_bottom_keep(&t->bottom) < 0 ? -ENOMEM : r;
}

bool tls_has_more(const struct tls *t)
{
	return t->why || t->ended_in || buffer_len(&t->bottom.in) || SSL_has_pending(t->ssl);
}

/* ---- out ---- */

/* A walk over what is to be written, in pieces that make a record each. */
struct pieces {
	const struct iovec *iov;
	int count;
	size_t at; /* in the first */
	uint8_t gathered[TLS_RECORD];
};

/* But for the memory, which need not be clear. */
static void pieces_init(struct pieces *p, const struct iovec *iov, int count)
{
	p->iov = iov;
	p->count = count;
	p->at = 0;
}

/* The next piece: where it stands when it is long enough, else gathered from several. */
static struct bytes pieces_next(struct pieces *p)
{
	size_t len = 0;

	while (p->count && len < TLS_RECORD) {
		const uint8_t *data = (const uint8_t *)p->iov->iov_base + p->at;
		size_t left = p->iov->iov_len - p->at;
		size_t n = left < TLS_RECORD - len ? left : TLS_RECORD - len;
		bool whole = n == TLS_RECORD || p->count == 1;
		p->at += n;
		if (p->at == p->iov->iov_len) {
			p->iov++;
			p->count--;
			p->at = 0;
		}
		if (whole && !len)
			return bytes_of(data, n);
		memcpy(p->gathered + len, data, n);
		len += n;
	}
	return bytes_of(p->gathered, len);
}

/* Bytes left, but no more than count. */
static size_t pieces_left(const struct pieces *p, size_t most)
{
	size_t left = 0;

	for (int i = 0; i < p->count && left < most; i++)
		left += p->iov[i].iov_len;
	return left < most ? left : most;
}

/* Encrypts a batch: how much of it, or what failed. */
static ssize_t tls_encrypt(struct tls *t, struct pieces *p)
{
	size_t room = pieces_left(p, TLS_BATCH);
	size_t total = 0, n;
	uint8_t *unused;

	/* All at once: growing record by record would copy it several times. */
	room += (room / TLS_RECORD + 2) * TLS_OVERHEAD;
	if (buffer_reserve(&t->bottom.out, room, &unused) < 0)
		return -ENOMEM;
	while (buffer_len(&t->bottom.out) < TLS_BATCH) {
		struct bytes piece = pieces_next(p);
		if (!piece.len)
			break;
		ERR_clear_error();
		if (SSL_write_ex(t->ssl, piece.data, piece.len, &n) != 1)
			return tls_fail(t);
		total += piece.len;
	}
	return (ssize_t)total;
}

int tls_flush(struct tls *t)
{
	int r = tls_bottom_flush(&t->bottom);

	t->owes = r < 0;
	return r;
}

/* Past OpenSSL, behind what that had to say. */
static ssize_t tls_pass(struct tls *t, const struct iovec *iov, int count)
{
	int r = tls_flush(t);

	return r < 0 ? r : t->bottom.below->write(t->bottom.arg, iov, count);
}

ssize_t tls_write(struct tls *t, const struct iovec *iov, int count)
{
	struct pieces p;
	ssize_t total = 0, n;
	int r = 0;

	if (t->why)
		return tls_failed(t);
	if (t->owes)
		r = tls_flush(t);
	if (r < 0 || !t->established)
		return r < 0 ? r : -EAGAIN;
	if (t->bottom.in_kernel)
		return tls_pass(t, iov, count);
	pieces_init(&p, iov, count);
	while (p.count && r == 0) {
		n = tls_encrypt(t, &p);
		if (n < 0)
			return n;
		total += n;
		if (buffer_len(&t->bottom.out) >= TLS_BATCH)
			r = tls_flush(t);
	}
	return r < 0 && r != -EAGAIN ? r : total;
}

int tls_end(struct tls *t)
{
	if (t->why)
		return tls_failed(t);
	if (!t->established)
		return -EAGAIN;
	if (!t->ended_out) {
		t->ended_out = true;
		ERR_clear_error();
		SSL_shutdown(t->ssl);
	}
	return tls_flush(t);
}

/* ---- state ---- */

bool tls_is_established(const struct tls *t)
{
	return t->established;
}

bool tls_owes(const struct tls *t)
{
	return t->owes;
}

bool tls_is_resumed(const struct tls *t)
{
	return SSL_session_reused(t->ssl);
}

bool tls_is_in_kernel(const struct tls *t)
{
	return t->bottom.in_kernel;
}

const struct fault *tls_fault(const struct tls *t)
{
	return t->why;
}

/* ---- life ---- */

static bool is_ip(const char *host)
{
	uint8_t address[16];

	return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

/* RFC 6066 section 3: SNI is a name, never an address. */
static int tls_expect(struct tls *t, const char *host)
{
	if (!host || tls_context_role(t->context) == TLS_SERVER)
		return 0;
	t->judge->host = strdup(host);
	X509_VERIFY_PARAM *param = SSL_get0_param(t->ssl);
	bool set = is_ip(host)
			   ? X509_VERIFY_PARAM_set1_ip_asc(param, host)
			   : SSL_set1_host(t->ssl, host) && SSL_set_tlsext_host_name(t->ssl, host);
	return t->judge->host && set ? 0 : -ENOMEM;
}

static int tls_init(struct tls *t, const struct tls_setup *setup, struct bytes already)
{
	static const unsigned char http[] = "\x08http/1.1";

	t->judge = calloc(1, sizeof(*t->judge));
	t->ssl = SSL_new(tls_context_ssl(t->context));
	BIO *bio = BIO_new(tls_context_bottom(t->context));
	if (!t->judge || !t->ssl || !bio) {
		BIO_free(bio);
		return -ENOMEM;
	}
	BIO_set_data(bio, &t->bottom);
	BIO_set_init(bio, 1);
	SSL_set_bio(t->ssl, bio, bio);
	if (t->bottom.below->take_keys && tls_context_may_have_kernel(t->context))
		SSL_set_options(t->ssl, SSL_OP_ENABLE_KTLS);
	t->judge->check = setup->check;
	t->judge->check_arg = setup->check_arg;
	t->judge->unverified = setup->unverified;
	SSL_set_app_data(t->ssl, t->judge);
	if (tls_context_role(t->context) == TLS_SERVER)
		SSL_set_accept_state(t->ssl);
	else
		SSL_set_connect_state(t->ssl);
	if (setup->http && SSL_set_alpn_protos(t->ssl, http, sizeof(http) - 1))
		return -ENOMEM;
	int r = tls_expect(t, setup->host);
	return r < 0 ? r : buffer_append(&t->bottom.in, already.data, already.len);
}

int tls_new(struct tls **out, struct tls_context *context, const struct tls_setup *setup,
	const struct tls_below *below, void *below_arg, struct bytes already)
{
	struct tls *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->context = tls_context_ref(context);
	t->bottom.below = below;
	t->bottom.arg = below_arg;
	int r = tls_init(t, setup, already);
	ERR_clear_error();
	*out = r < 0 ? tls_free(t) : t;
	return r;
}

struct tls *tls_free(struct tls *t)
{
	if (!t)
		return NULL;
	SSL_free(t->ssl);
	tls_bottom_deinit(&t->bottom);
	tls_context_unref(t->context);
	tls_judge_free(t->judge);
	free(t->why);
	free(t);
	return NULL;
}

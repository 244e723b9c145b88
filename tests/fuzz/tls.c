/*
 * Whatever comes where TLS is spoken: nothing of it is ever handed out, because nobody who does not
 * have the keys can say anything; a failure stays one and has a line; and what has to be answered
 * is bounded. The first byte chooses where it comes: at a server, at a client, or behind a
 * handshake.
 */

#include "net/tls.h"

#include "../cuts.h"
#include "fuzz.h"
#include "net/keyring_make.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

enum { ANSWER_MAX = 2 << 20 };

struct side {
	struct tls *tls;
	struct buffer *in, *out;
};

static ssize_t side_read(void *arg, void *to, size_t len)
{
	struct side *s = arg;
	struct bytes from = buffer_bytes(s->in);
	size_t n = from.len < len ? from.len : len;

	if (!n)
		return -EAGAIN;
	memcpy(to, from.data, n);
	buffer_consume(s->in, n);
	return (ssize_t)n;
}

static ssize_t side_write(void *arg, const struct iovec *iov, int count)
{
	struct side *s = arg;

	fuzz_check(buffer_append(s->out, iov->iov_base, iov->iov_len) == 0);
	return (ssize_t)iov->iov_len;
}

static const struct tls_below below = {.read = side_read, .write = side_write};

static int accept_any(void *arg, const struct tls_peer *peer, struct fault *why)
{
	return 0;
}

static const struct tls_setup anyone = {.check = accept_any};

/* Made once: a key for each input would be all that is measured. */
static struct tls_context *context(enum tls_role role)
{
	static struct tls_context *contexts[2];
	struct tls_options options = {0};

	if (contexts[role])
		return contexts[role];
	fuzz_check(keyring_make(&options.key, &options.certificate) == 0);
	fuzz_check(tls_context_new(&contexts[role], role, &options, NULL) == 0);
	EVP_PKEY_free(options.key);
	X509_free(options.certificate);
	return contexts[role];
}

static ssize_t turn(struct side *s)
{
	uint8_t block[4096];

	ssize_t n = tls_read(s->tls, block, sizeof(block));
	tls_flush(s->tls);
	return n;
}

static void establish(struct side *server, struct buffer *in, struct buffer *out)
{
	struct side client = {.in = out, .out = in};

	fuzz_check(tls_new(&client.tls, context(TLS_CLIENT), &anyone, &below, &client,
			   BYTES_NULL) == 0);
	while (!tls_is_established(server->tls)) {
		turn(&client);
		turn(server);
	}
	tls_free(client.tls);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buffer in = BUFFER_NULL, out = BUFFER_NULL;
	struct side s = {.in = &in, .out = &out};
	struct bytes piece;
	ssize_t failed = 0;

	if (!len)
		return 0;
	unsigned where = data[0] % 3;
	fuzz_check(tls_new(&s.tls, context(where == 1 ? TLS_CLIENT : TLS_SERVER), &anyone, &below,
			   &s, BYTES_NULL) == 0);
	if (where == 2)
		establish(&s, &in, &out);
	else
		fuzz_check(turn(&s) == -EAGAIN);
	struct bytes input = bytes_of(data + 1, len - 1);
	for (struct cuts c = cuts_of(input, 700, cuts_seed(input)); cuts_next(&c, &piece);) {
		fuzz_check(buffer_append(&in, piece.data, piece.len) == 0);
		ssize_t n = turn(&s);
		fuzz_check(n < 0 && (!failed || n == failed));
		fuzz_check((n == -EAGAIN) == !tls_fault(s.tls));
		if (n != -EAGAIN)
			failed = n;
	}
	fuzz_check(buffer_len(&out) < ANSWER_MAX);
	tls_free(s.tls);
	buffer_deinit(&in);
	buffer_deinit(&out);
	return 0;
}

#include "net/tls_below.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/ssl3.h>

/* A peer that makes us answer (KeyUpdate), and reads no answers, gets no further. */
enum { TLS_OUT_MAX = 1024 * 1024 };

static int bottom_give(struct bytes from, char *to, int len)
{
	size_t n = from.len < (size_t)len ? from.len : (size_t)len;

	memcpy(to, from.data, n);
	return (int)n;
}

static int bottom_read(BIO *bio, char *to, int len)
{
	struct tls_bottom *b = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (buffer_len(&b->in)) {
		int n = bottom_give(buffer_bytes(&b->in), to, len);
		buffer_consume(&b->in, (size_t)n);
		if (!buffer_len(&b->in))
			buffer_deinit(&b->in);
		return n;
	}
	ssize_t got = -EAGAIN;
	if (!b->staged.len && b->block) {
		got = b->below->read(b->arg, b->block, TLS_BLOCK);
		b->staged = bytes_of(b->block, got > 0 ? (size_t)got : 0);
	}
	if (b->staged.len) {
		int n = bottom_give(b->staged, to, len);
		b->staged = bytes_skip(b->staged, (size_t)n);
		return n;
	}
	if (got == -EAGAIN)
		BIO_set_retry_read(bio);
	else if (got < 0)
		b->error = (int)got;
	return got == 0 ? 0 : -1;
}

static int bottom_write(BIO *bio, const char *data, int len)
{
	struct tls_bottom *b = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (b->error)
		return -1;
	if (buffer_len(&b->out) > TLS_OUT_MAX)
		b->error = -ENOBUFS;
	else if (b->in_kernel && b->type == SSL3_RT_HANDSHAKE && *data == SSL3_MT_KEY_UPDATE)
		b->error = -EKEYREJECTED;
	else if (buffer_append(&b->out, data, (size_t)len) < 0)
		b->error = -ENOMEM;
	else
		return len;
	return -1;
}

/* All that OpenSSL encrypted goes before what the kernel will. */
static bool bottom_hand_over(struct tls_bottom *b, const struct tls_crypto_info *keys)
{
	if (!b->below->take_keys || tls_bottom_flush(b) < 0)
		return false;
	int r = b->below->take_keys(b->arg, keys);
	b->no_kernel = r == -ENOENT;
	b->in_kernel = r == 0;
	return b->in_kernel;
}

/* What OpenSSL asks of a BIO over a socket whose kernel may encrypt. <openssl/bio.h> lists all of
 * it, but these two (BIO_CTRL_SET_KTLS_SEND, BIO_CTRL_SET_KTLS_SEND_CTRL_MSG) in a comment: the
 * numbers are reserved, not defined. The number that comes along tells sending (1) from receiving;
 * the argument begins with the structure that the kernel takes. */
enum { BOTTOM_TAKE_KEYS = 72, BOTTOM_SET_TYPE = 74 };

static long bottom_control(BIO *bio, int command, long number, void *arg)
{
	struct tls_bottom *b = BIO_get_data(bio);

	switch (command) {
	case BIO_CTRL_FLUSH:
	case BIO_CTRL_EOF: /* asked when a read gave nothing and did not say "again" */
		return 1;
	case BOTTOM_TAKE_KEYS:
		return number && bottom_hand_over(b, arg);
	case BIO_CTRL_GET_KTLS_SEND:
		return b->in_kernel;
	case BOTTOM_SET_TYPE:
		if (tls_bottom_flush(b) < 0 && b->type != number)
			b->error = -ENOBUFS; /* one type is kept at a time */
		b->type = (uint8_t)number;
		return 1;
	default:
		return 0;
	}
}

BIO_METHOD *tls_bottom_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "ferry");

	if (!m)
		return NULL;
	BIO_meth_set_read(m, bottom_read);
	BIO_meth_set_write(m, bottom_write);
	BIO_meth_set_ctrl(m, bottom_control);
	return m;
}

int tls_bottom_keep(struct tls_bottom *b)
{
	int r = b->staged.len ? buffer_append(&b->in, b->staged.data, b->staged.len) : 0;

	b->block = NULL;
	b->staged = BYTES_NULL;
	return r;
}

static ssize_t bottom_send(struct tls_bottom *b, struct bytes data)
{
	const struct iovec iov = {(void *)data.data, data.len};

	return b->in_kernel ? b->below->send_record(b->arg, b->type, data.data, data.len)
			    : b->below->write(b->arg, &iov, 1);
}

int tls_bottom_flush(struct tls_bottom *b)
{
	while (buffer_len(&b->out)) {
		ssize_t n = bottom_send(b, buffer_bytes(&b->out));
		if (n < 0)
			return (int)n;
		buffer_consume(&b->out, (size_t)n);
	}
	buffer_deinit(&b->out);
	return 0;
}

void tls_bottom_deinit(struct tls_bottom *b)
{
	buffer_deinit(&b->in);
	buffer_deinit(&b->out);
}

#include "net/tls_below.h"

#include <errno.h>
#include <openssl/bio.h>

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
	if (buffer_len(&b->out) > TLS_OUT_MAX)
		b->error = -ENOBUFS;
	else if (buffer_append(&b->out, data, (size_t)len) < 0)
		b->error = -ENOMEM;
	else
		return len;
	return -1;
}

/* Whether a read that gave nothing was the end is asked of one that did not say "again". */
static long bottom_control(BIO *bio, int command, long number, void *arg)
{
	return command == BIO_CTRL_FLUSH || command == BIO_CTRL_EOF;
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

int tls_bottom_flush(struct tls_bottom *b)
{
	while (buffer_len(&b->out)) {
		struct bytes left = buffer_bytes(&b->out);
		ssize_t n = b->below->write(b->arg, left.data, left.len);
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

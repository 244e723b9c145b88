#pragma once

/*
 * What is below OpenSSL in a session: a BIO between two buffers that exist only while something is
 * in them. What comes is read in large blocks into memory of the call, from which OpenSSL takes
 * record after record: the two system calls a record that it makes when it reads by itself become
 * one for several. What goes is gathered, and leaves with one write. Private to the files tls*.c.
 */

#include "net/tls.h"

enum { TLS_BLOCK = 64 * 1024 };

struct tls_bottom {
	const struct tls_below *below;
	void *arg;
	struct buffer in;    /* read, but not by OpenSSL */
	struct buffer out;   /* encrypted, but not written */
	uint8_t *block;	     /* TLS_BLOCK bytes to read into; NULL: nothing is read */
	struct bytes staged; /* what is left of it */
	int error;	     /* a negative errno that reading, or gathering, gave */
};

/* The method of a BIO whose data is a bottom. NULL when memory is out. */
BIO_METHOD *tls_bottom_method(void);

/* Keeps what is left of the block, which the caller takes away. 0 or -ENOMEM. */
int tls_bottom_keep(struct tls_bottom *b);

/* Writes what was gathered. 0 when it is all out, -EAGAIN, or what writing gave. */
int tls_bottom_flush(struct tls_bottom *b);

void tls_bottom_deinit(struct tls_bottom *b);

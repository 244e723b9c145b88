#pragma once

/*
 * What is below OpenSSL in a session: a BIO between two buffers that exist only while something is
 * in them. What comes is read in large blocks into memory of the call, from which OpenSSL takes
 * record after record: the two system calls a record that it makes when it reads by itself become
 * one for several. What goes is gathered, and leaves with one write. Private to the files tls*.c.
 *
 * OpenSSL gives the keys to the BIO when it would begin to use them; if the kernel takes them, what
 * OpenSSL writes from then on is in the clear, and is only what it has to say itself (a ticket, an
 * alert), since data is given to the kernel past it.
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
	bool in_kernel;	     /* it encrypts: what is gathered are records in the clear, */
	uint8_t type;	     /* of this type */
	bool no_kernel;	     /* it was asked, and has no TLS */
};

/* The method of a BIO whose data is a bottom. NULL when memory is out. */
BIO_METHOD *tls_bottom_method(void);

/* Keeps what is left of the block, which the caller takes away. 0 or -ENOMEM. */
int tls_bottom_keep(struct tls_bottom *b);

/* Writes what was gathered. 0 when it is all out, -EAGAIN, or what writing gave. */
int tls_bottom_flush(struct tls_bottom *b);

void tls_bottom_deinit(struct tls_bottom *b);

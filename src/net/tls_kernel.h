#pragma once

/*
 * Kernel TLS: the kernel encrypts what is sent on a TCP socket, so sendfile(2) and splice(2) work
 * as without TLS (Linux's Documentation/networking/tls.rst). What is received stays OpenSSL's.
 *
 * Once it has the keys, there is no way back: bytes that are written are records of data, and
 * records of another type go by tls_kernel_send().
 */

#include <linux/tls.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Hands over the keys of one cipher, of which KEYS is the beginning. All that was encrypted before
 * must have been written. 0; -ENOENT, the kernel has no TLS (nor, unless the process may ask for
 * it, has its module `tls` been loaded); or another negative errno: it does not encrypt such a
 * socket, or with such a cipher. Then all is as before. */
int tls_kernel_take(int fd, const struct tls_crypto_info *keys);

/* Sends a record of a TYPE other than data (RFC 8446 section 5.1). As write(2), or a negative
 * errno; -EAGAIN, and the socket will be writable, as long as it is not: what the kernel took
 * before is then on its way for certain, and our direction may be shut down behind it. */
ssize_t tls_kernel_send(int fd, uint8_t type, const void *data, size_t len);

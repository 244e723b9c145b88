#pragma once

/*
 * SHA-256 (FIPS 180-4), computed by libcrypto, which uses what the processor has for it.
 */

#include "base/bytes.h"

enum { SHA256_SIZE = 32, SHA256_HEX_SIZE = 65 };

struct sha256; /* one computation; any thread may go on with it, one at a time */

/* NULL when memory is out. */
struct sha256 *sha256_new(void);

/* Takes NULL, returns NULL. */
struct sha256 *sha256_free(struct sha256 *s);

/* Begins again. */
void sha256_reset(struct sha256 *s);

void sha256_update(struct sha256 *s, const void *data, size_t len);

/* The digest of all that was given; then only reset and free may follow. */
void sha256_finish(struct sha256 *s, uint8_t digest[SHA256_SIZE]);

/* Lower case, and a NUL. */
void sha256_to_hex(const uint8_t digest[SHA256_SIZE], char text[SHA256_HEX_SIZE]);

/* Reads 64 digits in either case. 0 or -EINVAL. */
int sha256_from_hex(struct bytes text, uint8_t digest[SHA256_SIZE]);

#pragma once

/*
 * A pin tells one key from all others: the SHA-256 of its SubjectPublicKeyInfo in DER (RFC 7469
 * section 2.4), so it stays the same when a certificate is renewed for the same key.
 *
 * As text it is `sha256:` and the digest in base64url without padding (RFC 4648 section 5), which
 * needs no quoting in an address, a URL or a shell. The form of curl's --pinnedpubkey is the same
 * digest with the usual alphabet and one `=` at its end: `sha256//` and, of ours, `-` as `+`, `_`
 * as
 * `/`.
 */

#include <openssl/types.h>
#include <stdbool.h>
#include <stdint.h>

enum { PIN_SIZE = 32, PIN_TEXT_SIZE = 51 /* with its NUL */ };

struct pin {
	uint8_t digest[PIN_SIZE];
};

/* 0; -ENOMEM. */
int pin_of_key(struct pin *p, EVP_PKEY *key);
int pin_of_certificate(struct pin *p, const X509 *certificate);

/* 0; -EINVAL when TEXT is anything but what pin_format() writes, to its end. */
int pin_parse(struct pin *p, const char *text);

void pin_format(const struct pin *p, char text[PIN_TEXT_SIZE]);

bool pin_equal(const struct pin *a, const struct pin *b);

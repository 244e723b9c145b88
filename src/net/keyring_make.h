#pragma once

/*
 * A new key and its certificate. Private to the keyring.
 */

#include <openssl/types.h>

/* 0, or -ENOMEM (OpenSSL has no other reason). Both are the caller's to free. */
int keyring_make(EVP_PKEY **key, X509 **certificate);

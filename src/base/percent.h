#pragma once

/*
 * Percent-encoding (RFC 3986 section 2.1).
 */

#include "base/bytes.h"

/* Writes FROM with each control byte, each `%` and each byte of ALSO as %XX, and a NUL. TO has room
 * for 3 * from.len + 1 bytes. Other bytes, UTF-8 among them, stay as they are. Returns the length
 * without the NUL. */
size_t percent_encode(char *to, struct bytes from, const char *also);

/* Decodes LEN bytes of TEXT in place (the result is never longer) and adds no NUL; *len becomes the
 * new length. 0, or -EINVAL when a `%` is not followed by two hexadecimal digits. */
int percent_decode(char *text, size_t *len);

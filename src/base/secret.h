#pragma once

/*
 * A secret is a file that only its owner may read: a token, or the hub's list of them.
 */

#include "base/bytes.h"
#include "base/fault.h"

enum { SECRET_MAX = 1 << 20 };

/*
 * Appends what is in the file at PATH (or comes out of the pipe there) to *out, at most SECRET_MAX
 * bytes. 0; -EACCES when others may read it as well, with the chmod(1) that changes that; another
 * negative errno with a line in WHY, which has nothing of the file in it.
 */
int secret_read(const char *path, struct buffer *out, struct fault *why);

/* Frees the buffer, and leaves nothing of its bytes behind in memory. */
void secret_forget(struct buffer *b);

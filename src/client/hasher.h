#pragma once

/*
 * Hasher: the SHA-256 of a file beside its being written or sent, in a thread of its own.
 *
 * It reads the file behind whoever writes it, out of the page cache. That costs one copy in a
 * thread that has the time, and in return nobody's blocks have to be shared, bounded or kept; and a
 * file of which the beginning is there already is taken up like any other.
 *
 * What little is left at the end is hashed by hasher_finish() itself, so a small file wakes no
 * thread.
 *
 * All functions are for one thread.
 */

#include "base/sha256.h"

struct hasher;

/* NULL when memory is out. */
struct hasher *hasher_new(void);

/* Takes NULL, returns NULL. */
struct hasher *hasher_free(struct hasher *h);

/* Begins with the first byte of the file FD, which must stay open until hasher_finish() or
 * hasher_stop(). What was under way is stopped. */
void hasher_start(struct hasher *h, int fd);

/* The bytes before END are there. */
void hasher_extend(struct hasher *h, uint64_t end);

/* Waits until the first END bytes are hashed, but for a last stretch; how many are. END bytes must
 * be there. */
uint64_t hasher_reach(struct hasher *h, uint64_t end);

/* Waits, and gives the digest of the first END bytes. 0; -ENODATA when the file has no END bytes; a
 * negative errno of reading it. Nothing is under way afterwards. */
int hasher_finish(struct hasher *h, uint64_t end, uint8_t digest[SHA256_SIZE]);

/* Afterwards the file is not read any more. */
void hasher_stop(struct hasher *h);

#pragma once

/*
 * Hashing: the SHA-256 of a file that is being found out, one for all who want to know it
 *
 * Whoever wants it calls hashing_go_on() until it is known. A call reads the next stretch; who
 * calls at the same time waits for that, and reads the one behind it. So a file is read once,
 * however many have asked for it meanwhile, and goes on being read when one of them leaves.
 *
 * Any thread may call this.
 */

#include "base/list.h"
#include "base/sha256.h"

#include <pthread.h>
#include <sys/stat.h>

struct hashings {
	pthread_mutex_t lock;
	struct list list; /* that are under way */
};

void hashings_init(struct hashings *all);
void hashings_deinit(struct hashings *all);

struct hashing;

/* That of the file in the state ST; a new one if there is none, or if it is to be ALONE. NULL when
 * memory is out. */
struct hashing *hashing_join(struct hashings *all, const struct stat *st, bool alone);

/* Takes NULL, returns NULL. */
struct hashing *hashing_leave(struct hashing *h);

/* The outcomes. */
enum {
	HASHING_MORE = 1, /* call again */
	HASHING_CHANGED,  /* the file, while it was read: it has no digest for now */
};

/* Reads a bounded stretch of the file, which the caller has open as FD: some 50 ms unless the disk
 * holds it up. 0 and its digest, an outcome, or a negative errno. */
int hashing_go_on(struct hashing *h, int fd, uint8_t sha256[SHA256_SIZE]);

#pragma once

/*
 * Fingerprints: the SHA-256 of files, remembered
 *
 * A fingerprint belongs to a state of a file: its inode, size and time of change. It is kept with
 * the file, as the extended attribute `user.ferry.sha256`, where the file system and the file's
 * permissions allow that, and in memory else. What changes a file and leaves its size and time as
 * they were is not noticed; a file that was changed a moment ago is not remembered, because the
 * next change could have the same time.
 *
 * Any thread may call this.
 */

#include "base/sha256.h"

#include <pthread.h>
#include <sys/stat.h>

enum { FINGERPRINTS_KEPT = 1024 };

struct fingerprint {
	uint64_t device;
	uint64_t inode;
	uint64_t size;
	struct timespec time;
	uint8_t sha256[SHA256_SIZE];
};

struct fingerprints {
	pthread_mutex_t lock;
	struct fingerprint kept[FINGERPRINTS_KEPT]; /* by inode */
};

void fingerprints_init(struct fingerprints *f);
void fingerprints_deinit(struct fingerprints *f);

/* Whether that of the open file FD, whose state is ST, is known. */
bool fingerprint_find(
	struct fingerprints *f, int fd, const struct stat *st, uint8_t sha256[SHA256_SIZE]);

/* Remembers it; ST is the file's state before it was read or after it was written, and no one else
 * may have changed it since. */
void fingerprint_keep(
	struct fingerprints *f, int fd, const struct stat *st, const uint8_t sha256[SHA256_SIZE]);

/* Whether both are the same state of the same file. */
bool fingerprint_same_state(const struct stat *a, const struct stat *b);

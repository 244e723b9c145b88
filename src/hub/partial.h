#pragma once

/*
 * Partial: a file on its way in
 *
 * Its bytes are in a file of the catalogue's private directory, called by a random id, until all
 * are there, checked and on the disk; then a rename gives it its name. What is to be resumed has a
 * record beside it, `ID.record` (record.h), so it outlives the process that was killed: what is in
 * the file is what has been received. What has no record is removed by the next hub.
 *
 * Whoever has a partial in memory has its file locked (flock(2)), so that it is not removed as one
 * that nobody came back for.
 *
 * Everything but partial_charge waits for the disk. One thread may write and another one hash at
 * the same time; nothing else goes together.
 */

#include "hub/catalogue.h"
#include "hub/record.h"

#include <sys/uio.h>

enum {
	PARTIAL_ID_LEN = 32,	      /* hexadecimal digits */
	PARTIAL_AGE_S = 24 * 60 * 60, /* what has not been written to for so long is removed */
};

struct partial {
	struct catalogue *catalogue;
	int fd;
	bool lasting;	  /* it has a record */
	uint64_t size;	  /* written */
	uint64_t hashed;  /* of these */
	uint64_t charged; /* to the catalogue */
	struct sha256 *sha256;
	struct record record;
	char id[PARTIAL_ID_LEN + 1];
};

#define PARTIAL_NULL ((struct partial){.fd = -1})

/* The outcomes. */
enum {
	PARTIAL_MORE = 1, /* call again */
	PARTIAL_WRONG,	  /* the digest is not the one that was said */
	PARTIAL_UNSYNCED, /* CATALOGUE_UNSYNCED */
	PARTIAL_CHANGED,  /* what was copied has changed meanwhile */
};

/* Makes an empty one; `record` has been filled in. LASTING: to be resumed. 0 or a negative errno.
 */
int partial_create(struct partial *p, struct catalogue *c, bool lasting);

/* Opens the lasting one called ID. -ENOENT: there is none, or ID could not be one. */
int partial_open(struct partial *p, struct catalogue *c, struct bytes id);

/* Lets the file become SIZE bytes: 0; -EFBIG beyond the bound of a file, -EDQUOT beyond that of
 * all. For any thread. */
int partial_charge(struct partial *p, uint64_t size);

/* Writes behind what is there: all of it, or a negative errno; `size` says how far it came. */
int partial_write(struct partial *p, const struct iovec *iov, int count);

/* Hashes DATA, which stands at `hashed`. */
void partial_hash(struct partial *p, struct bytes data);

/* Hashes a stretch of what is written, up to AT. 0 when AT is reached; PARTIAL_MORE. */
int partial_hash_written(struct partial *p, uint64_t at);

/* Begins again to hash: when less was written than was hashed. */
void partial_forget_hash(struct partial *p);

/* Copies a stretch of the file FROM, whose state at the beginning was STATE: 0 when it is all there
 * and the file still in that state; PARTIAL_MORE; PARTIAL_CHANGED. */
int partial_copy(struct partial *p, int from, const struct stat *state);

/* All is written, and hashed, unless no digest was said: checks the digest, syncs, gives it its
 * name; *f is the file (without a descriptor, and `hashed` when it was). 0 or PARTIAL_UNSYNCED, and
 * it is closed; PARTIAL_WRONG, -ESTALE, or a negative errno of catalogue_take. */
int partial_commit(struct partial *p, struct file *f, bool *is_new);

/* Takes it out of memory; a lasting one stays on the disk. Safe on PARTIAL_NULL and twice. */
void partial_close(struct partial *p);

/* Removes it, and takes it out of memory. */
void partial_discard(struct partial *p);

/* Removes all that have no record and all that were not written to for PARTIAL_AGE_S, and charges
 * for those that stay: for the beginning. */
int partials_tidy(struct catalogue *c);

/* Removes those that have a record, were not written to for PARTIAL_AGE_S, and are in no memory. */
void partials_expire(struct catalogue *c);

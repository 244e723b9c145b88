#pragma once

/*
 * Catalogue: the files of one directory
 *
 * What is whole stands under its name. What is on its way in (partial.h) is in a private directory
 * below, `.ferry`, whose lock also says that the directory is taken: one hub at a time. A name is
 * given to a file by a rename, so it always stands for one whole file or for none.
 *
 * Every function may wait for the disk, but for those said not to: they are for worker threads, any
 * number of them at a time.
 */

#include "base/fault.h"
#include "base/file_name.h"
#include "hub/fingerprint.h"
#include "hub/hashing.h"

#include <sys/stat.h>

struct catalogue_options {
	const char *path;
	uint64_t max_file;  /* bytes of a file; 0: no bound */
	uint64_t max_total; /* bytes of all files, partial ones included; 0: no bound */
};

/* Uploads that can be resumed: in all, and of one holder (an identity or an address), so that none
 * takes the places of all the others. */
enum { CATALOGUE_UNFINISHED = 1024, CATALOGUE_UNFINISHED_EACH = 64, CATALOGUE_HOLDER_MAX = 64 };

struct holder {
	size_t len;
	uint8_t name[CATALOGUE_HOLDER_MAX];
};

struct catalogue {
	int folder;
	int private;
	uint64_t max_file;
	uint64_t max_total;
	pthread_mutex_t names; /* held while a name changes hands */
	pthread_mutex_t count; /* of what follows; never held while waiting for the disk */
	uint64_t used;	       /* bytes, as far as this process knows */
	size_t unfinished;     /* uploads on the disk that can be resumed, */
	struct holder holders[CATALOGUE_UNFINISHED]; /* and whose they are */
	struct fingerprints fingerprints;
	struct hashings hashings;
};

/* Opens the directory, counts what is there and removes what a hub that was killed has left behind.
 * NULL with a line in WHY; -EBUSY: another process has it. */
struct catalogue *catalogue_new(const struct catalogue_options *options, struct fault *why);

/* Takes NULL, returns NULL. */
struct catalogue *catalogue_free(struct catalogue *c);

/* ---- files ---- */

/* What a name stands for, as a request that was about it knows it. */
struct file_state {
	bool exists;
	struct stat st;
};

/* An open file. */
struct file {
	int fd;
	struct stat st;
	bool hashed;
	uint8_t sha256[SHA256_SIZE];
	struct hashing *computing; /* or NULL */
};

#define FILE_NULL ((struct file){.fd = -1})

/* The outcomes of file_hash. */
enum {
	FILE_MORE = HASHING_MORE,	/* call again */
	FILE_CHANGED = HASHING_CHANGED, /* while it was read: it has no digest for now */
};

/* 0 or a negative errno, as folder_open_file. */
int file_open(struct catalogue *c, struct bytes name, struct file *f);

/* Finds out the digest; computes it when it is not remembered, together with all others who want
 * it, over a bounded stretch of the file each call. 0 with `hashed`, an outcome, or a negative
 * errno. */
int file_hash(struct catalogue *c, struct file *f);

/* Brings the bytes from AT on, LEN at most, into the page cache. 0 or a negative errno. */
int file_warm(const struct file *f, uint64_t at, size_t len);

/* Whether these bytes are in the page cache; also false when the kernel does not tell (before 6.5).
 * Does not wait. */
bool file_is_warm(const struct file *f, uint64_t at, size_t len);

void file_close(struct file *f);

/* Removes NAME if it is in STATE still (NULL: any). 0; -ENOENT; -ESTALE: it is in another; or as
 * folder_stat. */
int catalogue_remove(struct catalogue *c, struct bytes name, const struct file_state *expected);

/* The outcome of catalogue_take: NAME is the file's, but the disk failed to keep that; another file
 * may have it, or none, after the power was lost. */
enum { CATALOGUE_UNSYNCED = 1 };

/* Gives NAME to the file PARTIAL of the private directory, which has been charged for. 0, and NAME
 * is on the disk, or CATALOGUE_UNSYNCED; *is_new says whether there was none before. Otherwise
 * PARTIAL is where it was. -ESTALE: NAME is not in the state EXPECTED (NULL: any). Else as
 * folder_stat and folder_make_directory, or what rename(2) gives. */
int catalogue_take(struct catalogue *c, const char *partial, struct bytes name,
	const struct file_state *expected, bool *is_new);

/* ---- the bound by size ---- */

/* Counts MORE bytes in. -EDQUOT when that would pass the bound. Does not wait for the disk. */
int catalogue_charge(struct catalogue *c, uint64_t more);
void catalogue_release(struct catalogue *c, uint64_t less);
uint64_t catalogue_used(struct catalogue *c);

/* The same of one upload that can be resumed: -EUSERS when there are too many, in all or of HOLDER,
 * whose name has up to CATALOGUE_HOLDER_MAX bytes. */
int catalogue_begin(struct catalogue *c, struct bytes holder);
void catalogue_end(struct catalogue *c, struct bytes holder);

#pragma once

/*
 * Landing: where a file that comes in stays until it is whole, hidden beside the name it will have
 *
 * `a/b.iso` lands in `a/.b.iso.part`; its entity tag (RFC 9110 section 8.8.3) stands in
 * `a/.b.iso.etag`, so that whoever comes next, even after this process was killed, can go on where
 * it stopped. A file has its name only by a rename, so nobody ever sees a part of one, and who
 * reads the old one is not disturbed.
 *
 * Everything is beneath a directory (base/folder.h): no `..`, no link leads out of it.
 */

#include "base/fault.h"
#include "wire/http_file.h"

#include <limits.h>

enum { LANDING_ETAG_MAX = 256 };

struct landing {
	int directory; /* in which the file will have its name */
	int fd;	       /* for reading and writing */
	uint64_t size; /* bytes that have landed */
	char etag[LANDING_ETAG_MAX +
		  1]; /* of the file they are of; empty: cannot be gone on with */
	char name[NAME_MAX + 1];
	char part[NAME_MAX + 1];
	char note[NAME_MAX + 1]; /* that holds the tag */
};

#define LANDING_NULL ((struct landing){.directory = -1, .fd = -1})

/* For the file PATH beneath ROOT; directories on the way are made. What landed earlier is there:
 * `size`, `etag`. 0, or a negative errno with a line: -EBUSY, another process is at it. */
int landing_open(struct landing *l, int root, const char *path, struct fault *why);

/* Drops what has landed. What comes now is of the file with the entity tag ETAG; empty when it is
 * not worth going on with, or has no strong one. 0 or a negative errno. */
int landing_restart(struct landing *l, struct bytes etag);

/* 0 or a negative errno. */
int landing_add(struct landing *l, struct bytes piece);

/* Adds some of what the open file FROM has behind what has landed, LEN bytes at most: a count, 0 at
 * its end, or a negative errno. */
ssize_t landing_copy(struct landing *l, int from, size_t len);

/* Gives the file its name. FACTS has the time and permissions it gets, where it says them. 0, and
 * file and name are on the disk, which it waits for; any thread may call it. Or a negative errno
 * with a line: it is to be closed still. */
int landing_finish(struct landing *l, const struct http_file *facts, struct fault *why);

/* Closes it; what has landed stays for the next time, if it can be gone on with. Safe on
 * LANDING_NULL and twice. */
void landing_close(struct landing *l);

/* Closes it and drops what has landed. */
void landing_drop(struct landing *l);

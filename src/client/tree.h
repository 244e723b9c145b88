#pragma once

/*
 * Tree: the regular files below a directory, as what is to be sent
 *
 * No symbolic link is followed and no hidden name entered: the first could lead anywhere, the
 * second is no name at a hub (docs/files.md). What is left out is told.
 */

#include "base/fault.h"

#include <stddef.h>
#include <stdint.h>

struct tree_file {
	char *path; /* from the directory on */
	uint64_t size;
};

struct tree {
	struct tree_file *files; /* in the order of their paths */
	size_t count;
	size_t room;
	/* PATH is left out, REASON says why; may be NULL. */
	void (*skipped)(void *data, const char *path, const char *reason);
	void *data;
};

/* Reads the directory open as ROOT; `skipped` and `data` are set, the rest is zero. 0, or a
 * negative errno with a line. Waits for the disk. */
int tree_read(struct tree *t, int root, struct fault *why);

/* Safe on zeroed memory and twice. */
void tree_deinit(struct tree *t);

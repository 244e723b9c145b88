#pragma once

/*
 * Walk: all files below a directory, one after the other, in no order
 *
 * One directory is open at a time; of the others only the names are kept, so the memory is that of
 * the directories' names. Files whose names file_name.h refuses, links and special files are passed
 * over.
 */

#include "base/bytes.h"
#include "base/list.h"

#include <dirent.h>
#include <sys/stat.h>

struct walk {
	int folder; /* the caller's */
	struct list waiting;
	struct walk_directory *now;
	DIR *dir;
	char name[1025]; /* of the file at hand */
};

#define WALK_NULL ((struct walk){.folder = -1})

enum { WALK_END = 1 };

/* Below the directory NAME, which may be empty, and may be missing. 0 or a negative errno. */
int walk_init(struct walk *w, int folder, struct bytes name);

/* The next file: 0 with *name, valid until the next call, and *st; WALK_END; or a negative errno.
 * May wait for the disk. */
int walk_next(struct walk *w, struct bytes *name, struct stat *st);

/* Safe on WALK_NULL and twice. */
void walk_deinit(struct walk *w);

#pragma once

/*
 * Notes of uploads that are under way, so that another process can go on with them after this one
 * was killed: one small file each, in the `uploads` of the state directory. What makes two uploads
 * the same is the address, the name, and the state of the local file: its inode, size and time.
 */

#include "net/address.h"

#include <sys/stat.h>

enum { UPLOAD_NOTE_MAX = 1024 };

struct upload_note {
	char *path; /* NULL: there is no place for notes */
};

#define UPLOAD_NOTE_NULL ((struct upload_note){0})

/* The note of the upload of a file in state ST to NAME at A. That there is no place for it is no
 * error: nothing will be remembered. 0 or -ENOMEM. */
int upload_note_init(
	struct upload_note *n, const struct address *a, const char *name, const struct stat *st);
void upload_note_deinit(struct upload_note *n);

/* The location that was noted, with a NUL; false when there is none. */
bool upload_note_read(const struct upload_note *n, char location[UPLOAD_NOTE_MAX]);

/* Best effort: what cannot be noted will be sent from its beginning. */
void upload_note_write(const struct upload_note *n, const char *location);
void upload_note_remove(const struct upload_note *n);

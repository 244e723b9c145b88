#pragma once

/*
 * Folder: what is below one directory, and never what is outside of it
 *
 * Every path is resolved by openat2(2) beneath the directory, and no symbolic link is followed,
 * whoever planted it and whenever. Names are as file_name.h has them. Everything here may wait for
 * the disk, and any thread may call it.
 *
 * Errors are openat2's. Of them -ELOOP says that a symbolic link is in the way, and -EPERM is
 * also what a name gets that is no regular file.
 */

#include "base/bytes.h"

#include <sys/stat.h>

/* Opens the regular file NAME for reading; *st is its state. A descriptor or a negative errno.
 * -EISDIR for a directory. A device or a FIFO is not even opened. */
int folder_open_file(int folder, struct bytes name, struct stat *st);

/* Opens the directory NAME, or the folder itself when NAME is empty. */
int folder_open_directory(int folder, struct bytes name);

/* The same, and makes what is missing on the way. What was made is on the disk. */
int folder_make_directory(int folder, struct bytes name);

/* Removes the directory NAME and those above it as long as they are empty. */
void folder_prune(int folder, struct bytes name);

/* The state of LEAF in the directory DIRECTORY: 0; -ENOENT; -EISDIR; -ELOOP and -EPERM as above. */
int folder_stat(int directory, struct bytes leaf, struct stat *st);

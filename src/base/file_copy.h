#pragma once

/*
 * Copying between two open files, in the way that the file systems can do best. Both wait for the
 * disk; any thread may call them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Makes TO, which is empty, share all of FROM's blocks (FICLONE, ioctl_ficlonerange(2)); false
 * where the file system cannot do that. */
bool file_share(int from, int to);

/* Copies some of the LEN bytes at AT to the same place of TO: copy_file_range(2), or by hand where
 * the kernel does not take the two. A count; 0 at the end of FROM; or a negative errno. */
ssize_t file_copy(int from, int to, uint64_t at, size_t len);

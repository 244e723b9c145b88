#pragma once

/*
 * Names of files: a path below the hub's directory, segments with `/` between them.
 *
 * Nothing that a name may hold means anything to the file system but what it says: no segment is
 * empty or begins with a dot, so there is no `..`, and what begins with a dot stays the hub's own.
 */

#include "base/bytes.h"

enum { FILE_NAME_MAX_LEN = 1024, FILE_SEGMENT_MAX_LEN = 255 };

/* Whether NAME is the name of a file. That it is UTF-8 is its giver's to see to. */
bool file_name_valid(struct bytes name);

/* The part of NAME before its last `/`, empty when there is none, and what is behind it. */
struct bytes file_name_parent(struct bytes name);
struct bytes file_name_leaf(struct bytes name);

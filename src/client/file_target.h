#pragma once

/*
 * Where a file of a hub is: the target of a request for it.
 */

#include "base/bytes.h"

/* Makes TARGET "/files/NAME", NAME escaped but for the `/` in it. 0 or -ENOMEM. */
int file_target(struct buffer *target, const char *name);

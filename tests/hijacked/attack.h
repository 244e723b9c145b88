#pragma once

/*
 * What somebody tries who has taken a hub over: system calls that a hub has no use for.
 */

#include "base/bytes.h"

/* Tries WHAT, "open /etc/shadow" or another line of the table. 0 when the system let it happen
 * (what was made is undone), a negative errno when not; -ENOTSUP when it is not in the table. */
int attack_try(struct bytes what);

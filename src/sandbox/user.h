#pragma once

/*
 * Becoming another user for good: groups, group, user, in that order, since root is needed for
 * each.
 */

#include "base/fault.h"

/* NAME is a user's name or number. Nothing changes for who is that user already. -EPERM for anyone
 * else but root, -ENOENT when there is no such user. */
int user_become(const char *name, struct fault *why);

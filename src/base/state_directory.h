#pragma once

/*
 * Where ferry keeps what it has to remember between runs (its own key, the keys of others): by the
 * XDG Base Directory Specification, $XDG_STATE_HOME/ferry, which is ~/.local/state/ferry unless set
 * otherwise. Only its owner may look into it.
 */

#include "base/fault.h"

/* The directory's path in *path, on the heap: GIVEN if that is not NULL, else as above. Nothing is
 * made. 0, or a negative errno with a line: -EINVAL when
 * there is no home either. */
int state_directory_find(const char *given, char **path, struct fault *why);

/* Makes PATH, and the directories above it that are missing, with mode 0700. What is there stays as
 * it is. 0, or a negative errno with a line. */
int state_directory_make(const char *path, struct fault *why);

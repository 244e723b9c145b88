#pragma once

/*
 * The system calls that a hub, once it listens, has a use for; all others are refused, for all its
 * threads (seccomp(2)).
 *
 * The list is of what may be called, not of what may not, so that what a future kernel adds is shut
 * off as well. Where a call can be both harmless and not, its arguments decide: a thread may be
 * made, a process may not; memory may be mapped, but not to be run; a terminal may be asked for its
 * size, but not be typed into; bytes may be sent on a connection, but not to an address.
 *
 * A file may be opened, as far as this list goes: which one is a matter of Landlock.
 */

#include <stdbool.h>

struct filter_options {
	bool kills;    /* a call outside the list ends the process (SIGSYS) in place of EPERM */
	bool connects; /* may look names up and connect */
};

enum { FILTER_MISSING = 1 };

/* 0; FILTER_MISSING when the system has no such filters; or a negative errno. It cannot be taken
 * back. */
int filter_load(const struct filter_options *options);

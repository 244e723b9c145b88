#pragma once

/*
 * Landlock (landlock(7)): from enforcing on, the thread and all that it starts reach only those
 * files that a rule names, and no TCP port but those. A right counts below a directory, however
 * deep; what is open already stays open. No privilege is needed and nothing gives the rest back.
 *
 * glibc has no wrappers, and the kernel says which version it speaks (its ABI): rules on ports came
 * with 4, the shutting off of signals and abstract Unix sockets with 6. Older ones than 2 (Linux
 * 5.19) count as none, for they forbid every rename from one directory into another.
 */

#include <stdbool.h>
#include <stdint.h>

enum landlock_right {
	LANDLOCK_READ,	 /* files and directories */
	LANDLOCK_KEEP,	 /* read, write, make and remove files and directories */
	LANDLOCK_REMOVE, /* remove files, nothing else */
	LANDLOCK_RUN,	 /* read, and run programs */
};

struct landlock {
	int fd;	 /* the rules; -1 without Landlock */
	int abi; /* 0 without */
};

#define LANDLOCK_NULL ((struct landlock){.fd = -1})

/* Asks the kernel and begins a list of rules: nothing is allowed yet, but with ABSTRACT the Unix
 * sockets of others that have a name and no file. 0, also without Landlock: then the rest does
 * nothing, with success. */
int landlock_init(struct landlock *l, bool abstract);
void landlock_deinit(struct landlock *l);

/* A PATH that is not there, or out of the user's reach, needs no rule: 0. Of a file the rights to
 * make and remove do not count. */
int landlock_allow(struct landlock *l, const char *path, enum landlock_right right);

/* TCP connections to PORT. */
int landlock_allow_connect(struct landlock *l, uint16_t port);

/* Needs PR_SET_NO_NEW_PRIVS. Threads that run already are not confined. */
int landlock_enforce(struct landlock *l);

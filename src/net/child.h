#pragma once

/*
 * A child process on one end of an unnamed AF_UNIX socket pair: its standard input and output are
 * the socket, its standard error ours. The command is run by `sh -c`.
 *
 * Its end of the conversation is the socket's: when it exits the socket ends, and when we close
 * ours it reads the end of its input. Nobody has to wait for it; EXITED tells how it went.
 */

#include "base/fault.h"
#include "net/loop.h"

struct child;

/* Puts our end, non-blocking and the caller's, into *fd. 0 or a negative errno. A command that does
 * not exist is no failure here: the shell says so and exits 127. */
int child_start(
	struct child **out, struct loop *l, const char *command, int *fd, struct fault *why);

/* A program with pipes instead of a socket pair, so that it can open /dev/stdin too, in a process
 * group of its own, which child_signal() then reaches as a whole. ARGS end with NULL, the first is
 * looked up in PATH; ENVIRONMENT ends with NULL. Our ends, non-blocking and the caller's, are put
 * into *from, its output, and *to, its input. 0 or a negative errno, -ENOENT when there is no such
 * program. */
int child_start_piped(struct child **out, struct loop *l, char **args, char **environment,
	int *from, int *to, struct fault *why);

/* Has EXITED called once, in a later turn or at the end of this one, also when the child has exited
 * already: with the exit code, or 128 + the signal that ended it, as a shell has it. EXITED may
 * free the child. NULL undoes it. */
void child_set_exited(
	struct child *c, void (*exited)(void *arg, struct child *c, int code), void *arg);

int child_pid(const struct child *c);

/* Sends it a signal; one that has exited already gets none. */
void child_signal(struct child *c, int signal);

/* Forgets it; it runs on until it is done. To be called before the loop ends. Takes NULL; returns
 * NULL. */
struct child *child_free(struct child *c);

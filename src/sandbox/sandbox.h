#pragma once

/*
 * Sandbox: a process gives up what it needs no more, so that whoever takes it over through a bug
 * gets little: no file but those that were named, no program, no connection, no privilege.
 *
 * Three layers, each as far as the kernel has it: no new privileges (prctl(2)), Landlock for files
 * and ports, a seccomp filter for system calls. The first two hold for this thread and those that
 * it starts: enter before the first thread.
 *
 * In a build with sanitizers or coverage the layers leave room for what those do at the end.
 */

#include "base/fault.h"
#include "sandbox/filter.h"
#include "sandbox/landlock.h"

enum { SANDBOX_TEXT_SIZE = 48 };

struct sandbox {
	struct landlock landlock;
	struct filter_options filter;
	char text[SANDBOX_TEXT_SIZE]; /* what is in force, "landlock 6, seccomp" or "none" */
	bool is_whole;		      /* all layers are in force */
};

/* Begins with nothing allowed, but with ABSTRACT the Unix sockets of others that have a name and no
 * file. 0 or a negative errno with a line in WHY. */
int sandbox_init(struct sandbox *s, bool abstract, struct fault *why);
void sandbox_deinit(struct sandbox *s);

/* PATH and, for a directory, all below it. */
int sandbox_allow(
	struct sandbox *s, const char *path, enum landlock_right right, struct fault *why);

/* The directory that PATH is in and, when PATH is a link, the one of what it leads to: for a file
 * that is replaced, or that has others beside it. */
int sandbox_allow_around(
	struct sandbox *s, const char *path, enum landlock_right right, struct fault *why);

/* TCP connections to PORT; `filter.connects` is for the system calls. */
int sandbox_allow_connect(struct sandbox *s, uint16_t port, struct fault *why);

/* From now on. `text` says what is in force; a layer that the kernel lacks is left out of it. */
int sandbox_enter(struct sandbox *s, struct fault *why);

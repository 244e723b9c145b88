#pragma once

/*
 * What systemd and programs like it hand over: listening sockets (sd_listen_fds(3)) and a place to
 * tell how we are (sd_notify(3)). Both are a few environment variables; no library is needed.
 */

#include "base/fault.h"

/* The descriptors passed to this process are FIRST to FIRST + count - 1. */
enum { ACTIVATION_FIRST = 3 };

/* How many, 0 when they were not meant for this process (LISTEN_PID). */
int activation_count(void);

/* The name given to descriptor ACTIVATION_FIRST + INDEX ("unknown" when it has none): *len bytes
 * of the environment. */
const char *activation_name(int index, int *len);

/* Makes all of them close-on-exec and takes them out of the environment, so that no child mistakes
 * them for its own. To be called once all `systemd:` addresses were opened; descriptors that none
 * of them took stay open. */
void activation_forget(void);

/* A socket to the supervisor, the caller's, which serves for as long as the process lives: who
 * confines itself opens it before. -ENOENT when there is none, or another negative errno. */
int activation_supervisor(void);

/* Sends STATE ("READY=1", "STOPPING=1", several split by line ends). 0, also when SUPERVISOR is
 * negative, or a negative errno. */
int activation_notify(int supervisor, const char *state);

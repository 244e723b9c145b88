#pragma once

/*
 * Standard input and output as streams want them: non-blocking, and without changing the open file
 * that the shell and other processes share (O_NONBLOCK belongs to the open file, not to us).
 */

/* A new descriptor for FD (0 or 1) that the caller owns, or a negative errno. Pipes and terminals
 * are opened anew through /proc; files and sockets, which need no O_NONBLOCK, are duplicated. */
int standard_open(int fd);

#pragma once

/*
 * The file of a listening Unix socket.
 *
 * bind(2) makes it and nobody ever removes it, so a path may hold a socket that no process listens
 * on any more. Such a stale one is told from a live one by a connect(2) that the live one does not
 * notice, and is replaced. So that two processes that start at once do not replace each other's,
 * the directory is locked (flock(2)) meanwhile, which leaves nothing behind. One that may not be
 * read cannot be locked, and is used all the same.
 *
 * The file is made with no more rights than its mode has (the mode of the socket's own inode limits
 * that of the file), whatever the umask is.
 */

#include "net/endpoint.h"

enum { SOCKET_FILE_MODE = 0600 };

struct socket_file {
	char *path; /* NULL when there is none to remove */
	dev_t device;
	ino_t inode;
};

#define SOCKET_FILE_NULL ((struct socket_file){0})

/* Binds FD to the path of E and listens when its type does. MODE is -1 for the default.
 * -EADDRINUSE when someone listens there, -EEXIST when the file is no socket; other negative
 * errnos as bind(2) has them. Blocks for up to a second when others start in the directory. */
int socket_file_bind(
	struct socket_file *f, int fd, const struct endpoint *e, int mode, int backlog);

/* Removes the file, unless it is another's by now. Before the socket is closed: after that it would
 * look stale. Safe on SOCKET_FILE_NULL and twice. */
void socket_file_deinit(struct socket_file *f);

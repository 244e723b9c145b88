#pragma once

/*
 * Open files along with bytes: SCM_RIGHTS over Unix stream sockets (unix(7))
 *
 * A file travels with the first byte that is written after it was given, and is there when that
 * byte is received. One that comes is kept until it is taken or the next one comes, so a peer that
 * sends many holds one descriptor at most.
 *
 * Closing one may take as long as the peer likes: a file of its own file system is flushed
 * (fuse(4)), a socket lingers (socket(7)). Who cannot wait has a dropper.
 */

#include "net/stream.h"

/* Closes descriptors that came, in place of close(2). */
struct stream_dropper {
	void (*drop)(struct stream_dropper *d, int fd); /* takes it over; does not wait */
	/* Too many are still to be closed: the kernel is to drop those that come, unseen. */
	bool full;
};

/* From here on S passes files. DROPPER, or NULL for close(2), must outlive the stream. 0;
 * -EOPNOTSUPP: it is no such stream; -ENOMEM. */
int stream_pass_files(struct stream *s, struct stream_dropper *dropper);

/* The file that came last, the caller's from now on; -1: none has. */
int stream_take_file(struct stream *s);

/* Nobody wants the file that came last, if one has. */
void stream_drop_file(struct stream *s);

/* Sends FD, which is taken over, with the first byte that is written next. 0; -EAGAIN: something is
 * still to be written; -EOPNOTSUPP: S passes no files. FD is the caller's then. */
int stream_give_file(struct stream *s, int fd);

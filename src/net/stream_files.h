#pragma once

/*
 * Open files along with bytes: SCM_RIGHTS over Unix stream sockets (unix(7))
 *
 * A file travels with the first byte that is written after it was given, and is there when that
 * byte is received. One that comes is kept until it is taken or the next one comes, so a peer that
 * sends many holds one descriptor at most; what does not fit into that is closed by the kernel.
 */

#include "net/stream.h"

/* From here on S passes files. 0; -EOPNOTSUPP: it is no such stream; -ENOMEM. */
int stream_pass_files(struct stream *s);

/* The file that came last, the caller's from now on; -1: none has. */
int stream_take_file(struct stream *s);

/* Nobody wants the file that came last, if one has. */
void stream_drop_file(struct stream *s);

/* Sends FD, which is taken over, with the first byte that is written next. 0; -EAGAIN: something is
 * still to be written; -EOPNOTSUPP: S passes no files. FD is the caller's then. */
int stream_give_file(struct stream *s, int fd);

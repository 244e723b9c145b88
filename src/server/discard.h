#pragma once

/*
 * Discard: descriptors that clients have handed over, on their way to being closed
 *
 * How long that takes is for those clients to say (net/stream_files.h), so a job does it. There is
 * one at a time: descriptors that never close hold up one worker thread, and others behind them.
 * While DISCARD_MAX wait, no stream takes any in.
 */

#include "net/job.h"
#include "net/stream_files.h"

enum { DISCARD_MAX = 64 };

struct files;

struct discard {
	struct stream_dropper dropper;
	struct files *files; /* which counts the job */
	struct job job;
	struct buffer waiting; /* of int */
	struct buffer closing; /* the job's */
};

void discard_init(struct discard *d, struct files *f);

/* When no job runs. */
void discard_deinit(struct discard *d);

/* Takes FD over; -1 is none. */
void discard_add(struct discard *d, int fd);

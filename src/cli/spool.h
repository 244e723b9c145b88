#pragma once

/*
 * Spool: standard input as a file that grows, so that it can be sent, hashed and sent once more
 * after a break like any other.
 *
 * It is a window in memory (memfd_create(2)) on the end of what came: what has been sent and hashed
 * goes, but for the last SPOOL_BACK bytes, and no more than SPOOL_AHEAD are read ahead.
 */

#include "net/stream.h"

enum { SPOOL_BACK = 16 * 1024 * 1024, SPOOL_AHEAD = 16 * 1024 * 1024 };

struct spool {
	struct stream stream;
	int fd;		/* the file; an offset in it is one in the input */
	uint64_t start; /* what is before is gone */
	uint64_t end;
	bool complete; /* the input has ended */
	/* There is more, or the end. ERROR is a negative errno when no more can be read. */
	void (*grown)(void *data, int error);
	void *data;
};

#define SPOOL_NULL ((struct spool){.stream = STREAM_NULL, .fd = -1})

/* 0 or a negative errno. */
int spool_open(struct spool *s, struct loop *l, void (*grown)(void *data, int error), void *data);

/* What is before DONE is wanted only to be sent again. */
void spool_release(struct spool *s, uint64_t done);

/* Safe on SPOOL_NULL and twice. */
void spool_close(struct spool *s);

#pragma once

/*
 * Learner: finds out the digests of files that came without one
 *
 * One file at a time, a stretch of it a job, so it keeps at most one thread from those who wait for
 * something; and by name, so it owes nobody a descriptor. A name for which there is no room, and
 * what is left when the hub ends, is learnt when someone asks for it, like that of a file which
 * somebody else has put there.
 */

#include "hub/catalogue.h"
#include "net/job.h"

enum { LEARNER_MAX = 64 * 1024 }; /* bytes of names */

struct files;

struct learner {
	struct files *files; /* which counts the job */
	struct job job;
	struct buffer names; /* each a text; the first one is at hand */
	struct file file;    /* of that name */
	int result;	     /* of the job */
	bool stopped;
	char name[FILE_NAME_MAX_LEN + 1]; /* the job's */
};

void learner_init(struct learner *l, struct files *f);

/* When no job runs. */
void learner_deinit(struct learner *l);

/* NAME has a file. */
void learner_add(struct learner *l, struct bytes name);

/* No further job begins. */
void learner_stop(struct learner *l);

#pragma once

/*
 * Job: something that may wait, done by one of the loop's worker threads (uv_queue_work)
 *
 * It lies inside what it works on. Between job_start() and `done` that must neither move nor be
 * freed, and belongs to `run`, but for what its owner knows that `run` leaves alone.
 */

#include "net/loop.h"

struct job {
	uv_work_t work;
	bool busy;
	void (*run)(struct job *j);  /* on a worker thread */
	void (*done)(struct job *j); /* on the loop's thread; may start it again */
};

#define JOB_NULL ((struct job){.busy = false})

/* J must not be busy. */
void job_start(
	struct loop *l, struct job *j, void (*run)(struct job *j), void (*done)(struct job *j));

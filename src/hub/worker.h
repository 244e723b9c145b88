#pragma once

/*
 * Worker: a thread that works off jobs, in order
 *
 * Jobs are list nodes inside what is to be done. Whoever gives a job leaves it alone until he has
 * collected it. Signals are blocked on the thread.
 */

#include <pthread.h>
#include <stdbool.h>

#include "base/list.h"

struct worker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct list todo;
	struct list done;
	bool stopping;
	bool at_once;
	/* On the thread: does all of JOBS, one at least, and leaves them on the list. */
	void (*work)(struct worker *w, struct list *jobs);
	/* On the thread: something is there to be collected. */
	void (*wake)(void *data);
	void *data;
};

/*
 * Fill in work, wake, data and at_once: whether `work` gets everything that has come in while it
 * last ran, or one job at a time. 0 or negative errno.
 */
int worker_start(struct worker *w);

void worker_give(struct worker *w, struct list *job);

/* Moves what is done to the end of JOBS. */
void worker_collect(struct worker *w, struct list *jobs);

/* On the thread: someone waits in worker_stop, so it makes no sense to wait for something. */
bool worker_is_stopping(struct worker *w);

/* Waits until everything given is done and the thread has ended; it can still be collected. */
void worker_stop(struct worker *w);

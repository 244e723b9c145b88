#pragma once

/*
 * What stands behind the opaque types of ferry.h.
 *
 * A context is a loop with one timer of its own, for calls that wait, and a descriptor for other
 * event loops: an epoll set of libuv's own descriptor and a timer descriptor, which is set to when
 * the loop has something to do by itself.
 */

#include "base/fault.h"
#include "ferry.h"
#include "net/loop.h"

/* What a program has open in a context, and the context closes with itself. */
struct context_part {
	struct list node;
	void (*end)(struct context_part *p); /* takes it out */
};

struct ferry {
	struct loop loop;
	struct fault why;
	uv_timer_t timer;
	struct list parts;
	struct trust *trust;					      /* NULL until one is needed */
	int (*met)(void *data, const char *address, const char *pin); /* of ferry_trust() */
	void *met_data;
	struct list rested; /* those who have asked, and may again */
	size_t rested_count;
	struct buffer reply_body; /* what ferry_ask() gave last */
	char *reply_type;
	int fd;	      /* for other loops; -1 as long as nobody asked */
	int alarm_fd; /* the timer descriptor in it */
	bool turning; /* within a callback */
	bool expired; /* the timer has rung */
};

/* Notes WHY as the last failure; returns its error. */
int context_failed(struct ferry *f, const struct fault *why);

/* Something was asked for from outside: the loop wants a turn. */
void context_touch(struct ferry *f);

/* From here to context_end() callbacks may come: what waits is refused. `expired` is set after
 * TIMEOUT_MS, unless that is negative. 0 or -EDEADLK. */
int context_begin(struct ferry *f, int timeout_ms);
void context_end(struct ferry *f);

/* Turns the loop until DONE says so. 0, -ETIMEDOUT or -EDEADLK. */
int context_wait(struct ferry *f, bool (*done)(const void *arg), const void *arg, int timeout_ms);

/* Has the context have one, if only that of somebody who has said nothing. 0 or a negative errno.
 */
int context_make_trust(struct ferry *f);

/* P is part of the context until it is taken out, or END is called when the context goes. */
void context_add(struct ferry *f, struct context_part *p, void (*end)(struct context_part *p));
void context_remove(struct context_part *p);

/* Of a struct of options: a program built with another version has fewer members than our OURS
 * bytes, or more. */
static inline size_t context_known(size_t size, size_t ours)
{
	return size < ours ? size : ours;
}

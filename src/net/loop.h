#pragma once

/*
 * The loop
 *
 * The sockets are ours: one epoll set, edge-triggered, in which the loop sleeps. A socket is
 * registered once and never again, whatever is wanted from it later. libuv runs timers, signals,
 * children and worker threads: its own descriptor is one of the set's, and it gets
 * its turn when that is ready or a timer is due. So a turn that brings nothing but traffic costs
 * one epoll_wait(2) beside the reads and writes.
 *
 * Edge-triggered means: readiness is told once. Whoever stops before the kernel says EAGAIN asks
 * for another call with source_again(), which is made in the next turn, after everyone else had
 * theirs. Thus a busy connection cannot starve the others.
 *
 * A turn is one round of the loop. What is worth doing once for everything that came in (writing
 * to subscribers, committing a batch, freeing what was closed) is an `ending`: it is asked for any
 * number of times and runs once, when the turn ends.
 *
 * One thread a loop; no function here may be called from another thread.
 */

#include "base/bytes.h"
#include "base/list.h"

#include <uv.h>

enum { LOOP_SCRATCH_SIZE = 1024 * 1024, LOOP_BATCH = 256 };

struct epoll_event;

/* A descriptor with readiness. */
struct source {
	struct list node; /* on loop.ready, or alone */
	int fd;		  /* -1 when not added; the source does not own it */
	uint32_t pending; /* the events of the call that was asked for */
	/* EVENTS are epoll's: EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR. The source may be
	 * removed, and its memory freed, from within. */
	void (*ready)(struct source *s, uint32_t events);
};

struct loop {
	uv_loop_t uv;
	uv_prepare_t alive;   /* libuv's loop is never without a handle */
	struct source others; /* libuv's descriptor */
	int epoll;
	struct list ready;	   /* sources that asked for another call */
	struct list endings;	   /* endings asked for in this turn */
	struct list lookups;	   /* names that are being looked up (net/lookup.h) */
	struct epoll_event *batch; /* what epoll gave, while it is handed out */
	size_t batch_len;
	uint8_t *scratch; /* LOOP_SCRATCH_SIZE bytes, free for use within one callback */
	bool uv_is_ready;
	bool stopped;
	bool busy_poll;
	uint64_t busy_until_ns; /* looking for more pays until then */
	uint64_t traffic_ns;	/* when there was some last */
	uint64_t gap_ns;	/* between two times, on average */
};

/* 0 or a negative errno. The loop must not move in memory afterwards. */
int loop_init(struct loop *l);

/* Everything added to the loop must have been removed before; open libuv handles are closed and
 * waited for. */
void loop_deinit(struct loop *l);

/* Runs until loop_stop(). */
void loop_run(struct loop *l);

/* One round: handles what is ready; waits for something first when WAIT. */
void loop_turn(struct loop *l, bool wait);

void loop_stop(struct loop *l);

/* For who waits elsewhere, for `epoll` to be readable: how many milliseconds at most until a turn
 * has something to do; -1 for no bound. */
int loop_timeout(const struct loop *l);

/* Milliseconds of the monotonic clock, as of the start of this turn. */
uint64_t loop_now(const struct loop *l);

/* Whether the loop looks for more traffic before it sleeps: for about as long as the gaps between
 * the last were, 50 µs to 2 ms. Off by default: it trades CPU for latency. */
void loop_set_busy_poll(struct loop *l, bool on);

/* ---- sources: descriptors with readiness ---- */

#define SOURCE_NULL ((struct source){.fd = -1})

/* 0 or a negative errno. A regular file, which epoll does not take, is always ready: it is called
 * in the next turn, and then as often as source_again() asks. */
int source_add(
	struct loop *l, struct source *s, int fd, void (*ready)(struct source *s, uint32_t events));

/* Must come before the descriptor is closed. Safe on SOURCE_NULL and twice. */
void source_remove(struct loop *l, struct source *s);

/* Asks for one more call with EVENTS in the next turn. A source without a descriptor may ask too,
 * for work that is to be spread over turns; it must not be waiting for a call when it is freed:
 * list_unlink() its node. */
void source_again(struct loop *l, struct source *s, uint32_t events);

/* ---- endings: once at the end of a turn ---- */

struct ending {
	struct list node;
	void (*run)(struct ending *e);
};

void ending_init(struct ending *e, void (*run)(struct ending *e));
void ending_ask(struct loop *l, struct ending *e);
void ending_cancel(struct ending *e);

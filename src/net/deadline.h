#pragma once

/*
 * Deadlines: many waits of one length, one timer.
 *
 * All members wait for the same time, so the list is always in order: setting, moving and clearing
 * cost a few pointers, and a connection owes 24 bytes for a time-out. Resolution is a millisecond.
 * Of those that are over at the same time eight are told of in a turn, so that many, who may all
 * have come at once, hold up nobody else. Same thread rule as the loop's.
 */

#include "net/loop.h"

struct deadline {
	struct list node;
	uint64_t at_ms;
};

struct deadlines {
	struct loop *loop;
	uint64_t span_ms; /* 0: never */
	struct list waiting;
	uv_timer_t *timer;
	struct source rest; /* more are over, for the next turn */
	void (*expired)(struct deadlines *d, struct deadline *which);
};

enum { DEADLINES_A_TURN = 8 };

/* 0 or -ENOMEM. EXPIRED may set, clear or free the member it is told of. */
int deadlines_init(struct deadlines *d, struct loop *l, uint64_t span_ms,
	void (*expired)(struct deadlines *d, struct deadline *which));
void deadlines_deinit(struct deadlines *d);

void deadline_init(struct deadline *which);
/* Starts the wait, or starts it again. */
void deadline_set(struct deadlines *d, struct deadline *which);
void deadline_clear(struct deadline *which);
bool deadline_is_set(const struct deadline *which);

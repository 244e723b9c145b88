#pragma once

/*
 * Pending: what a store that takes its time has been given and has not settled, and when that is
 * too much. The store is full beyond MAX bytes, until half of them are settled; a publish that
 * comes all the same is refused beyond twice MAX.
 */

#include "hub/store.h"

/* 0, or -EAGAIN for a publish of COST bytes: `full` was not heeded. */
int pending_check(const struct store *s, size_t cost, size_t max);

/* A publish of COST bytes has been taken. */
void pending_add(struct store *s, struct ticket *ticket, size_t cost, size_t max);

/* After settling: tells the listener when the store is full no more. */
void pending_look(struct store *s, size_t max);

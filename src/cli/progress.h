#pragma once

/*
 * Progress: one line on a terminal that says how far a transfer is, how fast it goes and how long
 * it will take; nothing anywhere else, and nothing with --quiet.
 */

#include "net/loop.h"

struct progress_state {
	const char *name; /* of what is under way */
	uint64_t done;	  /* bytes */
	uint64_t total;	  /* 0: not known */
	uint64_t file;	  /* files that are there */
	uint64_t files;	  /* of so many */
};

struct progress {
	bool shown; /* there is a terminal to show it on */
	uv_timer_t timer;
	void (*measure)(void *data, struct progress_state *state);
	void *data;
	uint64_t began_ms;
	uint64_t last_ms;
	uint64_t last_done;
	uint64_t brought; /* bytes since it began */
	double rate;	  /* bytes a second, of late */
};

/* MEASURE says how far it is, whenever asked. */
void progress_init(struct progress *p, struct loop *l,
	void (*measure)(void *data, struct progress_state *state), void *data);

/* Wipes the line, for something else to be printed there; it comes back. */
void progress_clear(const struct progress *p);

/* The line is wiped and does not come back; in its place stands what was done: WHAT is "sent" or
 * "fetched". */
void progress_end(struct progress *p, const char *what);

/* The line, at most COLUMNS wide, with a NUL; RATE in bytes a second. For tests. */
void progress_format(
	char *text, size_t size, unsigned columns, const struct progress_state *state, double rate);

/* "1.5 GiB": at most 11 bytes and a NUL. */
enum { PROGRESS_SIZE_TEXT = 16 };
void progress_format_size(char text[PROGRESS_SIZE_TEXT], uint64_t bytes);

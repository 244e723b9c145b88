#pragma once

/*
 * Standard input as lines: from a pipe, a file, or a terminal that edits lines itself.
 *
 * A rest without line end is the last line; empty lines are left out, as they are on the plain
 * wire. A line longer than INPUT_LINE_MAX comes in pieces.
 */

#include "net/stream.h"
#include "wire/plain.h"

enum { INPUT_LINE_MAX = 1024 * 1024 };

struct input_handler {
	/* Asked before each line: whether it can be taken now. After false comes input_resume(). */
	bool (*wants)(void *data);
	void (*line)(void *data, struct bytes line);
	/* ERROR 0: the end. Negative errno: no more can be read. */
	void (*ended)(void *data, int error);
};

struct input {
	struct stream stream;
	const struct input_handler *handler;
	void *data;
	struct plain plain;
	struct buffer held; /* read, but not looked at */
	bool ended;	    /* nothing more is read */
	int error;	    /* why, when that is not the end */
};

#define INPUT_NULL ((struct input){.stream = STREAM_NULL})

/* 0 or a negative errno. */
int input_init(struct input *i, struct loop *l, const struct input_handler *handler, void *data);

/* May come from within a callback; safe on INPUT_NULL and twice. */
void input_deinit(struct input *i);

/* Goes on after `wants` said false. */
void input_resume(struct input *i);

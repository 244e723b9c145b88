#pragma once

/*
 * Prompt: the line a person types on the terminal, while other things are printed above it
 *
 * With libedit built in, and a terminal that can move its cursor, lines are edited, older ones come
 * back with the arrow keys, and what is printed never mangles the line being typed. Without, the
 * terminal's own line editing serves, and the prompt is shown again below what was printed.
 */

#include "base/bytes.h"
#include "net/loop.h"

struct prompt;

struct prompt_handler {
	/* A whole line, without its end; empty ones are left out. */
	void (*typed)(void *data, struct bytes line);
	/* Nothing more is typed: ^D, or the terminal is gone. */
	void (*ended)(void *data);
};

/* Whether standard input and output are a terminal, and ours to read from. */
bool prompt_is_possible(void);

/* Shows TEXT (which must outlive it) and reads. NULL when memory or descriptors are out. */
struct prompt *prompt_new(
	struct loop *l, const char *text, const struct prompt_handler *handler, void *data);

/* Gives the terminal back as it was. Takes NULL, returns NULL. May come from within a callback. */
struct prompt *prompt_free(struct prompt *p);

/* Prints LINES, whole ones, above what is being typed. They must be safe for a terminal. */
void prompt_print(struct prompt *p, struct bytes lines);

#pragma once

/*
 * Editor: one line at a time, edited with libedit, fed with what is typed as it comes
 *
 * libedit would rather read the terminal itself and block; it is driven here a character at a time
 * (EL_UNBUFFERED, EL_GETCFN), so that the loop goes on meanwhile. Built without libedit,
 * editor_new() gives NULL.
 */

#include "base/bytes.h"

struct editor;

/* On standard output, with PROMPT in front, reading more from descriptor FD where a key is several
 * bytes of which some are still to come. NULL when there is no libedit or the terminal is not up to
 * it. */
struct editor *editor_new(const char *prompt, int fd);

/* Gives the terminal back as it was. Takes NULL, returns NULL. */
struct editor *editor_free(struct editor *e);

enum {
	EDITOR_MORE = 0,
	EDITOR_LINE = 1,
	EDITOR_END = 2,
};

/* Adds what was typed; then editor_next() is called until it gives EDITOR_MORE. */
int editor_feed(struct editor *e, struct bytes typed);

/* EDITOR_LINE: *line was entered (UTF-8, without its end), valid until the next call. EDITOR_END:
 * ^D on an empty line. */
int editor_next(struct editor *e, struct bytes *line);

/* Prints LINES above the line being edited. */
void editor_print(struct editor *e, struct bytes lines);

/* The terminal has another size, or was in other hands meanwhile. */
void editor_redraw(struct editor *e);

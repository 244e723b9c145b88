#pragma once

/*
 * A table for people: every column as wide as its widest cell, two blanks between, the first row is
 * the heading. Cells are shown as on a terminal (cli/terminal.h), so that a row stays one line.
 */

#include <stddef.h>
#include <stdio.h>

struct columns {
	size_t width; /* in cells */
	char **cells; /* row after row */
	size_t count;
	size_t room;
	int error; /* negative errno once memory was out */
};

#define COLUMNS_OF(width_) ((struct columns){.width = (width_)})

void columns_deinit(struct columns *c);

/* Fills the next cell. An empty text is shown as "-". */
void columns_put(struct columns *c, const char *text);
void columns_format(struct columns *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Prints the rows that are full: 0, or the -ENOMEM that befell a cell, and then nothing. */
int columns_print(const struct columns *c, FILE *out);

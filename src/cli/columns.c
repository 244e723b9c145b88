#include "cli/columns.h"

#include "base/cleanup.h"
#include "cli/terminal.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

enum { COLUMNS_CELL_SIZE = 1024 };

void columns_deinit(struct columns *c)
{
	for (size_t i = 0; i < c->count; i++)
		free(c->cells[i]);
	free(c->cells);
	*c = COLUMNS_OF(c->width);
}

static int columns_grow(struct columns *c)
{
	if (c->count < c->room)
		return 0;
	size_t room = c->room ? c->room * 2 : 64;
	char **cells = realloc(c->cells, room * sizeof(*cells));
	if (!cells)
		return -ENOMEM;
	c->cells = cells;
	c->room = room;
	return 0;
}

static int columns_add(struct columns *c, struct bytes text)
{
	struct buffer cell = BUFFER_NULL;

	int r = columns_grow(c);
	if (r == 0)
		r = terminal_append(&cell, text);
	if (r == 0) {
		c->cells[c->count] = bytes_dup(buffer_bytes(&cell));
		r = c->cells[c->count] ? 0 : -ENOMEM;
	}
	if (r == 0)
		c->count++;
	buffer_deinit(&cell);
	return r;
}

void columns_put(struct columns *c, const char *text)
{
	if (!c->error)
		c->error = columns_add(c, bytes_text(*text ? text : "-"));
}

void columns_format(struct columns *c, const char *format, ...)
{
	char text[COLUMNS_CELL_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	columns_put(c, text);
}

/* Characters, taken as one column each: what follows the first byte of a UTF-8 sequence is none. */
static size_t cell_width(const char *cell)
{
	size_t width = 0;

	for (; *cell; cell++)
		width += ((unsigned char)*cell & 0xc0) != 0x80;
	return width;
}

static size_t column_width(const struct columns *c, size_t column)
{
	size_t widest = 0;

	for (size_t i = column; i < c->count; i += c->width) {
		size_t width = cell_width(c->cells[i]);
		if (width > widest)
			widest = width;
	}
	return widest;
}

int columns_print(const struct columns *c, FILE *out)
{
	if (c->error)
		return c->error;
	cleanup(cleanup_free) size_t *widths = calloc(c->width, sizeof(*widths));
	if (!widths)
		return -ENOMEM;
	for (size_t i = 0; i < c->width; i++)
		widths[i] = column_width(c, i);
	for (size_t i = 0; i + c->width <= c->count; i += c->width) {
		for (size_t at = 0; at < c->width - 1; at++) {
			const char *cell = c->cells[i + at];
			fprintf(out, "%s%*s", cell, (int)(widths[at] - cell_width(cell) + 2), "");
		}
		fprintf(out, "%s\n", c->cells[i + c->width - 1]);
	}
	return 0;
}

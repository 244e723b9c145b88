/*
 * Built without libedit.
 */

#include "cli/editor.h"

struct editor *editor_new(const char *prompt, int fd)
{
	return NULL;
}

struct editor *editor_free(struct editor *e)
{
	return NULL;
}

int editor_feed(struct editor *e, struct bytes typed)
{
	return 0;
}

int editor_next(struct editor *e, struct bytes *line)
{
	return EDITOR_MORE;
}

void editor_print(struct editor *e, struct bytes lines)
{
}

void editor_redraw(struct editor *e)
{
}

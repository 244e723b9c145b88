#pragma once

/*
 * Turns: a queue in which every address has its turn, however many wait behind one of them
 *
 * Those of one address stand in a line of their own, first come, first served; the lines are served
 * in turn. Who waits is a list node, and may leave by list_unlink() at any time.
 */

#include "base/list.h"

/* Those of one address. */
struct turns_line {
	struct list node; /* on turns.lines, or alone when nobody waits */
	struct list waiting;
};

struct turns {
	struct list lines;
};

void turns_init(struct turns *t);
void turns_line_init(struct turns_line *line);
/* Nobody may wait in it. */
void turns_line_deinit(struct turns_line *line);

void turns_join(struct turns *t, struct turns_line *line, struct list *who);

/* Takes out whose turn it is; NULL when nobody waits. */
struct list *turns_next(struct turns *t);

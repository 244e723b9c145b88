#include "server/turns.h"

void turns_init(struct turns *t)
{
	list_init(&t->lines);
}

void turns_line_init(struct turns_line *line)
{
	list_init(&line->node);
	list_init(&line->waiting);
}

void turns_line_deinit(struct turns_line *line)
{
	list_unlink(&line->node);
}

void turns_join(struct turns *t, struct turns_line *line, struct list *who)
{
	list_push(&line->waiting, who);
	if (list_empty(&line->node))
		list_push(&t->lines, &line->node);
}

struct list *turns_next(struct turns *t)
{
	while (!list_empty(&t->lines)) {
		struct turns_line *line = container_of(t->lines.next, struct turns_line, node);
		list_unlink(&line->node);
		if (list_empty(&line->waiting))
			continue;
		struct list *who = line->waiting.next;
		list_unlink(who);
		if (!list_empty(&line->waiting))
			list_push(&t->lines, &line->node);
		return who;
	}
	return NULL;
}

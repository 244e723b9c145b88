#pragma once

/*
 * A circular list of nodes that live inside what they link (as in the Linux kernel's list.h).
 * The list owns nothing. A node that is on no list points at itself, so unlinking is always safe
 * once the node was initialised.
 */

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev;
	struct list *next;
};

#define LIST_INIT(l) ((struct list){&(l), &(l)})

/* The structure of TYPE whose member MEMBER is *ptr. */
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void list_init(struct list *l)
{
	l->prev = l;
	l->next = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_link_before(struct list *node, struct list *at)
{
	node->prev = at->prev;
	node->next = at;
	at->prev->next = node;
	at->prev = node;
}

static inline void list_push(struct list *l, struct list *node)
{
	list_link_before(node, l);
}

static inline void list_unlink(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

/* Moves every node of FROM to the end of TO. */
static inline void list_splice(struct list *to, struct list *from)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	from->prev->next = to;
	to->prev->next = from->next;
	to->prev = from->prev;
	list_init(from);
}

/* Walks a list; the body must not unlink NODE. */
#define list_each(node, l) for (struct list *node = (l)->next; node != (l); node = node->next)

/* Walks a list; the body may unlink NODE, and nothing else. */
#define list_each_safe(node, l)                                                                    \
	for (struct list *node = (l)->next, *node##_next = node->next; node != (l);                \
		node = node##_next, node##_next = node->next)

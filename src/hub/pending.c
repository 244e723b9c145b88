#include "hub/pending.h"

#include <errno.h>

int pending_check(const struct store *s, size_t cost, size_t max)
{
	return s->state.pending && s->state.pending_bytes + cost > 2 * max ? -EAGAIN : 0;
}

void pending_add(struct store *s, struct ticket *ticket, size_t cost, size_t max)
{
	if (ticket)
		ticket->pending++;
	s->state.pending++;
	s->state.pending_bytes += cost;
	s->state.full |= s->state.pending_bytes > max;
}

void pending_look(struct store *s, size_t max)
{
	if (!s->state.full || s->state.pending_bytes > max / 2)
		return;
	s->state.full = false;
	if (s->listener)
		s->listener->drained(s->listener);
}

#include "net/deadline.h"

#include <errno.h>
#include <stdlib.h>

static void deadlines_on_timer(uv_timer_t *timer);

static void deadlines_arm(struct deadlines *d)
{
	if (list_empty(&d->waiting))
		return;
	struct deadline *first = container_of(d->waiting.next, struct deadline, node);
	uint64_t now = loop_now(d->loop);
	uv_timer_start(
		d->timer, deadlines_on_timer, first->at_ms > now ? first->at_ms - now : 0, 0);
}

/* The first one, if it is over. */
static struct deadline *deadlines_over(const struct deadlines *d)
{
	if (list_empty(&d->waiting))
		return NULL;
	struct deadline *first = container_of(d->waiting.next, struct deadline, node);
	return first->at_ms <= loop_now(d->loop) ? first : NULL;
}

static void deadlines_expire(struct deadlines *d)
{
	struct deadline *first;

	for (int i = 0; i < DEADLINES_A_TURN && (first = deadlines_over(d)); i++) {
		list_unlink(&first->node);
		d->expired(d, first);
	}
	if (deadlines_over(d))
		source_again(d->loop, &d->rest, 0);
	else
		deadlines_arm(d);
}

static void deadlines_on_timer(uv_timer_t *timer)
{
	deadlines_expire(timer->data);
}

static void deadlines_on_rest(struct source *rest, uint32_t events)
{
	deadlines_expire(container_of(rest, struct deadlines, rest));
}

int deadlines_init(struct deadlines *d, struct loop *l, uint64_t span_ms,
	void (*expired)(struct deadlines *d, struct deadline *which))
{
	*d = (struct deadlines){.loop = l, .span_ms = span_ms, .expired = expired};
	list_init(&d->waiting);
	d->rest = (struct source){.fd = -1, .ready = deadlines_on_rest};
	list_init(&d->rest.node);
	d->timer = malloc(sizeof(*d->timer));
	if (!d->timer)
		return -ENOMEM;
	uv_timer_init(&l->uv, d->timer);
	uv_unref((uv_handle_t *)d->timer);
	d->timer->data = d;
	return 0;
}

static void deadlines_free_timer(uv_handle_t *timer)
{
	free(timer);
}

void deadlines_deinit(struct deadlines *d)
{
	if (!d->timer)
		return;
	while (!list_empty(&d->waiting))
		list_unlink(d->waiting.next);
	list_unlink(&d->rest.node);
	uv_close((uv_handle_t *)d->timer, deadlines_free_timer);
	d->timer = NULL;
}

void deadline_init(struct deadline *which)
{
	list_init(&which->node);
	which->at_ms = 0;
}

void deadline_set(struct deadlines *d, struct deadline *which)
{
	if (!d->span_ms)
		return;
	list_unlink(&which->node);
	which->at_ms = loop_now(d->loop) + d->span_ms;
	list_push(&d->waiting, &which->node);
	if (!uv_is_active((uv_handle_t *)d->timer))
		deadlines_arm(d);
}

void deadline_clear(struct deadline *which)
{
	list_unlink(&which->node);
}

bool deadline_is_set(const struct deadline *which)
{
	return !list_empty(&which->node);
}

/*
 * What is due stands in lists in order of time. Most who wait allow for the same span, so each goes
 * to the end of its list, and a search from there is a step or two.
 */

#include "hub/service.h"

#include "base/cleanup.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

/* ---- what is due ---- */

static void due_init(struct due *d)
{
	list_init(&d->node);
}

static void due_set(struct list *l, struct due *d, uint64_t at_ms)
{
	struct list *at = l;

	list_unlink(&d->node);
	d->at_ms = at_ms;
	while (at->prev != l && container_of(at->prev, struct due, node)->at_ms > at_ms)
		at = at->prev;
	list_link_before(&d->node, at);
}

/* The first of L, or UINT64_MAX. */
static uint64_t due_next(const struct list *l)
{
	return list_empty(l) ? UINT64_MAX : container_of(l->next, struct due, node)->at_ms;
}

/* ---- services ---- */

static struct service *service_of(struct table_node *node)
{
	return container_of(node, struct service, by_name);
}

static struct service *service_find(const struct services *s, struct bytes name)
{
	struct table_node *node = table_find(&s->names, name);

	return node ? service_of(node) : NULL;
}

static struct service *service_new(struct services *s, struct bytes name)
{
	cleanup(cleanup_free) struct service *service = calloc(1, sizeof(*service));

	if (!service)
		return NULL;
	list_init(&service->queue);
	list_init(&service->takers);
	due_init(&service->lapse);
	memcpy(service->name, name.data, name.len);
	service->by_name.key = bytes_of(service->name, name.len);
	if (table_insert(&s->names, &service->by_name) < 0)
		return NULL;
	return take(service);
}

/* Nobody serves it: those who wait are told, once it is gone, as they may ask again at once. */
static void service_lapse(struct services *s, struct service *service)
{
	struct list left = LIST_INIT(left);

	list_splice(&left, &service->queue);
	list_each (node, &left)
		container_of(node, struct call, node)->service = NULL;
	s->counters.queued -= service->queued;
	list_unlink(&service->lapse.node);
	table_remove(&s->names, &service->by_name);
	free(service);
	while (!list_empty(&left)) {
		struct call *c = container_of(left.next, struct call, node);
		list_unlink(&c->node);
		list_unlink(&c->due.node);
		table_remove(&s->ids, &c->by_id);
		s->counters.unserved++;
		s->options.failed(c, CALL_UNSERVED);
	}
}

/* A server or a call has left. */
static void service_settle(struct services *s, struct service *service, uint64_t now)
{
	if (service->running || !list_empty(&service->takers))
		return;
	uint64_t lapse_ms = service->seen_ms + SERVICES_GRACE_MS;
	if (service->seen_ms && lapse_ms > now)
		due_set(&s->lapses, &service->lapse, lapse_ms);
	else
		service_lapse(s, service);
}

/* ---- calls ---- */

void call_init(struct call *c)
{
	*c = (struct call){0};
	list_init(&c->node);
	due_init(&c->due);
}

static int call_make_id(struct services *s, char id[CALL_ID_SIZE])
{
	if (!s->random_left) {
		if (getrandom(s->random, sizeof(s->random), 0) != sizeof(s->random))
			return -errno;
		s->random_left = SERVICES_RANDOM;
	}
	s->random_left -= 2;
	const uint64_t *random = &s->random[s->random_left];
	snprintf(id, CALL_ID_SIZE, "%016llx%016llx", (unsigned long long)random[0],
		(unsigned long long)random[1]);
	return 0;
}

static int call_name(struct services *s, struct call *c)
{
	int r = call_make_id(s, c->id);

	c->by_id.key = bytes_text(c->id);
	return r < 0 ? r : table_insert(&s->ids, &c->by_id);
}

static void call_give(struct services *s, struct call *c, struct taker *t)
{
	list_unlink(&t->node);
	list_unlink(&t->due.node);
	t->service->waiting--;
	t->service = NULL;
	s->counters.takers--;
	c->given = true;
	c->service->running++;
	s->counters.running++;
	s->options.given(c, t);
}

int call_start(struct services *s, struct call *c, struct bytes name, uint64_t now, uint64_t due_ms)
{
	struct service *service = service_find(s, name);

	if (!service) {
		s->counters.unserved++;
		return CALL_UNSERVED;
	}
	bool waits = list_empty(&service->takers);
	if (waits && (service->queued >= s->options.max_queue ||
			     s->counters.queued >= s->options.max_queued)) {
		s->counters.full++;
		return CALL_FULL;
	}
	int r = call_name(s, c);
	if (r < 0)
		return r;
	s->counters.calls++;
	c->service = service;
	due_set(&s->due, &c->due, due_ms);
	if (waits) {
		list_push(&service->queue, &c->node);
		service->queued++;
		s->counters.queued++;
	} else {
		call_give(s, c, container_of(service->takers.next, struct taker, node));
	}
	return 0;
}

int call_again(struct services *s, struct call *c, uint64_t now)
{
	struct service *service = c->service;
	char id[CALL_ID_SIZE];

	int r = call_make_id(s, id);
	if (r < 0)
		return r;
	table_remove(&s->ids, &c->by_id);
	memcpy(c->id, id, sizeof(id));
	c->by_id.key = bytes_text(c->id);
	table_insert(&s->ids, &c->by_id); /* there is room: it has just left */
	c->given = false;
	service->running--;
	s->counters.running--;
	service->seen_ms = now; /* another server may be on its way */
	if (!list_empty(&service->takers)) {
		call_give(s, c, container_of(service->takers.next, struct taker, node));
		return 0;
	}
	list_link_before(&c->node, service->queue.next);
	service->queued++;
	s->counters.queued++;
	service_settle(s, service, now);
	return 0;
}

struct call *call_find(const struct services *s, struct bytes name, struct bytes id)
{
	struct table_node *node = table_find(&s->ids, id);
	struct call *c = node ? container_of(node, struct call, by_id) : NULL;

	return c && c->given && bytes_equal(c->service->by_name.key, name) ? c : NULL;
}

void call_begin_answer(struct call *c)
{
	list_unlink(&c->due.node);
}

void call_end(struct services *s, struct call *c, uint64_t now, bool lost)
{
	struct service *service = c->service;

	if (!service)
		return;
	c->service = NULL;
	list_unlink(&c->due.node);
	table_remove(&s->ids, &c->by_id);
	if (!c->given) {
		list_unlink(&c->node);
		service->queued--;
		s->counters.queued--;
		return;
	}
	service->running--;
	s->counters.running--;
	if (!lost)
		service->seen_ms = now;
	service_settle(s, service, now);
}

/* ---- servers ---- */

void taker_init(struct taker *t)
{
	*t = (struct taker){0};
	list_init(&t->node);
	due_init(&t->due);
}

int taker_wait(
	struct services *s, struct taker *t, struct bytes name, uint64_t now, uint64_t due_ms)
{
	struct service *service = service_find(s, name);

	if (!service)
		service = service_new(s, name);
	if (!service)
		return -ENOMEM;
	list_unlink(&service->lapse.node);
	list_push(&service->takers, &t->node);
	t->service = service;
	service->waiting++;
	s->counters.takers++;
	if (due_ms != UINT64_MAX)
		due_set(&s->idle, &t->due, due_ms);
	if (list_empty(&service->queue))
		return 0;
	struct call *c = container_of(service->queue.next, struct call, node);
	list_unlink(&c->node);
	service->queued--;
	s->counters.queued--;
	call_give(s, c, t);
	return 0;
}

void taker_leave(struct services *s, struct taker *t, uint64_t now)
{
	struct service *service = t->service;

	if (!service)
		return;
	t->service = NULL;
	list_unlink(&t->node);
	list_unlink(&t->due.node);
	service->waiting--;
	s->counters.takers--;
	service_settle(s, service, now);
}

/* ---- all of them ---- */

void services_init(struct services *s, const struct services_options *options)
{
	*s = (struct services){.options = *options};
	table_init(&s->names);
	table_init(&s->ids);
	list_init(&s->due);
	list_init(&s->idle);
	list_init(&s->lapses);
}

void services_deinit(struct services *s)
{
	struct table_node *node;

	while ((node = table_any(&s->names))) {
		struct service *service = service_of(node);
		assert(!service->running && list_empty(&service->takers));
		service_lapse(s, service);
	}
	table_deinit(&s->names);
	table_deinit(&s->ids);
}

void services_expire(struct services *s, uint64_t now)
{
	while (due_next(&s->due) <= now) {
		struct due *due = container_of(s->due.next, struct due, node);
		struct call *c = container_of(due, struct call, due);
		call_end(s, c, now, false);
		s->counters.late++;
		s->options.failed(c, CALL_LATE);
	}
	while (due_next(&s->idle) <= now) {
		struct due *due = container_of(s->idle.next, struct due, node);
		struct taker *t = container_of(due, struct taker, due);
		/* It has just been there, so the service is served for a while yet. */
		t->service->seen_ms = now;
		taker_leave(s, t, now);
		s->options.idle(t);
	}
	while (due_next(&s->lapses) <= now) {
		struct due *due = container_of(s->lapses.next, struct due, node);
		service_lapse(s, container_of(due, struct service, lapse));
	}
}

uint64_t services_next_due(const struct services *s)
{
	uint64_t first = due_next(&s->due);

	if (due_next(&s->idle) < first)
		first = due_next(&s->idle);
	return due_next(&s->lapses) < first ? due_next(&s->lapses) : first;
}

struct visit {
	void (*each)(void *data, const struct service *service);
	void *data;
};

static void visit_node(void *data, struct table_node *node)
{
	const struct visit *v = data;

	v->each(v->data, service_of(node));
}

void services_each(const struct services *s,
	void (*visit)(void *data, const struct service *service), void *data)
{
	table_each(&s->names, visit_node, &(struct visit){visit, data});
}

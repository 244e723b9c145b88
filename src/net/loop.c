#include "net/loop.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <errno.h>
#include <sys/epoll.h>

/* No timer is set; and what counts in loop_run(), which sleeps as it likes. */
static const uint64_t NEVER = UINT64_MAX;
/* The same in a single turn. */
static const uint64_t NEVER_IN_TURN = UINT64_MAX - 1;

static void loop_run_endings(struct loop *l)
{
	while (!list_empty(&l->endings)) {
		struct ending *e = container_of(l->endings.next, struct ending, node);
		list_unlink(&e->node);
		e->run(e);
	}
}

/* Hands out what epoll has; the number of events. A source that is removed by an earlier one of the
 * same batch is taken out of the batch by source_remove(). */
static size_t loop_hand_out(struct loop *l)
{
	struct epoll_event batch[LOOP_BATCH];

	int n = epoll_wait(l->epoll, batch, LOOP_BATCH, 0);
	if (n <= 0)
		return 0;
	l->batch = batch;
	l->batch_len = (size_t)n;
	for (size_t i = 0; i < l->batch_len; i++) {
		struct source *s = batch[i].data.ptr;
		if (s)
			s->ready(s, batch[i].events);
	}
	l->batch = NULL;
	l->batch_len = 0;
	return (size_t)n;
}

static void loop_on_poll(uv_poll_t *poll, int status, int events)
{
	struct loop *l = container_of(poll, struct loop, poll);

	loop_hand_out(l);
	if (l->busy_poll_ns)
		l->busy_until_ns = clock_monotonic_ns() + l->busy_poll_ns;
}

static void loop_on_again(uv_idle_t *idle)
{
	struct loop *l = container_of(idle, struct loop, again);
	struct list now = LIST_INIT(now);

	list_splice(&now, &l->ready);
	uv_idle_stop(idle);
	while (!list_empty(&now)) {
		struct source *s = container_of(now.next, struct source, node);
		uint32_t events = s->pending;
		list_unlink(&s->node);
		s->pending = 0;
		s->ready(s, events);
	}
}

/* Waking an idle core costs far more than a look at the socket: as long as the last traffic is
 * fresh, look before sleeping. Each look that finds something makes the loop go round once more
 * without sleeping, so that timers and children get their turn too. */
static void loop_spin(struct loop *l)
{
	if (!l->busy_poll_ns || !list_empty(&l->ready))
		return;
	for (uint64_t now = clock_monotonic_ns(); now < l->busy_until_ns;
		now = clock_monotonic_ns()) {
		if (!loop_hand_out(l))
			continue;
		l->busy_until_ns = clock_monotonic_ns() + l->busy_poll_ns;
		loop_run_endings(l);
		uv_idle_start(&l->again, loop_on_again);
		return;
	}
}

/* A single turn does not sleep after its timers or endings did something: libuv 1.44 runs timers
 * before it polls, and whoever asked for the turn waits for just that. */
static void loop_stay_awake(struct loop *l)
{
	if (uv_now(&l->uv) >= l->due_ms || (l->due_ms != NEVER && !list_empty(&l->endings)))
		uv_stop(&l->uv);
}

static void loop_on_before(uv_prepare_t *before)
{
	struct loop *l = container_of(before, struct loop, before);

	loop_stay_awake(l);
	loop_run_endings(l);
	loop_spin(l);
}

static void loop_on_after(uv_check_t *after)
{
	loop_run_endings(container_of(after, struct loop, after));
}

static int loop_start(struct loop *l)
{
	int r = uv_poll_init(&l->uv, &l->poll, l->epoll);
	if (r >= 0)
		r = uv_poll_start(&l->poll, UV_READABLE, loop_on_poll);
	if (r < 0)
		return r;
	uv_idle_init(&l->uv, &l->again);
	uv_prepare_init(&l->uv, &l->before);
	uv_check_init(&l->uv, &l->after);
	uv_prepare_start(&l->before, loop_on_before);
	uv_check_start(&l->after, loop_on_after);
	return 0;
}

int loop_init(struct loop *l)
{
	cleanup(cleanup_close) int epoll = -1;

	*l = (struct loop){.epoll = -1, .due_ms = NEVER};
	list_init(&l->ready);
	list_init(&l->endings);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0)
		return -errno;
	l->scratch = malloc(LOOP_SCRATCH_SIZE);
	if (!l->scratch)
		return -ENOMEM;
	int r = uv_loop_init(&l->uv);
	if (r < 0) {
		free(take(l->scratch));
		return r;
	}
	l->epoll = take_fd(&epoll);
	r = loop_start(l);
	if (r < 0)
		loop_deinit(l);
	return r;
}

static void loop_free_handle(uv_handle_t *handle)
{
	free(handle);
}

/* A child that nobody waits for any more (child_free) is the only handle without an owner. */
static void loop_close_handle(uv_handle_t *handle, void *arg)
{
	if (!uv_is_closing(handle))
		uv_close(handle, handle->type == UV_PROCESS ? loop_free_handle : NULL);
}

void loop_deinit(struct loop *l)
{
	loop_run_endings(l);
	uv_walk(&l->uv, loop_close_handle, NULL);
	while (uv_run(&l->uv, UV_RUN_DEFAULT))
		; /* a loop_stop() that nobody ran for ends the first */
	uv_loop_close(&l->uv);
	close(l->epoll);
	free(l->scratch);
}

void loop_run(struct loop *l)
{
	uv_run(&l->uv, UV_RUN_DEFAULT);
}

void loop_turn(struct loop *l, bool wait)
{
	uv_update_time(&l->uv);
	int timeout = uv_backend_timeout(&l->uv);
	l->due_ms = timeout < 0 ? NEVER_IN_TURN : uv_now(&l->uv) + (uint64_t)timeout;
	uv_run(&l->uv, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
	l->due_ms = NEVER;
}

void loop_stop(struct loop *l)
{
	uv_stop(&l->uv);
}

uint64_t loop_now(const struct loop *l)
{
	return uv_now(&l->uv);
}

void loop_set_busy_poll(struct loop *l, unsigned microseconds)
{
	l->busy_poll_ns = (uint64_t)microseconds * 1000;
}

int source_add(
	struct loop *l, struct source *s, int fd, void (*ready)(struct source *s, uint32_t events))
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		.data.ptr = s,
	};

	*s = (struct source){.fd = fd, .ready = ready};
	list_init(&s->node);
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &event) == 0)
		return 0;
	if (errno == EPERM) {
		source_again(l, s, EPOLLIN | EPOLLOUT);
		return 0;
	}
	s->fd = -1;
	return -errno;
}

void source_remove(struct loop *l, struct source *s)
{
	if (s->fd < 0)
		return;
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, s->fd, NULL);
	list_unlink(&s->node);
	s->fd = -1;
	for (size_t i = 0; i < l->batch_len; i++)
		if (l->batch[i].data.ptr == s)
			l->batch[i].data.ptr = NULL;
}

void source_again(struct loop *l, struct source *s, uint32_t events)
{
	s->pending |= events;
	if (!list_empty(&s->node))
		return;
	list_push(&l->ready, &s->node);
	if (!uv_is_active((uv_handle_t *)&l->again))
		uv_idle_start(&l->again, loop_on_again);
}

void ending_init(struct ending *e, void (*run)(struct ending *e))
{
	list_init(&e->node);
	e->run = run;
}

void ending_ask(struct loop *l, struct ending *e)
{
	if (list_empty(&e->node))
		list_push(&l->endings, &e->node);
}

void ending_cancel(struct ending *e)
{
	list_unlink(&e->node);
}

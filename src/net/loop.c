#include "net/loop.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <errno.h>
#include <sys/epoll.h>

/* How long looking for more traffic may take before sleeping. */
enum { BUSY_SHORTEST_NS = 50 * 1000, BUSY_LONGEST_NS = 2 * 1000 * 1000 };

static void loop_run_endings(struct loop *l)
{
	while (!list_empty(&l->endings)) {
		struct ending *e = container_of(l->endings.next, struct ending, node);
		list_unlink(&e->node);
		e->run(e);
	}
}

/* ---- waiting ---- */

/* The traffic's own rhythm says how long looking for more pays: twice the gap between the last
 * events, as they are on average, or just a moment where that is out of reach. */
static void loop_expect_more(struct loop *l)
{
	uint64_t now = clock_monotonic_ns();
	uint64_t gap = now - l->traffic_ns;

	if (gap > BUSY_LONGEST_NS)
		gap = BUSY_LONGEST_NS;
	l->gap_ns += gap / 8 - l->gap_ns / 8;
	l->traffic_ns = now;
	uint64_t wait = 2 * l->gap_ns;
	l->busy_until_ns =
		now + (wait < BUSY_SHORTEST_NS || wait > BUSY_LONGEST_NS ? BUSY_SHORTEST_NS : wait);
}

/* Waking an idle core costs far more than a look at the sockets: while more traffic is expected,
 * look before sleeping. */
static int loop_wait(struct loop *l, struct epoll_event *batch)
{
	int timeout = loop_timeout(l);
	int n = 0;

	if (!l->busy_poll)
		return epoll_wait(l->epoll, batch, LOOP_BATCH, timeout);
	while (!n && timeout && clock_monotonic_ns() < l->busy_until_ns)
		n = epoll_wait(l->epoll, batch, LOOP_BATCH, 0);
	if (!n)
		n = epoll_wait(l->epoll, batch, LOOP_BATCH, timeout);
	if (n > 0)
		loop_expect_more(l);
	return n;
}

int loop_timeout(const struct loop *l)
{
	if (!list_empty(&l->ready) || !list_empty(&l->endings))
		return 0;
	return uv_backend_timeout(&l->uv);
}

/* ---- a turn ---- */

/* A source that is removed by an earlier one of the same batch is taken out of the batch by
 * source_remove(). */
static void loop_hand_out(struct loop *l, struct epoll_event *batch, int count)
{
	l->batch = batch;
	l->batch_len = count > 0 ? (size_t)count : 0;
	for (size_t i = 0; i < l->batch_len; i++) {
		struct source *s = batch[i].data.ptr;
		if (s)
			s->ready(s, batch[i].events);
	}
	l->batch = NULL;
	l->batch_len = 0;
}

static void loop_call_again(struct list *ready)
{
	while (!list_empty(ready)) {
		struct source *s = container_of(ready->next, struct source, node);
		uint32_t events = s->pending;
		list_unlink(&s->node);
		s->pending = 0;
		s->ready(s, events);
	}
}

static void loop_on_uv(struct source *source, uint32_t events)
{
	container_of(source, struct loop, others)->uv_is_ready = true;
}

/* The sockets come before libuv's timers: what came in time counts, however late we look. */
void loop_turn(struct loop *l, bool wait)
{
	struct epoll_event batch[LOOP_BATCH];
	struct list ready = LIST_INIT(ready);

	int n = wait ? loop_wait(l, batch) : epoll_wait(l->epoll, batch, LOOP_BATCH, 0);
	uv_update_time(&l->uv);
	list_splice(&ready, &l->ready);
	loop_hand_out(l, batch, n);
	loop_call_again(&ready);
	if (l->uv_is_ready || uv_backend_timeout(&l->uv) == 0) {
		l->uv_is_ready = false;
		uv_run(&l->uv, UV_RUN_NOWAIT);
	}
	loop_run_endings(l);
}

void loop_run(struct loop *l)
{
	while (!l->stopped)
		loop_turn(l, true);
	l->stopped = false;
}

void loop_stop(struct loop *l)
{
	l->stopped = true;
}

/* ---- life ---- */

static void loop_on_turn(uv_prepare_t *alive)
{
}

/* libuv's descriptor is one of our sources, told of as long as it is ready. A loop without any
 * handle never sleeps, so there is always one. */
static int loop_start(struct loop *l)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = &l->others};

	l->others = (struct source){.fd = uv_backend_fd(&l->uv), .ready = loop_on_uv};
	list_init(&l->others.node);
	uv_prepare_init(&l->uv, &l->alive);
	uv_prepare_start(&l->alive, loop_on_turn);
	return epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->others.fd, &event) < 0 ? -errno : 0;
}

int loop_init(struct loop *l)
{
	cleanup(cleanup_close) int epoll = -1;

	*l = (struct loop){.epoll = -1};
	list_init(&l->ready);
	list_init(&l->endings);
	list_init(&l->lookups);
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
	uv_run(&l->uv, UV_RUN_DEFAULT);
	uv_loop_close(&l->uv);
	close(l->epoll);
	free(l->scratch);
}

uint64_t loop_now(const struct loop *l)
{
	return uv_now(&l->uv);
}

void loop_set_busy_poll(struct loop *l, bool on)
{
	l->busy_poll = on;
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

#include "client/context.h"

#include "base/cleanup.h"
#include "net/address.h"
#include "net/trust.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

struct ferry *ferry_new(void)
{
	struct ferry *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	if (loop_init(&f->loop) < 0) {
		free(f);
		return NULL;
	}
	uv_timer_init(&f->loop.uv, &f->timer);
	list_init(&f->parts);
	list_init(&f->rested);
	f->fd = -1;
	f->alarm_fd = -1;
	return f;
}

struct ferry *ferry_free(struct ferry *f)
{
	if (!f)
		return NULL;
	while (!list_empty(&f->parts)) {
		struct context_part *p = container_of(f->parts.next, struct context_part, node);
		p->end(p);
	}
	loop_deinit(&f->loop);
	trust_free(f->trust);
	buffer_deinit(&f->reply_body);
	free(f->reply_type);
	cleanup_close(&f->fd);
	cleanup_close(&f->alarm_fd);
	free(f);
	return NULL;
}

void context_add(struct ferry *f, struct context_part *p, void (*end)(struct context_part *p))
{
	p->end = end;
	list_push(&f->parts, &p->node);
}

void context_remove(struct context_part *p)
{
	list_unlink(&p->node);
}

const char *ferry_why(const struct ferry *f)
{
	return f->why.text;
}

int context_failed(struct ferry *f, const struct fault *why)
{
	f->why = *why;
	return why->error;
}

/* ---- turns ---- */

static void context_set_alarm(struct ferry *f, int ms)
{
	struct itimerspec when = {0};

	if (f->alarm_fd < 0)
		return;
	if (ms >= 0) {
		when.it_value.tv_sec = ms / 1000;
		when.it_value.tv_nsec = ms % 1000 * 1000000L + 1; /* 0 would clear it */
	}
	timerfd_settime(f->alarm_fd, 0, &when, NULL);
}

void context_touch(struct ferry *f)
{
	if (!f->turning)
		context_set_alarm(f, 0);
}

static void context_on_timer(uv_timer_t *timer)
{
	container_of(timer, struct ferry, timer)->expired = true;
}

int context_begin(struct ferry *f, int timeout_ms)
{
	if (f->turning)
		return fault_set(
			&f->why, -EDEADLK, "a callback cannot wait for what comes after it");
	f->turning = true;
	f->expired = false;
	uv_update_time(&f->loop.uv);
	if (timeout_ms >= 0)
		uv_timer_start(&f->timer, context_on_timer, (uint64_t)timeout_ms, 0);
	return 0;
}

void context_end(struct ferry *f)
{
	uv_timer_stop(&f->timer);
	f->turning = false;
	context_set_alarm(f, loop_timeout(&f->loop));
}

int ferry_dispatch(struct ferry *f, int timeout_ms)
{
	int r = context_begin(f, timeout_ms);
	if (r < 0)
		return r;
	loop_turn(&f->loop, timeout_ms != 0);
	context_end(f);
	return 0;
}

int context_wait(struct ferry *f, bool (*done)(const void *arg), const void *arg, int timeout_ms)
{
	int r = context_begin(f, timeout_ms);
	if (r < 0)
		return r;
	while (!done(arg) && !f->expired)
		loop_turn(&f->loop, true);
	context_end(f);
	return done(arg) ? 0 : fault_set(&f->why, -ETIMEDOUT, "the time ran out");
}

/* ---- for other loops ---- */

static int context_open_fd(struct ferry *f, int fd, int alarm_fd)
{
	struct epoll_event readable = {.events = EPOLLIN};

	if (fd < 0 || alarm_fd < 0 || epoll_ctl(fd, EPOLL_CTL_ADD, f->loop.epoll, &readable) < 0 ||
		epoll_ctl(fd, EPOLL_CTL_ADD, alarm_fd, &readable) < 0)
		return -errno;
	return 0;
}

int ferry_fd(struct ferry *f)
{
	if (f->fd >= 0)
		return f->fd;
	cleanup(cleanup_close) int fd = epoll_create1(EPOLL_CLOEXEC);
	cleanup(cleanup_close) int alarm_fd =
		timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	int r = context_open_fd(f, fd, alarm_fd);
	if (r < 0)
		return fault_errno(&f->why, r, "cannot make a descriptor");
	f->fd = take_fd(&fd);
	f->alarm_fd = take_fd(&alarm_fd);
	context_touch(f); /* what is waiting already */
	return f->fd;
}

/* ---- addresses ---- */

int ferry_address(struct ferry *f, const char *address, char **canonical)
{
	struct address a;

	int r = address_parse(&a, address, &f->why);
	if (r < 0)
		return r;
	*canonical = address_format(&a);
	address_deinit(&a);
	return *canonical ? 0 : fault_errno(&f->why, -ENOMEM, "%s", address);
}

#include "client/transfer.h"

#include <errno.h>

enum {
	TRANSFER_PAUSE_MS = 100,
	TRANSFER_PAUSE_MAX_MS = 5000,
	TRANSFER_WATCH_MS = 100,
};

static struct transfer *transfer_of(struct http_call *c)
{
	return container_of(c, struct transfer, call);
}

void transfer_moved(struct transfer *t)
{
	struct loop *l = t->call.link.loop;

	uv_update_time(&l->uv); /* whoever moves it may have taken a while */
	t->moved_ms = loop_now(l);
}

void transfer_gained(struct transfer *t)
{
	t->breaks = 0;
}

/* ---- ends ---- */

void transfer_stop(struct transfer *t)
{
	t->active = false;
	uv_timer_stop(&t->pause);
	uv_timer_stop(&t->watch);
}

void transfer_give_up(struct transfer *t, const struct fault *why)
{
	const struct fault line = *why;

	transfer_stop(t);
	http_call_break(&t->call);
	t->handler->gave_up(t, &line);
}

static bool transfer_is_out_of_patience(const struct transfer *t)
{
	return loop_now(t->call.link.loop) - t->moved_ms >= t->timeout_ms;
}

static void transfer_on_watch(uv_timer_t *timer)
{
	struct transfer *t = container_of(timer, struct transfer, watch);
	double seconds = (double)t->timeout_ms / 1000;

	if (t->waiting)
		transfer_moved(t);
	if (!transfer_is_out_of_patience(t))
		return;
	if (!uv_is_active((uv_handle_t *)&t->pause))
		fault_set(&t->why, -ETIMEDOUT, "nothing has moved for %g s", seconds);
	t->lost = true;
	transfer_give_up(t, &t->why);
}

/* ---- breaks ---- */

static void transfer_on_pause(uv_timer_t *timer)
{
	struct transfer *t = container_of(timer, struct transfer, pause);

	t->handler->begin(t);
}

void transfer_again(struct transfer *t)
{
	uv_timer_start(&t->pause, transfer_on_pause, 0, 0);
}

void transfer_break(struct transfer *t, const struct fault *why)
{
	uint64_t pause = (uint64_t)TRANSFER_PAUSE_MS << t->breaks;

	t->why = *why;
	t->waiting = false;
	http_call_break(&t->call);
	/* Who is not let in now will not be later. */
	if (!t->reached || why->error == -EACCES || ++t->breaks > TRANSFER_BREAKS ||
		transfer_is_out_of_patience(t)) {
		t->lost = true;
		transfer_give_up(t, &t->why);
		return;
	}
	if (pause > TRANSFER_PAUSE_MAX_MS)
		pause = TRANSFER_PAUSE_MAX_MS;
	uv_timer_start(&t->pause, transfer_on_pause, pause, 0);
}

void transfer_refused(struct transfer *t, const char *name)
{
	struct fault said, why;

	int status = t->reply.status, error = status == 404 ? -ENOENT : reply_error(status);
	if (reply_explain(&t->reply, &said) == -EPROTO)
		fault_set(&said, error, "the server says %d %s", status, http_reason(status));
	fault_set(&why, error, "%s: %s", name, said.text);
	if (error == -EAGAIN)
		transfer_break(t, &why);
	else
		transfer_give_up(t, &why);
}

/* ---- the call ---- */

static void transfer_on_head(struct http_call *c, const struct http_response *r)
{
	struct transfer *t = transfer_of(c);

	t->reached = true;
	transfer_moved(t);
	reply_begin(&t->reply, r);
	if (r->status < 300)
		t->handler->head(t, r);
}

static void transfer_on_body(struct http_call *c, struct bytes piece)
{
	struct transfer *t = transfer_of(c);

	transfer_moved(t);
	if (t->reply.status < 300)
		t->handler->body(t, piece);
	else
		reply_add(&t->reply, piece);
}

static void transfer_on_ended(struct http_call *c)
{
	struct transfer *t = transfer_of(c);

	if (t->active)
		t->handler->ended(t);
}

static void transfer_on_failed(struct http_call *c, const struct fault *why)
{
	struct transfer *t = transfer_of(c);

	if (!t->active)
		return;
	/* Nothing is not yet a wrong answer: it may have been killed at that very moment. */
	if (c->opened && !c->heard)
		t->reached = true;
	if (http_call_is_stale(c))
		transfer_again(t);
	else
		transfer_break(t, why);
}

static void transfer_on_writable(struct http_call *c)
{
	struct transfer *t = transfer_of(c);

	if (!t->active)
		return;
	transfer_moved(t);
	t->handler->writable(t);
}

static void transfer_on_interim(struct http_call *c, const struct http_response *r)
{
	struct transfer *t = transfer_of(c);

	t->reached = true;
	transfer_moved(t);
	t->handler->interim(t, r);
}

static const struct http_call_handler transfer_call = {
	.head = transfer_on_head,
	.body = transfer_on_body,
	.ended = transfer_on_ended,
	.failed = transfer_on_failed,
	.writable = transfer_on_writable,
	.interim = transfer_on_interim,
};

/* ---- life ---- */

int transfer_init(struct transfer *t, struct loop *l, const struct address *a, struct trust *trust,
	uint64_t timeout_ms, const struct transfer_handler *handler)
{
	*t = (struct transfer){.handler = handler, .timeout_ms = timeout_ms};
	uv_timer_init(&l->uv, &t->pause);
	uv_timer_init(&l->uv, &t->watch);
	return http_call_init(&t->call, l, a, trust, &transfer_call);
}

void transfer_deinit(struct transfer *t)
{
	if (!t->handler)
		return;
	transfer_stop(t);
	http_call_deinit(&t->call);
	reply_deinit(&t->reply);
}

void transfer_start(struct transfer *t)
{
	t->active = true;
	t->breaks = 0;
	t->lost = t->waiting = false;
	transfer_moved(t);
	uv_timer_start(&t->watch, transfer_on_watch, TRANSFER_WATCH_MS, TRANSFER_WATCH_MS);
	transfer_again(t);
}

#include "client/link.h"

#include "base/cleanup.h"
#include "net/child.h"
#include "net/known.h"
#include "net/tls_stream.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static struct link *link_of(struct stream *s)
{
	return container_of(s, struct link, stream);
}

/* ---- in ---- */

static struct bytes link_give(struct link *l, struct bytes data)
{
	while (data.len && link_is_connected(l)) {
		size_t taken = l->handler->received(l, data);
		data = bytes_of(data.data + taken, data.len - taken);
		if (!taken)
			break;
	}
	return data;
}

void link_feed(struct link *l)
{
	if (!buffer_len(&l->held))
		return;
	struct bytes left = link_give(l, buffer_bytes(&l->held));
	if (!link_is_connected(l))
		return;
	buffer_consume(&l->held, buffer_len(&l->held) - left.len);
	if (!left.len)
		buffer_deinit(&l->held);
}

static void link_fail(struct link *l, int error, const char *what)
{
	struct fault why;

	fault_errno(&why, error, "%s", what);
	link_close(l);
	l->handler->failed(l, &why);
}

static void link_on_received(struct stream *s, struct bytes data)
{
	struct link *l = link_of(s);
	bool held = buffer_len(&l->held);

	if (!held)
		data = link_give(l, data);
	if (!data.len || !link_is_connected(l))
		return;
	if (buffer_append(&l->held, data.data, data.len) < 0)
		link_fail(l, -ENOMEM, "no memory for what came");
	else if (held)
		link_feed(l);
}

static void link_on_ended(struct stream *s)
{
	struct link *l = link_of(s);

	l->handler->ended(l);
}

/* ---- TLS ---- */

static void link_end_shaking(struct link *l)
{
	l->shaking = false;
	deadlines_deinit(&l->limit);
}

static void link_is_established(struct link *l)
{
	link_end_shaking(l);
	l->handler->connected(l);
}

static void link_fail_tls(struct link *l, int error)
{
	cleanup(cleanup_free) char *name = known_name(&l->address);
	struct fault why;
	char what[FAULT_TEXT_MAX / 2];

	snprintf(what, sizeof(what), "cannot connect to %s", name ? name : l->address.scheme->name);
	stream_fault(&l->stream, error, what, &why);
	link_close(l);
	l->handler->failed(l, &why);
}

static void link_on_late(struct deadlines *d, struct deadline *which)
{
	link_fail_tls(container_of(which, struct link, late), -ETIMEDOUT);
}

/* 0, or a negative errno with a line where it is known. */
static int link_start_tls(struct link *l, struct fault *why)
{
	uint64_t now = loop_now(l->loop);
	struct tls_context *context;
	struct tls_setup setup;

	if (!l->trust)
		return fault_set(why, -EINVAL, "nothing says whom to trust over TLS");
	int r = trust_context(l->trust, &context, why);
	if (r == 0)
		r = deadlines_init(&l->limit, l->loop, l->until_ms > now ? l->until_ms - now : 1,
			link_on_late);
	if (r < 0)
		return r;
	l->shaking = true;
	deadline_init(&l->late);
	deadline_set(&l->limit, &l->late);
	l->check = (struct trust_check){l->trust, &l->address};
	trust_setup(&l->check, &setup);
	setup.http = l->http;
	return tls_stream_start(&l->stream, context, &setup, BYTES_NULL);
}

static void link_on_writable(struct stream *s)
{
	struct link *l = link_of(s);

	if (l->shaking)
		link_is_established(l);
	else
		l->handler->writable(l);
}

static void link_on_failed(struct stream *s, int error)
{
	struct link *l = link_of(s);
	struct fault why;

	if (l->shaking) {
		link_fail_tls(l, error);
		return;
	}
	if (error == -EACCES && l->trust) /* the alert that follows a handshake */
		trust_explain_refusal(l->trust, &why);
	else
		stream_fault(s, error, "the connection broke", &why);
	link_close(l);
	l->handler->failed(l, &why);
}

static const struct stream_handler link_stream_handler = {
	.received = link_on_received,
	.ended = link_on_ended,
	.writable = link_on_writable,
	.failed = link_on_failed,
};

/* ---- the alarm ---- */

static void link_on_timer(uv_timer_t *timer)
{
	struct link *l = timer->data;

	l->handler->alarmed(l);
}

void link_alarm(struct link *l, uint64_t ms)
{
	if (ms)
		uv_timer_start(l->timer, link_on_timer, ms, 0);
	else
		uv_timer_stop(l->timer);
}

static void link_free_timer(uv_handle_t *timer)
{
	free(timer);
}

/* ---- life ---- */

static void link_connect_tls(struct link *l)
{
	struct fault known = FAULT_NULL;

	int r = link_start_tls(l, &known);
	if (r == 0)
		return;
	if (!known.error)
		fault_errno(&known, r, "cannot speak TLS");
	link_close(l);
	l->handler->failed(l, &known);
}

static bool link_is_overheard(const struct channel *c)
{
	int family = c->peer.addr.ss_family;

	return (family == AF_INET || family == AF_INET6) && !endpoint_is_local(&c->peer);
}

static void link_fail_clear(struct link *l)
{
	struct fault why;

	fault_set(&why, -EACCES,
		"the token would cross the network for others to read; use an address with TLS "
		"(tls:HOST:PORT), or a tunnel");
	link_close(l);
	l->handler->failed(l, &why);
}

static void link_on_dialed(void *arg, struct channel *c, const struct fault *why)
{
	struct link *l = arg;

	l->dial = NULL;
	if (!c) {
		link_close(l);
		l->handler->failed(l, why);
		return;
	}
	int in = take_fd(&c->in), out = take_fd(&c->out);
	int r = in == out ? stream_init(&l->stream, l->loop, in, &link_stream_handler)
			  : stream_init_pair(&l->stream, l->loop, in, out, &link_stream_handler);
	if (r < 0) {
		link_fail(l, r, "cannot use the connection");
		return;
	}
	l->child = take(c->child);
	l->stream.limit = UINT32_MAX; /* what waits is bounded by who writes */
	if (l->address.scheme)
		link_connect_tls(l);
	else if (l->token && link_is_overheard(c))
		link_fail_clear(l);
	else
		l->handler->connected(l);
}

int link_init(
	struct link *l, struct loop *loop, struct trust *trust, const struct link_handler *handler)
{
	*l = LINK_NULL;
	l->loop = loop;
	l->trust = trust;
	l->http = true;
	l->token = trust ? trust_token(trust, false) : NULL;
	l->handler = handler;
	l->timer = malloc(sizeof(*l->timer));
	if (!l->timer)
		return -ENOMEM;
	uv_timer_init(&loop->uv, l->timer);
	l->timer->data = l;
	return 0;
}

int link_dial(struct link *l, const struct address *a, uint64_t timeout_ms)
{
	unsigned span = timeout_ms < UINT_MAX ? (unsigned)timeout_ms : UINT_MAX;

	buffer_deinit(&l->held);
	address_deinit(&l->address);
	l->until_ms = loop_now(l->loop) + (span ? span : DIAL_TIMEOUT_MS);
	int r = a->scheme->tls ? address_copy(&l->address, a) : 0;
	return r < 0 ? r : dial_start(&l->dial, l->loop, a, span, link_on_dialed, l);
}

void link_close(struct link *l)
{
	if (!l->timer)
		return;
	uv_timer_stop(l->timer);
	l->dial = dial_cancel(l->dial);
	stream_deinit(&l->stream);
	link_end_shaking(l);
	l->child = child_free(l->child);
}

void link_deinit(struct link *l)
{
	if (!l->timer)
		return;
	link_close(l);
	buffer_deinit(&l->held);
	address_deinit(&l->address);
	uv_close((uv_handle_t *)l->timer, link_free_timer);
	l->timer = NULL;
}

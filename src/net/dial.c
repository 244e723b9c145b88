#include "net/dial.h"

#include "base/cleanup.h"
#include "net/monitor.h"
#include "net/resolve.h"
#include "net/socket_fault.h"
#include "net/sys.h"

#include <errno.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

enum {
	ATTEMPT_DELAY_MS = 250, /* RFC 8305 section 5 */
	FULL_DELAY_MS = 20,
};

/* A connect(2) under way. */
struct attempt {
	struct source source; /* fd -1 when it is none */
	struct dial *dial;
	const struct endpoint *to;
	bool greeted; /* connected to a VM's monitor, which has to answer */
};

struct dial {
	struct loop *loop;
	struct address address;
	struct resolve *resolve;
	struct resolved targets;
	size_t next; /* target to be tried */
	struct attempt attempts[RESOLVE_MAX];
	size_t running;
	uv_timer_t delay; /* until the next attempt */
	uv_timer_t limit; /* of all */
	int handles;	  /* of libuv that are open */
	struct channel channel;
	struct fault why;
	dial_done *done;
	void *arg;
};

/* ---- the end ---- */

static void attempt_stop(struct attempt *t)
{
	int fd = t->source.fd;

	if (fd < 0)
		return;
	source_remove(t->dial->loop, &t->source);
	sys_close(fd);
	t->dial->running--;
}

static void dial_on_close(uv_handle_t *timer)
{
	struct dial *d = timer->data;

	if (--d->handles)
		return;
	address_deinit(&d->address);
	free(d);
}

static void dial_free(struct dial *d)
{
	for (size_t i = 0; i < RESOLVE_MAX; i++)
		attempt_stop(&d->attempts[i]);
	d->resolve = resolve_cancel(d->resolve);
	channel_deinit(&d->channel);
	uv_close((uv_handle_t *)&d->delay, dial_on_close);
	uv_close((uv_handle_t *)&d->limit, dial_on_close);
}

/* The channel, when there is one, or the fault. */
static void dial_end(struct dial *d)
{
	struct channel c = d->channel;
	struct fault why = c.in >= 0 ? FAULT_NULL : d->why;
	dial_done *done = d->done;
	void *arg = d->arg;

	d->channel = CHANNEL_NULL;
	dial_free(d);
	done(arg, c.in >= 0 ? &c : NULL, &why);
	channel_deinit(&c);
}

/* ---- attempts ---- */

static void dial_next(struct dial *d);

/* That a family has no way there, or that a queue was full, says less than what another target or
 * a later attempt answered. */
static bool is_vague(int error)
{
	return error == -ENETUNREACH || error == -EHOSTUNREACH || error == -EADDRNOTAVAIL ||
	       error == -EAFNOSUPPORT || error == -EAGAIN;
}

static void dial_note(struct dial *d, int error)
{
	if (!d->why.error || (is_vague(d->why.error) && !is_vague(error)))
		socket_fault_connect(&d->why, error, &d->address);
}

/* A port of our own that nobody listens on may be the one the kernel picks to connect from: then
 * TCP connects the socket to itself. */
static bool is_own(int fd, const struct endpoint *to)
{
	struct sockaddr_storage own;
	socklen_t len = sizeof(own);

	if (to->protocol != IPPROTO_TCP || !endpoint_is_local(to))
		return false;
	return sys_getsockname(fd, (struct sockaddr *)&own, &len) == 0 && len == to->len &&
	       !memcmp(&own, &to->addr, len);
}

static void attempt_won(struct attempt *t)
{
	struct dial *d = t->dial;
	int fd = t->source.fd;

	source_remove(d->loop, &t->source);
	d->running--;
	channel_init(&d->channel, fd, t->to);
	dial_end(d);
}

static void attempt_lost(struct attempt *t, int error)
{
	attempt_stop(t);
	dial_note(t->dial, error);
	dial_next(t->dial);
}

/* What became of connect(2): 0, or a negative errno. */
static int attempt_result(const struct attempt *t)
{
	int error = 0;

	int r = sys_getsockopt_int(t->source.fd, SOL_SOCKET, SO_ERROR, &error);
	if (!r)
		r = -error;
	return !r && is_own(t->source.fd, t->to) ? -ECONNREFUSED : r;
}

/* The same of the greeting, for an address that needs one. -EAGAIN while it goes on. */
static int attempt_greet(struct attempt *t)
{
	int r = 0;

	if (t->dial->address.scheme->kind != ADDRESS_VSOCK_UNIX)
		return 0;
	if (!t->greeted)
		r = monitor_greet(t->source.fd, t->dial->address.port);
	t->greeted = true;
	return r < 0 ? r : monitor_answer(t->source.fd);
}

static void attempt_on_ready(struct source *source, uint32_t events)
{
	struct attempt *t = container_of(source, struct attempt, source);
	int r = 0;

	if (!(events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
		return;
	if (!t->greeted)
		r = attempt_result(t);
	if (!r)
		r = attempt_greet(t);
	if (r == -EAGAIN && events & EPOLLRDHUP)
		r = -ECONNREFUSED; /* the monitor left amid its answer */
	if (!r)
		attempt_won(t);
	else if (r != -EAGAIN)
		attempt_lost(t, r);
}

/* 0 when it is under way or connected, which both show by readiness; or a negative errno. */
static int attempt_start(struct attempt *t)
{
	int fd = endpoint_socket(t->to);
	if (fd < 0)
		return fd;
	endpoint_keep_alive(t->to, fd);
	int r = sys_connect(fd, (const struct sockaddr *)&t->to->addr, t->to->len);
	if (!r || r == -EINPROGRESS)
		r = source_add(t->dial->loop, &t->source, fd, attempt_on_ready);
	if (r < 0)
		sys_close(fd);
	else
		t->dial->running++;
	return r;
}

static void dial_on_delay(uv_timer_t *timer)
{
	dial_next(timer->data);
}

/* Starts the next attempt that the kernel takes; ends when there is none and none is under way. */
static void dial_next(struct dial *d)
{
	while (d->next < d->targets.count) {
		struct attempt *t = &d->attempts[d->next];
		t->dial = d;
		t->to = &d->targets.endpoints[d->next];
		int r = attempt_start(t);
		if (r == -EAGAIN) { /* a full queue, of a Unix listener: unix(7) */
			dial_note(d, r);
			uv_timer_start(&d->delay, dial_on_delay, FULL_DELAY_MS, 0);
			return;
		}
		d->next++;
		if (!r) {
			if (d->next < d->targets.count)
				uv_timer_start(&d->delay, dial_on_delay, ATTEMPT_DELAY_MS, 0);
			return;
		}
		dial_note(d, r);
	}
	if (!d->running)
		dial_end(d);
}

static void dial_on_limit(uv_timer_t *timer)
{
	struct dial *d = timer->data;

	if (!d->why.error)
		socket_fault_connect(&d->why, -ETIMEDOUT, &d->address);
	dial_end(d);
}

/* ---- by kind of address ---- */

static void dial_on_resolved(
	void *arg, int error, const struct resolved *found, const struct fault *why)
{
	struct dial *d = arg;

	d->resolve = NULL;
	if (error < 0) {
		d->why = *why;
		dial_end(d);
		return;
	}
	d->targets = *found;
	dial_next(d);
}

static int dial_inet(struct dial *d)
{
	if (!strcmp(d->address.host, "*"))
		return fault_set(&d->why, -EINVAL,
			"cannot connect to '*': it is an address to listen on; name a host");
	if (!d->address.port)
		return fault_set(&d->why, -EINVAL,
			"cannot connect to port 0: it is one to listen on; name a port");
	return resolve_start(&d->resolve, d->loop, &d->address, dial_on_resolved, d);
}

static int dial_one(struct dial *d)
{
	const struct address *a = &d->address;

	if (a->scheme->kind == ADDRESS_VSOCK && (a->cid == VMADDR_CID_ANY || !a->port))
		return fault_set(&d->why, -EINVAL,
			"cannot connect to vsock:%s: it is an address to listen on",
			a->port ? "any" : "CID:0");
	int r = endpoint_of(&d->targets.endpoints[0], a, false);
	if (r < 0)
		return socket_fault_connect(&d->why, r, a);
	d->targets.count = 1;
	return 0;
}

static int dial_fd(struct dial *d)
{
	int r = channel_init_inherited(&d->channel, d->address.fd);

	return r < 0 ? fault_errno(&d->why, r, "cannot use fd:%d", d->address.fd) : 0;
}

static int dial_systemd(struct dial *d)
{
	return fault_set(
		&d->why, -EINVAL, "cannot connect to systemd: it is an address to listen on");
}

static int dial_exec(struct dial *d)
{
	return channel_init_exec(&d->channel, d->loop, d->address.command, &d->why);
}

static int dial_standard(struct dial *d)
{
	int r = channel_init_standard(&d->channel);

	return r < 0 ? fault_errno(&d->why, r, "cannot use standard input and output") : 0;
}

static int dial_by_kind(struct dial *d)
{
	static int (*const dial_kind[])(struct dial * d) = {
		[ADDRESS_INET] = dial_inet,
		[ADDRESS_UNIX] = dial_one,
		[ADDRESS_VSOCK] = dial_one,
		[ADDRESS_VSOCK_UNIX] = dial_one,
		[ADDRESS_FD] = dial_fd,
		[ADDRESS_SYSTEMD] = dial_systemd,
		[ADDRESS_EXEC] = dial_exec,
		[ADDRESS_STDIO] = dial_standard,
	};

	if (d->address.options[ADDRESS_CERT] || d->address.options[ADDRESS_KEY])
		return fault_set(&d->why, -EINVAL,
			"?cert= and ?key= are for an address to listen on; to show a certificate "
			"there is --cert");
	return dial_kind[d->address.scheme->kind](d);
}

/* What needs no look-up begins here, and what needs nothing else ends. */
static void dial_on_first(uv_timer_t *timer)
{
	struct dial *d = timer->data;

	if (d->why.error || d->channel.in >= 0)
		dial_end(d);
	else
		dial_next(d);
}

/* ---- at once ---- */

/* Over the loopback network a connection is there when connect(2) returns; that one says it is
 * under way all the same, but the next one knows. */
static bool connect_at_once(int fd, const struct endpoint *to)
{
	int r = sys_connect(fd, (const struct sockaddr *)&to->addr, to->len);

	if (r == -EINPROGRESS)
		r = sys_connect(fd, (const struct sockaddr *)&to->addr, to->len);
	return !r && !is_own(fd, to);
}

/* Where it is, when it is one that can be connected to at once. */
static bool find_at_once(struct endpoint *to, const struct address *a)
{
	if (a->options[ADDRESS_CERT] || a->options[ADDRESS_KEY])
		return false;
	if (a->scheme->kind == ADDRESS_UNIX)
		return endpoint_of(to, a, false) == 0;
	return a->scheme->kind == ADDRESS_INET && resolve_literal(to, a) &&
	       to->protocol == IPPROTO_TCP && endpoint_is_local(to);
}

bool dial_at_once(struct channel *c, const struct address *a)
{
	struct endpoint to;

	if (!find_at_once(&to, a))
		return false;
	int fd = endpoint_socket(&to);
	if (fd < 0)
		return false;
	if (!connect_at_once(fd, &to)) {
		sys_close(fd);
		return false;
	}
	channel_init(c, fd, &to);
	return true;
}

/* ---- later ---- */

static int dial_init(struct dial *d, struct loop *l, const struct address *a)
{
	cleanup(cleanup_free) char *text = address_format(a);

	*d = (struct dial){
		.loop = l, .address = ADDRESS_NULL, .handles = 2, .channel = CHANNEL_NULL};
	for (size_t i = 0; i < RESOLVE_MAX; i++)
		d->attempts[i].source = SOURCE_NULL;
	return text ? address_parse(&d->address, text, NULL) : -ENOMEM;
}

int dial_start(struct dial **out, struct loop *l, const struct address *a, unsigned timeout_ms,
	dial_done *done, void *arg)
{
	cleanup(cleanup_free) struct dial *d = malloc(sizeof(*d));

	if (!d)
		return -ENOMEM;
	int r = dial_init(d, l, a);
	if (r < 0)
		return r;
	d->done = done;
	d->arg = arg;
	uv_timer_init(&l->uv, &d->delay);
	uv_timer_init(&l->uv, &d->limit);
	d->delay.data = d;
	d->limit.data = d;
	uv_timer_start(&d->limit, dial_on_limit, timeout_ms ? timeout_ms : DIAL_TIMEOUT_MS, 0);
	r = dial_by_kind(d);
	if (r < 0 && !d->why.error)
		fault_errno(&d->why, r, "cannot connect");
	if (!d->resolve)
		uv_timer_start(&d->delay, dial_on_first, 0, 0);
	*out = take(d);
	return 0;
}

struct dial *dial_cancel(struct dial *d)
{
	if (d)
		dial_free(d);
	return NULL;
}

/*
 * ferry.h: dialling and listening, for those who want a descriptor.
 */

#include "base/cleanup.h"
#include "client/context.h"
#include "net/child.h"
#include "net/dial.h"
#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Takes the one descriptor out of C, made blocking; or a negative errno. */
static int take_blocking(struct channel *c)
{
	if (c->in != c->out)
		return -ENOTSOCK;
	int flags = fcntl(c->in, F_GETFL);
	if (flags < 0 || fcntl(c->in, F_SETFL, flags & ~O_NONBLOCK) < 0)
		return -errno;
	c->out = -1;
	c->child = child_free(c->child); /* its end is the socket's */
	return take_fd(&c->in);
}

/* What a descriptor gives of TLS is nothing that could be read. */
static int address_parse_bare(struct address *a, const char *text, struct fault *why)
{
	int r = address_parse(a, text, why);

	if (r < 0 || !a->scheme->tls)
		return r;
	address_deinit(a);
	return fault_set(why, -EPROTONOSUPPORT,
		"%s: TLS is for sessions; a descriptor speaks it with a library of yours, over "
		"tcp:",
		text);
}

/* ---- dialling ---- */

struct ferry_dial {
	struct context_part part;
	struct ferry *ferry;
	struct dial *dial;
	void (*dialed)(void *data, int fd);
	void *data;
};

static void dial_on_done(void *arg, struct channel *c, const struct fault *why)
{
	struct ferry_dial *d = arg;
	struct ferry_dial done = *d;
	int fd = c ? take_blocking(c) : context_failed(d->ferry, why);

	if (c && fd < 0)
		fault_errno(&d->ferry->why, fd, "cannot use the connection");
	context_remove(&d->part);
	free(d);
	done.dialed(done.data, fd);
}

static int dial_begin(struct ferry_dial *d, const char *text, int timeout_ms)
{
	struct ferry *f = d->ferry;
	struct address address;

	int r = address_parse_bare(&address, text, &f->why);
	if (r < 0)
		return r;
	unsigned timeout = timeout_ms > 0 ? (unsigned)timeout_ms : DIAL_TIMEOUT_MS;
	r = dial_start(&d->dial, &f->loop, &address, timeout, dial_on_done, d);
	address_deinit(&address);
	return r < 0 ? fault_errno(&f->why, r, "%s", text) : 0;
}

static void dial_end(struct context_part *p)
{
	ferry_dial_cancel(container_of(p, struct ferry_dial, part));
}

struct ferry_dial *ferry_dial_start(struct ferry *f, const char *address, int timeout_ms,
	void (*dialed)(void *data, int fd), void *data)
{
	struct ferry_dial *d = calloc(1, sizeof(*d));

	if (!d) {
		fault_errno(&f->why, -ENOMEM, "%s", address);
		return NULL;
	}
	d->ferry = f;
	d->dialed = dialed;
	d->data = data;
	if (dial_begin(d, address, timeout_ms) < 0) {
		free(d);
		return NULL;
	}
	context_add(f, &d->part, dial_end);
	context_touch(f);
	return d;
}

struct ferry_dial *ferry_dial_cancel(struct ferry_dial *d)
{
	if (!d)
		return NULL;
	dial_cancel(d->dial);
	context_remove(&d->part);
	context_touch(d->ferry);
	free(d);
	return NULL;
}

struct dialed {
	bool done;
	int fd;
};

static void dialed_note(void *data, int fd)
{
	*(struct dialed *)data = (struct dialed){true, fd};
}

static bool dialed_is_done(const void *arg)
{
	return ((const struct dialed *)arg)->done;
}

int ferry_dial(struct ferry *f, const char *address, int timeout_ms)
{
	struct dialed dialed = {0};

	if (f->turning)
		return context_wait(f, dialed_is_done, &dialed, 0);
	if (timeout_ms <= 0)
		timeout_ms = timeout_ms ? INT_MAX : 1;
	struct ferry_dial *d = ferry_dial_start(f, address, timeout_ms, dialed_note, &dialed);
	if (!d)
		return f->why.error;
	context_wait(f, dialed_is_done, &dialed, -1);
	return dialed.fd;
}

/* ---- listening ---- */

/* A connection that nobody has taken yet. */
struct arrival {
	struct list node;
	int fd;
	char peer[ENDPOINT_TEXT_SIZE];
};

struct ferry_listener {
	struct context_part part;
	struct ferry *ferry;
	struct listener listener;
	struct ending release;
	void (*accepted)(void *data, int fd, const char *peer); /* NULL: ferry_accept() is used */
	void *data;
	struct list arrivals;
	char peer[ENDPOINT_TEXT_SIZE]; /* of the last one taken */
	char *address;
};

static struct ferry_listener *listener_of(struct listener *l)
{
	return container_of(l, struct ferry_listener, listener);
}

static void listener_keep(struct ferry_listener *l, int fd, const char *peer)
{
	struct arrival *a = malloc(sizeof(*a));

	if (!a) {
		close(fd);
		return;
	}
	a->fd = fd;
	memcpy(a->peer, peer, sizeof(a->peer));
	list_push(&l->arrivals, &a->node);
	listener_pause(&l->listener);
}

static void listener_on_accepted(struct listener *listener, struct channel *c)
{
	struct ferry_listener *l = listener_of(listener);
	int fd = take_blocking(c);

	if (fd < 0)
		return;
	if (l->accepted)
		l->accepted(l->data, fd, c->name);
	else
		listener_keep(l, fd, c->name);
}

static const struct listener_handler listener_handler = {.accepted = listener_on_accepted};

static int listener_begin(struct ferry_listener *l, const char *text)
{
	struct ferry *f = l->ferry;
	struct address address;

	int r = address_parse_bare(&address, text, &f->why);
	if (r < 0)
		return r;
	if (address.type == SOCK_DGRAM)
		r = fault_set(&f->why, -EPROTOTYPE, "%s: datagrams make no connections", text);
	else
		r = listener_open(&l->listener, &f->loop, &address, 0, &listener_handler, &f->why);
	address_deinit(&address);
	if (r < 0)
		return r;
	l->address = address_format(&l->listener.address);
	return l->address ? 0 : fault_errno(&f->why, -ENOMEM, "%s", text);
}

static void listener_release(struct ending *e)
{
	struct ferry_listener *l = container_of(e, struct ferry_listener, release);

	free(l->address);
	free(l);
}

static void listener_end(struct context_part *p)
{
	ferry_listener_free(container_of(p, struct ferry_listener, part));
}

struct ferry_listener *ferry_listen(struct ferry *f, const char *address,
	void (*accepted)(void *data, int fd, const char *peer), void *data)
{
	struct ferry_listener *l = calloc(1, sizeof(*l));

	if (!l) {
		fault_errno(&f->why, -ENOMEM, "%s", address);
		return NULL;
	}
	l->ferry = f;
	l->listener = LISTENER_NULL;
	l->accepted = accepted;
	l->data = data;
	list_init(&l->arrivals);
	ending_init(&l->release, listener_release);
	context_add(f, &l->part, listener_end);
	if (listener_begin(l, address) < 0)
		return ferry_listener_free(l);
	if (!accepted)
		listener_pause(&l->listener);
	context_touch(f);
	return l;
}

struct ferry_listener *ferry_listener_free(struct ferry_listener *l)
{
	if (!l)
		return NULL;
	listener_close(&l->listener);
	list_each_safe (node, &l->arrivals) {
		struct arrival *a = container_of(node, struct arrival, node);
		close(a->fd);
		free(a);
	}
	context_remove(&l->part);
	ending_ask(&l->ferry->loop, &l->release);
	context_touch(l->ferry);
	return NULL;
}

static bool listener_has_arrivals(const void *arg)
{
	return !list_empty(&((const struct ferry_listener *)arg)->arrivals);
}

int ferry_accept(struct ferry_listener *l, int timeout_ms)
{
	if (!listener_has_arrivals(l))
		listener_resume(&l->listener);
	int r = context_wait(l->ferry, listener_has_arrivals, l, timeout_ms);
	listener_pause(&l->listener);
	if (r < 0)
		return r;
	struct arrival *a = container_of(l->arrivals.next, struct arrival, node);
	int fd = a->fd;
	memcpy(l->peer, a->peer, sizeof(l->peer));
	list_unlink(&a->node);
	free(a);
	return fd;
}

const char *ferry_listener_address(const struct ferry_listener *l)
{
	return l->address;
}

const char *ferry_listener_peer(const struct ferry_listener *l)
{
	return l->peer;
}

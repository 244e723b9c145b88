#include "relay/fleet.h"

#include "base/cleanup.h"
#include "base/log.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { FLEET_MAX = 64 };

/* What another thread may ask of a ship; its own does it. */
enum { ASK_LOOK = 1, ASK_STOP = 2, ASK_END = 4, ASK_COUNT = 8 };

struct ship {
	struct fleet *fleet;
	struct loop own; /* of all but the first */
	struct loop *loop;
	struct relay *relay;
	uv_async_t asked;
	atomic_uint asks;
	uv_thread_t thread;
	bool runs;
	bool idle; /* its relay is over */
};

struct fleet {
	struct fleet_options options;
	struct quota quota;
	size_t count;
	size_t crewed; /* ships whose relay has ever had a route */
	atomic_uint busy;
	struct ship ships[FLEET_MAX];
};

static void ship_ask(struct ship *s, unsigned what)
{
	atomic_fetch_or(&s->asks, what);
	uv_async_send(&s->asked);
}

static void ship_on_asked(uv_async_t *asked)
{
	struct ship *s = container_of(asked, struct ship, asked);
	unsigned asks = atomic_exchange(&s->asks, 0);

	if (asks & ASK_LOOK)
		relay_look_again(s->relay);
	if (asks & ASK_STOP)
		relay_stop(s->relay);
	if (asks & ASK_COUNT && !atomic_load(&s->fleet->busy))
		s->fleet->options.idle(s->fleet->options.data);
	if (asks & ASK_END) {
		s->relay = relay_free(s->relay);
		loop_stop(s->loop);
	}
}

/* On the ship's own thread: its relay has nothing left to do. */
static void ship_on_idle(void *data)
{
	struct ship *s = data;

	if (s->idle)
		return;
	s->idle = true;
	atomic_fetch_sub(&s->fleet->busy, 1);
	ship_ask(&s->fleet->ships[0], ASK_COUNT);
}

static void ship_on_ended(void *data, const struct crossing_record *record)
{
	const struct relay_options *options = &((struct ship *)data)->fleet->options.relay;

	if (options->ended)
		options->ended(options->data, record);
}

static void fleet_on_freed(struct quota *q)
{
	struct fleet *f = q->data;

	for (size_t i = 0; i < f->count; i++)
		ship_ask(&f->ships[i], ASK_LOOK);
}

static int ship_init(struct ship *s, struct fleet *f, struct loop *loop, unsigned ships)
{
	struct relay_options options = f->options.relay;
	int r = loop ? 0 : loop_init(&s->own);

	if (r < 0)
		return r;
	options.id_first = f->count + 1;
	options.id_step = ships;
	options.quota = &f->quota;
	options.idle = ship_on_idle;
	options.ended = ship_on_ended;
	options.data = s;
	s->fleet = f;
	s->loop = loop ? loop : &s->own;
	uv_async_init(&s->loop->uv, &s->asked, ship_on_asked);
	r = relay_new(&s->relay, s->loop, &options);
	f->count++;
	return r;
}

static unsigned cores(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return (unsigned)CPU_COUNT(&set);
}

int fleet_new(struct fleet **out, struct loop *first, const struct fleet_options *options)
{
	struct fleet *f = calloc(1, sizeof(*f));
	unsigned threads = options->threads ? options->threads : cores();
	int r = 0;

	if (!f)
		return -ENOMEM;
	if (threads > FLEET_MAX)
		threads = FLEET_MAX;
	f->options = *options;
	f->quota.max = options->max_connections;
	f->quota.freed = fleet_on_freed;
	f->quota.data = f;
	for (unsigned i = 0; i < threads && !r; i++)
		r = ship_init(&f->ships[i], f, i ? NULL : first, threads);
	if (r < 0) {
		fleet_free(f);
		return r;
	}
	*out = f;
	return 0;
}

/* ---- routes ---- */

static bool is_shared(const struct fleet *f, const struct address *from, const struct address *to,
	size_t to_count)
{
	if (f->count < 2 || from->scheme->kind != ADDRESS_INET || from->type != SOCK_STREAM)
		return false;
	for (size_t i = 0; i < to_count; i++)
		if (to[i].scheme->kind == ADDRESS_STDIO || to[i].scheme->kind == ADDRESS_FD)
			return false;
	return true;
}

/* Sockets that share a port let any of the user's programs share it. So the port is asked for alone
 * first: a second relay is refused, and the free port that was picked is known to all. */
static int fleet_claim(
	struct fleet *f, const struct address *from, struct address *claimed, struct fault *why)
{
	static const struct listener_handler nobody = {0};
	struct listener l;

	int r = listener_open(&l, f->ships[0].loop, from, 0, &nobody, why);
	if (r < 0)
		return r;
	cleanup(cleanup_free) char *text = address_format(&l.address);
	r = text ? address_parse(claimed, text, why) : -ENOMEM;
	listener_close(&l);
	return r;
}

static void fleet_tell_bound(const struct relay *r, struct address *bound)
{
	cleanup(cleanup_free) char *text = address_format(relay_bound(r));

	if (bound && text && !relay_is_single(r))
		address_parse(bound, text, NULL);
}

int fleet_add(struct fleet *f, const struct address *from, struct tls_slot *slot,
	const struct address *to, size_t to_count, struct address *bound, struct fault *why)
{
	bool shared = is_shared(f, from, to, to_count);
	struct address claimed = ADDRESS_NULL;
	size_t ships = shared ? f->count : 1;
	int r = 0;

	if (shared) {
		r = fleet_claim(f, from, &claimed, why);
		from = &claimed;
	}
	for (size_t i = 0; i < ships && !r; i++)
		r = relay_add(f->ships[i].relay, from, slot, to, to_count,
			shared ? LISTENER_REUSE_PORT : 0, why);
	if (!r)
		fleet_tell_bound(f->ships[0].relay, bound);
	if (!r && ships > f->crewed)
		f->crewed = ships;
	address_deinit(&claimed);
	return r;
}

/* ---- threads ---- */

static void ship_run(void *data)
{
	struct ship *s = data;

	loop_run(s->loop);
}

int fleet_start(struct fleet *f)
{
	atomic_store(&f->busy, (unsigned)f->crewed);
	for (size_t i = 1; i < f->crewed; i++) {
		int r = uv_thread_create(&f->ships[i].thread, ship_run, &f->ships[i]);
		if (r < 0)
			return r;
		f->ships[i].runs = true;
	}
	return 0;
}

void fleet_stop(struct fleet *f)
{
	for (size_t i = 0; i < f->crewed; i++)
		ship_ask(&f->ships[i], ASK_STOP);
}

static void fleet_on_closed(uv_handle_t *asked)
{
	struct ship *s = container_of((uv_async_t *)asked, struct ship, asked);

	free(s->fleet);
}

/* All threads have to be gone before any of the loops may: they ask each other. The first loop is
 * the caller's and goes on. */
struct fleet *fleet_free(struct fleet *f)
{
	if (!f)
		return NULL;
	for (size_t i = 1; i < f->count; i++)
		if (f->ships[i].runs)
			ship_ask(&f->ships[i], ASK_END);
	for (size_t i = 1; i < f->count; i++)
		if (f->ships[i].runs)
			uv_thread_join(&f->ships[i].thread);
	for (size_t i = 0; i < f->count; i++)
		f->ships[i].relay = relay_free(f->ships[i].relay);
	for (size_t i = 1; i < f->count; i++)
		loop_deinit(&f->ships[i].own);
	uv_close((uv_handle_t *)&f->ships[0].asked, fleet_on_closed);
	return NULL;
}

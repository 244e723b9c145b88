#include "relay/relay.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/cidr.h"
#include "relay/crossing.h"

#include <errno.h>
#include <stdlib.h>

enum { LAST_DATAGRAM_MS = 1000, SENDER_BUCKETS = 1024 };

const char *crossing_end_name(enum crossing_end end)
{
	static const char *const names[] = {
		[CROSSING_ENDED] = "ended",
		[CROSSING_RESET_FROM] = "reset by from",
		[CROSSING_RESET_TO] = "reset by to",
		[CROSSING_UNREACHABLE] = "unreachable",
		[CROSSING_REFUSED] = "refused",
		[CROSSING_IDLE] = "idle",
		[CROSSING_STOPPED] = "stopped",
	};

	return names[end];
}

/* ---- routes ---- */

void route_go_on(struct route *route)
{
	route->slow = NULL;
	listener_resume(&route->listener);
}

/* Whoever waited for room tries again; a route that is one connection is over after it. */
static void route_forget(struct route *route, const struct crossing *c)
{
	if (route->only == c)
		route->only = NULL;
	if (route->queued == c)
		route->queued = NULL;
	if (route->slow == c)
		route_go_on(route);
	if (route->single || (route->relay->stopping && !route->sessions))
		listener_close(&route->listener);
	else
		listener_retry(&route->listener);
}

static bool route_is_open(const struct route *route)
{
	return route->listener.timer != NULL;
}

/* Who is accepted when the quota is full (another thread took the last place) waits, and all others
 * in the kernel's queue. */
static void route_on_accepted(struct listener *l, struct channel *c)
{
	struct route *route = container_of(l, struct route, listener);
	struct quota *quota = route->relay->options.quota;

	crossing_open(route, c, quota_take(quota));
	if (route->single || route->queued || !quota_has_room(quota)) {
		route->waiting = !route->single;
		listener_pause(l);
	}
}

static size_t sender_bucket(const struct endpoint *from)
{
	uint64_t hash = bytes_hash(bytes_of(&from->addr, from->len));

	return (hash ^ hash >> 32) % SENDER_BUCKETS;
}

static struct crossing *route_find_sender(const struct route *route, const struct packet *p)
{
	if (route->only)
		return (struct crossing *)route->only;
	list_each (node, &route->senders[sender_bucket(&p->from)]) {
		struct crossing *c = container_of(node, struct crossing, sender);
		if (c->from.shared == p->fd && c->from.peer.len == p->from.len &&
			!memcmp(&c->from.peer.addr, &p->from.addr, p->from.len))
			return c;
	}
	return NULL;
}

static bool is_unix(const struct route *route)
{
	return route->listener.address.scheme->kind == ADDRESS_UNIX;
}

/* A place in the quota was taken for it. */
static struct crossing *route_add_sender(struct route *route, const struct packet *p)
{
	struct crossing *c = crossing_open_sender(route, p);

	if (!c) {
		quota_give(route->relay->options.quota);
		return NULL;
	}
	list_push(&route->senders[sender_bucket(&p->from)], &c->sender);
	route->sessions++;
	if (route->single)
		route->only = c;
	return c;
}

static void route_on_packet(struct listener *l, const struct packet *p)
{
	struct route *route = container_of(l, struct route, listener);
	struct quota *quota = route->relay->options.quota;
	struct crossing *c = route_find_sender(route, p);

	if (!c && !route->relay->stopping && quota_take(quota))
		c = route_add_sender(route, p);
	if (c)
		crossing_push(c, p->data);
	/* Unix senders wait in their own send(2) for the target of one of them, and lose nothing.
	 */
	c = route_find_sender(route, p);
	if (c && is_unix(route) && crossing_is_held_up(c)) {
		route->slow = c;
		listener_pause(l);
	}
}

static void route_on_starved(struct listener *l, int error)
{
	log_error("connections have to wait: %s", strerror(-error));
}

static const struct listener_handler route_handler = {
	.accepted = route_on_accepted,
	.packet = route_on_packet,
	.starved = route_on_starved,
};

static void route_free(struct route *route)
{
	list_unlink(&route->node);
	listener_close(&route->listener);
	for (size_t i = 0; i < route->to_count; i++)
		address_deinit(&route->to[i]);
	free(route->to);
	free(route->trust);
	free(route->senders);
	free(route);
}

/* ---- a route from addresses ---- */

static int route_read_proxy(struct route *route, const struct address *from, struct fault *why)
{
	const char *version = from->options[ADDRESS_PROXY];
	struct bytes rest =
		bytes_text(from->options[ADDRESS_TRUST] ? from->options[ADDRESS_TRUST] : "");
	struct bytes one;

	route->proxy = version ? version[1] - '0' : 0;
	if (version && from->type != SOCK_STREAM)
		return fault_set(why, -EINVAL, "a PROXY header needs a stream (?proxy=)");
	while (rest.len) {
		if (!bytes_cut(&rest, ',', &one)) {
			one = rest;
			rest = BYTES_NULL;
		}
		struct cidr *more =
			realloc(route->trust, (route->trust_count + 1) * sizeof(*route->trust));
		if (!more)
			return -ENOMEM;
		route->trust = more;
		int r = cidr_parse(&route->trust[route->trust_count], one);
		if (r < 0)
			return fault_set(why, r, "trust: '%.*s' is no network", (int)one.len,
				(const char *)one.data);
		route->trust_count++;
	}
	return 0;
}

/* What TLS needs for a target is read now: a file that is not there is no target's fault. */
static int route_check_target(struct route *route, const struct address *to, struct fault *why)
{
	struct tls_context *context;

	return to->scheme->tls ? trust_context(route->relay->options.trust, &context, why) : 0;
}

static bool is_single(const struct address *a)
{
	return a->scheme->kind == ADDRESS_STDIO || a->scheme->kind == ADDRESS_FD;
}

static int route_read(struct route *route, const struct address *from, const struct address *to,
	size_t to_count, struct fault *why)
{
	int r = 0;

	route->to = calloc(to_count, sizeof(*route->to));
	route->senders = calloc(SENDER_BUCKETS, sizeof(*route->senders));
	if (!route->to || !route->senders)
		return -ENOMEM;
	for (size_t i = 0; i < SENDER_BUCKETS; i++)
		list_init(&route->senders[i]);
	for (size_t i = 0; i < to_count && !r; i++) {
		r = route_check_target(route, &to[i], why);
		if (!r)
			r = address_copy(&route->to[i], &to[i]);
		if (!r)
			route->to_count++;
		route->single |= is_single(&to[i]);
	}
	return r ? r : route_read_proxy(route, from, why);
}

int relay_add(struct relay *r, const struct address *from, struct tls_slot *slot,
	const struct address *to, size_t to_count, unsigned flags, struct fault *why)
{
	struct route *route = calloc(1, sizeof(*route));

	if (!route)
		return fault_errno(why, -ENOMEM, "cannot relay");
	route->relay = r;
	route->listener = LISTENER_NULL;
	route->slot = slot;
	list_push(&r->routes, &route->node);
	int e = route_read(route, from, to, to_count, why);
	if (!e)
		e = listener_open(&route->listener, r->loop, from, flags, &route_handler, why);
	if (e < 0) {
		route_free(route);
		return why && !why->text[0] ? fault_errno(why, e, "cannot relay") : e;
	}
	route->single |= route->listener.once.in >= 0;
	return 0;
}

static struct route *relay_last(const struct relay *r)
{
	return container_of(r->routes.prev, struct route, node);
}

const struct address *relay_bound(const struct relay *r)
{
	return &relay_last(r)->listener.address;
}

bool relay_is_single(const struct relay *r)
{
	return relay_last(r)->listener.once.in >= 0;
}

/* ---- the relay ---- */

static bool relay_listens(const struct relay *r)
{
	list_each (node, &r->routes)
		if (route_is_open(container_of(node, struct route, node)))
			return true;
	return false;
}

static void relay_on_settled(struct ending *settled)
{
	struct relay *r = container_of(settled, struct relay, settled);

	if (list_empty(&r->crossings) && !relay_listens(r) && r->options.idle)
		r->options.idle(r->options.data);
}

void relay_forget(struct relay *r, struct crossing *c, enum crossing_end end, int error)
{
	uint64_t now = loop_now(r->loop);
	struct crossing_record record = {
		.id = c->id,
		.from = c->from.name,
		.to = c->to.name,
		.began_ms = c->began_real_ms,
		.connect_ms = c->joined ? c->joined_ms - c->began_ms : 0,
		.lasted_ms = now - c->began_ms,
		.sent = c->there.bytes,
		.received = c->back.bytes,
		.lost = (uint64_t)c->there.lost + c->back.lost,
		.end = end,
		.error = error,
		.why = c->why.text,
	};

	c->route->sessions -= !list_empty(&c->sender);
	list_unlink(&c->node);
	list_unlink(&c->sender);
	if (r->options.ended)
		r->options.ended(r->options.data, &record);
	if (c->admitted)
		quota_give(r->options.quota);
	route_forget(c->route, c);
	relay_look_again(r);
	ending_ask(r->loop, &r->settled);
}

/* Who was accepted already comes first. */
static void route_look_again(struct route *route)
{
	struct quota *quota = route->relay->options.quota;
	struct crossing *queued = route->queued;

	if (queued && quota_take(quota)) {
		route->queued = NULL;
		crossing_admit(queued);
	}
	if (!route->waiting || route->queued || !quota_has_room(quota))
		return;
	route->waiting = false;
	if (route_is_open(route))
		listener_resume(&route->listener);
}

void relay_look_again(struct relay *r)
{
	list_each (node, &r->routes)
		route_look_again(container_of(node, struct route, node));
}

/* Senders of datagrams are answered by the listening socket, and never say that they have ended: it
 * stays for them until nothing has come for a while. */
void relay_stop(struct relay *r)
{
	r->stopping = true;
	list_each (node, &r->crossings) {
		struct crossing *c = container_of(node, struct crossing, node);
		if (c->joined && c->from.shared >= 0)
			crossing_moved(c);
	}
	list_each (node, &r->routes) {
		struct route *route = container_of(node, struct route, node);
		if (!route->sessions)
			listener_close(&route->listener);
	}
	ending_ask(r->loop, &r->settled);
}

static int relay_start_clocks(struct relay *r)
{
	const struct relay_options *o = &r->options;
	uint64_t header_ms = o->connect_timeout_ms ? o->connect_timeout_ms : DIAL_TIMEOUT_MS;

	int e = deadlines_init(&r->idle, r->loop, o->idle_timeout_ms, crossing_on_idle);
	if (!e)
		e = deadlines_init(
			&r->datagram_idle, r->loop, o->datagram_timeout_ms, crossing_on_idle);
	if (!e)
		e = deadlines_init(
			&r->last_datagram, r->loop, LAST_DATAGRAM_MS, crossing_on_last_datagram);
	if (!e)
		e = deadlines_init(&r->start, r->loop, header_ms, crossing_on_no_start);
	return e;
}

int relay_new(struct relay **out, struct loop *l, const struct relay_options *options)
{
	struct relay *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->loop = l;
	r->options = *options;
	r->next_id = options->id_first;
	list_init(&r->routes);
	list_init(&r->crossings);
	ending_init(&r->settled, relay_on_settled);
	int e = relay_start_clocks(r);
	if (e < 0) {
		relay_free(r);
		return e;
	}
	*out = r;
	return 0;
}

struct relay *relay_free(struct relay *r)
{
	if (!r)
		return NULL;
	r->options.idle = NULL;
	while (!list_empty(&r->crossings))
		crossing_close(container_of(r->crossings.next, struct crossing, node),
			CROSSING_STOPPED, 0);
	while (!list_empty(&r->routes))
		route_free(container_of(r->routes.next, struct route, node));
	ending_cancel(&r->settled);
	deadlines_deinit(&r->idle);
	deadlines_deinit(&r->datagram_idle);
	deadlines_deinit(&r->last_datagram);
	deadlines_deinit(&r->start);
	free(r);
	return NULL;
}

#include "relay/crossing.h"

#include "base/clock.h"
#include "base/log.h"
#include "net/child.h"
#include "relay/header.h"

#include <errno.h>
#include <stdlib.h>

/* ---- the end ---- */

void crossing_close(struct crossing *c, enum crossing_end end, int error)
{
	bool orderly = end == CROSSING_ENDED;

	c->dial = dial_cancel(c->dial);
	deadline_clear(&c->wait);
	if (c->to.child && !orderly)
		child_signal(c->to.child, SIGTERM);
	flow_deinit(&c->there);
	flow_deinit(&c->back);
	leg_deinit(&c->from, !orderly);
	leg_deinit(&c->to, !orderly);
	buffer_deinit(&c->early);
	relay_forget(c->relay, c, end, error);
	free(c);
}

/* ---- time ---- */

static struct deadlines *crossing_idle(const struct crossing *c)
{
	return c->from.shared >= 0 ? &c->relay->datagram_idle : &c->relay->idle;
}

/* A socket of datagrams has no end: when the other side's has come, or the relay stops, it is over
 * once nothing comes for a while. */
static bool crossing_has_no_end(const struct crossing *c)
{
	return (c->there.over && c->to.datagrams) || (c->back.over && c->from.datagrams) ||
	       (c->relay->stopping && c->from.shared >= 0);
}

void crossing_moved(struct crossing *c)
{
	deadline_set(
		crossing_has_no_end(c) ? &c->relay->last_datagram : crossing_idle(c), &c->wait);
}

void crossing_on_idle(struct deadlines *d, struct deadline *which)
{
	struct crossing *c = container_of(which, struct crossing, wait);

	if (c->from.shared >= 0)
		crossing_close(c, CROSSING_ENDED, 0);
	else
		crossing_close(c, CROSSING_IDLE, -ETIMEDOUT);
}

void crossing_on_last_datagram(struct deadlines *d, struct deadline *which)
{
	crossing_close(container_of(which, struct crossing, wait), CROSSING_ENDED, 0);
}

static void crossing_no_tls(struct crossing *c, int error);

void crossing_on_no_start(struct deadlines *d, struct deadline *which)
{
	struct crossing *c = container_of(which, struct crossing, wait);

	if (c->shaking) {
		fault_set(&c->why, -ETIMEDOUT, "no TLS: the handshake took too long");
		crossing_no_tls(c, -ETIMEDOUT);
		return;
	}
	fault_set(&c->why, -ETIMEDOUT, "%s: no PROXY header came", c->from.name);
	crossing_close(c, CROSSING_REFUSED, -ETIMEDOUT);
}

/* ---- joined ---- */

/* An error of the connection itself. That the peer reads no more is none: what it has sent may
 * still be on its way. */
static bool is_dead(const struct leg *l)
{
	return l->error && l->error != -EPIPE;
}

/* A side that failed is only found by reading, which waits while the other side takes nothing. */
static bool flow_lost_its_source(struct flow *f)
{
	if (f->from->broken && flow_is_stuck(f))
		leg_take_error(f->from);
	return is_dead(f->from) && (f->over || flow_is_stuck(f));
}

/* A pipe or a terminal that nobody reads any more has no other direction to wait for, and a socket
 * of datagrams never says that it has ended. */
static bool flow_ends_all(const struct flow *f)
{
	return f->cut && (!f->to->is_socket || f->to->datagrams);
}

static bool crossing_is_over(const struct crossing *c)
{
	return c->there.over && c->back.over && !leg_is_ending(&c->from) && !leg_is_ending(&c->to);
}

static void crossing_lose_target(struct crossing *c, int error)
{
	if (error == -EACCES && crossing_target(c)->scheme->tls)
		trust_explain_refusal(c->relay->options.trust, &c->why);
	crossing_close(c, CROSSING_RESET_TO, error);
}

/* Closes what is over. */
static void crossing_settle(struct crossing *c)
{
	if (flow_lost_its_source(&c->there) || flow_ends_all(&c->back))
		crossing_close(c, CROSSING_RESET_FROM, c->from.error);
	else if (flow_lost_its_source(&c->back) || flow_ends_all(&c->there))
		crossing_lose_target(c, c->to.error);
	else if (crossing_is_over(c))
		crossing_close(c, CROSSING_ENDED, 0);
}

bool crossing_is_held_up(const struct crossing *c)
{
	return buffer_len(&c->early) || flow_is_stuck(&c->there);
}

static void crossing_greet_target(struct crossing *c);

static void crossing_run(struct crossing *c)
{
	int there = flow_run(&c->there);
	if (there < 0) {
		crossing_close(c, CROSSING_RESET_FROM, there);
		return;
	}
	int back = flow_run(&c->back);
	if (back < 0) {
		crossing_lose_target(c, back);
		return;
	}
	if (there == FLOW_MORE)
		source_again(c->relay->loop, &c->from.source, 0);
	if (back == FLOW_MORE)
		source_again(c->relay->loop, &c->to.source, 0);
	if (there != FLOW_NOTHING || back != FLOW_NOTHING)
		crossing_moved(c);
	if (c->route->slow == c && !crossing_is_held_up(c))
		route_go_on(c->route);
	crossing_settle(c);
}

static void crossing_on_to_ready(struct leg *leg)
{
	struct crossing *c = container_of(leg, struct crossing, to);

	if (c->joined)
		crossing_run(c);
	else
		crossing_greet_target(c);
}

/* ---- on the way there ---- */

static void crossing_dial(struct crossing *c);

/* The header for the target goes before all else. 0 or a negative errno. */
static int crossing_introduce(struct crossing *c)
{
	uint8_t header[HEADER_MAX];
	int version = c->relay->options.send_proxy;

	if (!version)
		return 0;
	size_t len = header_write(header, version, &c->source, &c->via);
	if (!crossing_target(c)->scheme->tls)
		return flow_prepend(&c->there, bytes_of(header, len));
	ssize_t n = leg_write(&c->to, header, len); /* in front of TLS, to a socket that is fresh */
	return n < 0 ? (int)n : (size_t)n == len ? 0 : -EIO;
}

static void crossing_push_early(struct crossing *c)
{
	struct bytes left = buffer_bytes(&c->early);

	while (left.len) {
		uint32_t len;
		memcpy(&len, left.data, sizeof(len));
		left = bytes_skip(left, sizeof(len));
		flow_push(&c->there, bytes_of(left.data, len));
		left = bytes_skip(left, len);
	}
	buffer_deinit(&c->early);
}

/* Both sides are there. What the first has sent meanwhile goes on at once. */
static void crossing_join(struct crossing *c)
{
	c->joined = true;
	c->joined_ms = loop_now(c->relay->loop);
	crossing_push_early(c);
	crossing_moved(c);
	crossing_run(c);
}

/* The one that was tried is none, as `why` has it. */
static void crossing_try_next(struct crossing *c)
{
	if (c->target + 1 == c->route->to_count) {
		crossing_close(c, CROSSING_UNREACHABLE, c->why.error);
		return;
	}
	c->target++;
	log_detail("%s; the next one is tried", c->why.text);
	crossing_dial(c);
}

/* ---- TLS ---- */

/* With whoever came, as long as there is no target, or with that; `why` has the line. */
static void crossing_no_tls(struct crossing *c, int error)
{
	bool target = c->to.source.fd >= 0;

	c->shaking = false;
	deadline_clear(&c->wait);
	if (!target) {
		crossing_close(c, CROSSING_REFUSED, error);
		return;
	}
	leg_deinit(&c->to, true);
	crossing_try_next(c);
}

/* True when TLS is established; false: it goes on, or is over. */
static bool crossing_greet(struct crossing *c, struct leg *leg)
{
	int r = crossing_shake_hands(c, leg);

	if (r < 0 && r != -EAGAIN)
		crossing_no_tls(c, r);
	return r == 0;
}

static void crossing_greet_target(struct crossing *c)
{
	if (crossing_greet(c, &c->to))
		crossing_join(c);
}

/* The target is there. */
static void crossing_meet(struct crossing *c, struct channel *channel)
{
	bool tls = crossing_target(c)->scheme->tls;

	int r = leg_init(&c->to, c->relay->loop, channel, crossing_on_to_ready);
	c->to.writable = c->to.is_socket;
	if (!r)
		r = crossing_introduce(c);
	if (!r && tls)
		r = crossing_start_tls_to(c);
	if (r < 0)
		crossing_close(c, CROSSING_UNREACHABLE, r);
	else if (tls)
		crossing_greet_target(c);
	else
		crossing_join(c);
}

static void crossing_on_dialled(void *arg, struct channel *channel, const struct fault *why)
{
	struct crossing *c = arg;

	c->dial = NULL;
	if (channel) {
		crossing_meet(c, channel);
		return;
	}
	c->why = *why;
	crossing_try_next(c);
}

static void crossing_dial_later(struct crossing *c)
{
	int r = dial_start(&c->dial, c->relay->loop, crossing_target(c),
		c->relay->options.connect_timeout_ms, crossing_on_dialled, c);
	if (r < 0)
		crossing_close(c, CROSSING_UNREACHABLE, r);
}

static void crossing_dial(struct crossing *c)
{
	struct channel channel;

	if (dial_at_once(&channel, crossing_target(c))) {
		crossing_meet(c, &channel);
		channel_deinit(&channel);
	} else {
		crossing_dial_later(c);
	}
}

/* ---- the header that came ---- */

static void crossing_greet_source(struct crossing *c)
{
	if (crossing_greet(c, &c->from))
		crossing_dial(c);
}

/* A target is asked once there is reason to. */
static void crossing_let_in(struct crossing *c)
{
	if (!c->route->slot) {
		crossing_dial(c);
		return;
	}
	int r = crossing_start_tls_from(c);
	if (r < 0)
		crossing_close(c, CROSSING_REFUSED, r);
	else
		crossing_greet_source(c);
}

static void crossing_take_header(struct crossing *c)
{
	int r = header_take(&c->from, c->route->proxy, &c->source, &c->via, &c->why);

	if (r == -EAGAIN)
		return;
	if (r < 0) {
		crossing_close(c, CROSSING_REFUSED, r);
		return;
	}
	c->header = false;
	deadline_clear(&c->wait);
	crossing_let_in(c);
}

static bool route_trusts(const struct route *route, const struct leg *from)
{
	if (!route->trust_count)
		return endpoint_is_local(&from->peer);
	for (size_t i = 0; i < route->trust_count; i++)
		if (cidr_contains(&route->trust[i], &from->peer))
			return true;
	return false;
}

static void crossing_await_header(struct crossing *c)
{
	if (!route_trusts(c->route, &c->from)) {
		fault_set(&c->why, -EACCES, "%s: is not trusted to send a PROXY header (?trust=)",
			c->from.name);
		crossing_close(c, CROSSING_REFUSED, -EACCES);
		return;
	}
	c->header = true;
	deadline_set(&c->relay->start, &c->wait);
	crossing_take_header(c);
}

/* Before the target is there only the ends count: a side that failed needs no target. */
static void crossing_on_from_ready(struct leg *leg)
{
	struct crossing *c = container_of(leg, struct crossing, from);

	if (c->joined)
		crossing_run(c);
	else if (leg->broken && leg_take_error(leg) < 0)
		crossing_close(c, CROSSING_RESET_FROM, leg->error);
	else if (c->header)
		crossing_take_header(c);
	else if (c->shaking && c->to.source.fd < 0)
		crossing_greet_source(c);
}

/* ---- the start ---- */

static void crossing_on_passed(struct flow_watch *w, struct flow *f, struct bytes data)
{
	struct crossing *c = container_of(w, struct crossing, watch);
	const struct relay_dump *dump = &c->relay->options.dump;
	bool back = f == &c->back;

	dump->passed(dump->data, c->id, back, c->offset[back], data);
	c->offset[back] += data.len;
}

static struct crossing *crossing_new(struct route *route)
{
	struct relay *r = route->relay;
	struct crossing *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->relay = r;
	c->route = route;
	c->id = r->next_id;
	r->next_id += r->options.id_step;
	c->from = LEG_NULL;
	c->to = LEG_NULL;
	c->began_ms = loop_now(r->loop);
	c->began_real_ms = clock_real_ms();
	c->watch.passed = crossing_on_passed;
	flow_init(&c->there, &c->from, &c->to);
	flow_init(&c->back, &c->to, &c->from);
	if (r->options.dump.passed) {
		c->there.watch = &c->watch;
		c->back.watch = &c->watch;
	}
	deadline_init(&c->wait);
	list_init(&c->sender);
	list_push(&r->crossings, &c->node);
	return c;
}

/* Who comes, to where, for the target's PROXY header. */
static void crossing_note_source(struct crossing *c, int fd)
{
	c->source = c->from.peer;
	if (c->relay->options.send_proxy && endpoint_local(&c->via, fd) < 0)
		c->via = ENDPOINT_NULL;
}

void crossing_admit(struct crossing *c)
{
	c->admitted = true;
	if (c->route->proxy)
		crossing_await_header(c);
	else
		crossing_let_in(c);
}

void crossing_open(struct route *route, struct channel *channel, bool admitted)
{
	struct crossing *c = crossing_new(route);

	if (!c) {
		log_error("a connection of %s was closed: out of memory", channel->name);
		if (admitted)
			quota_give(route->relay->options.quota);
		return;
	}
	c->admitted = admitted;
	int r = leg_init(&c->from, route->relay->loop, channel, crossing_on_from_ready);
	if (r < 0) {
		crossing_close(c, CROSSING_RESET_FROM, r);
		return;
	}
	crossing_note_source(c, c->from.source.fd);
	c->from.readable = c->from.is_socket; /* who connects mostly has something to say */
	if (admitted)
		crossing_admit(c);
	else
		route->queued = c;
}

struct crossing *crossing_open_sender(struct route *route, const struct packet *p)
{
	struct crossing *c = crossing_new(route);

	if (!c)
		return NULL;
	c->admitted = true;
	leg_init_sender(&c->from, route->relay->loop, p->fd, &p->from, p->name);
	crossing_note_source(c, p->fd);
	crossing_dial_later(c); /* it may not end before its route knows it */
	return c;
}

enum { EARLY_MAX = 256 * 1024 };

void crossing_push(struct crossing *c, struct bytes packet)
{
	uint32_t len = (uint32_t)packet.len;

	if (c->joined) {
		flow_push(&c->there, packet);
		crossing_moved(c);
		crossing_settle(c);
		return;
	}
	if (buffer_len(&c->early) + packet.len > EARLY_MAX ||
		buffer_append(&c->early, &len, sizeof(len)) < 0) {
		c->there.lost++;
		return;
	}
	if (buffer_append(&c->early, packet.data, packet.len) < 0) {
		c->early.end -= sizeof(len);
		c->there.lost++;
	}
}

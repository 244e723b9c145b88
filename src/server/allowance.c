#include "server/allowance.h"

#include "base/cleanup.h"
#include "server/exchange.h"
#include "server/server.h"

enum { RESUME_MS = 50 };

/* It has moved more than it may in this time. */
static bool allowance_is_spent(const struct connection *c)
{
	return c->visitor && rate_is_over(&c->visitor->rate, loop_now(c->server->loop));
}

static void allowance_resume(struct connection *c)
{
	connection_proceed(c);
	if (stream_is_open(&c->stream))
		stream_yield(&c->stream);
}

static void allowance_on_resume(struct deadlines *d, struct deadline *which)
{
	struct allowance *allowance = container_of(which, struct allowance, resuming);
	struct list now = LIST_INIT(now);

	list_splice(&now, &allowance->waiting);
	while (!list_empty(&now)) {
		struct connection *c = container_of(now.next, struct connection, waiting);
		list_unlink(&c->waiting);
		if (allowance_is_spent(c))
			list_push(&allowance->waiting, &c->waiting);
		else
			allowance_resume(c);
	}
	if (!list_empty(&allowance->waiting))
		deadline_set(d, which);
}

int allowance_init(struct server *s)
{
	struct allowance *allowance = &s->allowance;
	uint64_t given = s->options.max_from_one;
	uint64_t quarter = (s->options.max_clients + 3) / 4;

	const struct rate_options *rate = &s->options.rate;

	visitors_init(&allowance->visitors, given ? given : quarter, given,
		rate->messages || rate->bytes);
	list_init(&allowance->waiting);
	deadline_init(&allowance->resuming);
	return deadlines_init(&allowance->resume, s->loop, RESUME_MS, allowance_on_resume);
}

void allowance_deinit(struct server *s)
{
	visitors_deinit(&s->allowance.visitors);
	deadlines_deinit(&s->allowance.resume);
}

bool allowance_has_room(const struct server *s, const struct endpoint *from)
{
	return s->counters.clients < s->options.max_clients &&
	       visitors_has_room(&s->allowance.visitors, from);
}

bool allowance_refuse(struct server *s)
{
	bool crowded = s->counters.clients < s->options.max_clients;

	s->counters.crowded += crowded;
	s->counters.refused += !crowded;
	return crowded;
}

void allowance_take_in(struct connection *c, const struct endpoint *from)
{
	struct server *s = c->server;

	if (!allowance_has_room(s, from)) {
		c->refused = true;
		c->crowded = allowance_refuse(s);
		return;
	}
	if (!c->entrance->servants)
		c->visitor = visitors_enter(&s->allowance.visitors, from);
}

void allowance_let_go(struct connection *c)
{
	struct server *s = c->server;

	visitors_leave(&s->allowance.visitors, take(c->visitor), loop_now(s->loop));
}

const char *allowance_refusal(const struct connection *c, int *status)
{
	*status = c->crowded ? 429 : 503;
	return c->crowded ? "the hub has as many clients from your address as it may; try again "
			    "later"
			  : "the hub has as many clients as it may; try again later";
}

void allowance_count(struct connection *c, unsigned messages, size_t bytes)
{
	const struct server *s = c->server;

	if (c->visitor)
		rate_count(&c->visitor->rate, &s->options.rate, messages, bytes, loop_now(s->loop));
}

size_t allowance_portion(const struct connection *c, size_t len)
{
	uint64_t second = c->visitor ? c->server->options.rate.bytes : 0;

	return second && second < len ? second : len;
}

bool allowance_holds(struct connection *c)
{
	struct allowance *allowance = &c->server->allowance;

	if (!allowance_is_spent(c))
		return false;
	if (!list_empty(&c->waiting))
		return true;
	c->server->counters.throttled++;
	connection_hold(c);
	list_push(&allowance->waiting, &c->waiting);
	if (!deadline_is_set(&allowance->resuming))
		deadline_set(&allowance->resume, &allowance->resuming);
	return true;
}

bool allowance_refuses(struct exchange *x)
{
	if (!allowance_is_spent(x->connection))
		return false;
	x->connection->server->counters.throttled++;
	exchange_refuse(x, 429, "more than a client may send in this time; try again later");
	return true;
}

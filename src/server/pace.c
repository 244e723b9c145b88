#include "server/pace.h"

#include "server/exchange.h"
#include "server/server.h"

/* Of the time in milliseconds: 500 bytes a second. */
enum { MS_A_BYTE = 2 };

/* Its beat is what an endless stream is watched by. */
static bool pace_has_beat(const struct exchange *x)
{
	return x->streaming && x->handler && x->handler->beat;
}

void pace_start(struct exchange *x)
{
	struct connection *c = x->connection;

	if (deadline_is_set(&c->rest) || c->leaving || !stream_is_open(&c->stream))
		return;
	x->came = 0;
	x->unread = 0;
	x->moved = false;
	deadline_set(&c->server->pace, &c->rest);
}

void pace_stop(struct exchange *x)
{
	struct connection *c = x->connection;

	if (!c->leaving && !pace_has_beat(x))
		deadline_clear(&c->rest);
}

static bool pace_owes_head(const struct exchange *x)
{
	const struct connection *c = x->connection;

	return !x->handler && !x->reading && !c->holding && buffer_len(&c->held);
}

static bool pace_owes_body(const struct exchange *x)
{
	return x->reading && !x->patient && !x->connection->holding;
}

static bool pace_owes_reading(const struct exchange *x)
{
	if (x->streaming && !x->handler->finite)
		return false;
	return stream_is_blocked(&x->connection->stream) || x->connection->answers;
}

/* A window in which the stream was blocked to its end adds nothing to what the client has not read,
 * so less is what it read. */
static bool pace_is_reading(struct exchange *x, uint64_t least)
{
	uint64_t before = x->unread;

	x->unread = connection_unread(x->connection);
	return x->moved || !before || !x->unread || x->unread + least <= before;
}

static void pace_refuse(struct exchange *x, const char *detail)
{
	struct connection *c = x->connection;

	c->server->counters.too_slow++;
	if (x->answered && (x->reading || x->streaming)) {
		connection_close(c);
		return;
	}
	x->keep_alive = false;
	exchange_refuse(x, 408, "%s", detail);
}

void pace_check(struct exchange *x)
{
	struct connection *c = x->connection;
	uint64_t least = c->server->options.patience_ms / MS_A_BYTE;

	if (pace_owes_head(x)) {
		x->answered = false;
		x->minor = 1;
		x->method = HTTP_GET;
		pace_refuse(x, "the head of the request did not end in time");
		return;
	}
	if (pace_owes_body(x) && x->came < least) {
		pace_refuse(x, "the body of the request came too slowly");
		return;
	}
	if (pace_owes_reading(x) && !pace_is_reading(x, least)) {
		c->server->counters.too_slow++;
		connection_close(c);
		return;
	}
	if (!pace_owes_body(x) && !pace_owes_reading(x))
		return;
	x->came = 0;
	x->moved = false;
	deadline_set(&c->server->pace, &c->rest);
}

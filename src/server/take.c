/*
 * POST /services/S/next: a server waits here for a request, which is the answer. The request stays
 * in the server's hands then, and nothing is left open, so that a shell with curl can serve.
 *
 * With `?tied=1` the exchange goes on in silence until the reply begins. So a server that is killed
 * with a request in its hands is missed at once, and not only when the asker's time is out.
 *
 * With `?tied=reply` it ends when the server speaks on: the reply may go by the same connection, or
 * a server that waits may think better of it, which is a 204 here unless a request was on its way.
 */

#include "base/clock.h"
#include "server/desk.h"
#include "server/login.h"
#include "server/server.h"
#include "wire/put.h"
#include "wire/structured.h"

#include <errno.h>
#include <stdlib.h>

static void take_write_head(struct http_writer *w, const struct asking *a, uint64_t now)
{
	uint64_t due = a->call.due.at_ms;
	uint8_t left[24];
	uint8_t *end = put_decimal(left, due > now ? due - now : 0);

	end = put_literal(end, "ms");
	http_writer_text(w, "Request-Id", a->call.id);
	http_writer_field(w, "Request-Timeout", bytes_of(left, (size_t)(end - left)));
	http_writer_text(w, "Request-Peer", a->asker->connection->peer);
	struct bytes user = login_name(a->asker->connection);
	if (user.len)
		http_writer_field(w, "Request-User", user);
	if (buffer_len(&a->query))
		http_writer_field(w, "Request-Query", buffer_bytes(&a->query));
	if (buffer_len(&a->type))
		http_writer_field(w, "Content-Type", buffer_bytes(&a->type));
	http_writer_text(w, "Cache-Control", "no-store");
	struct bytes fields = buffer_bytes(&a->fields);
	if (fields.len && buffer_append(w->out, fields.data, fields.len) < 0)
		w->error = -ENOMEM;
}

void desk_give(struct call *c, struct taker *taker)
{
	struct asking *a = container_of(c, struct asking, call);
	struct taking *t = container_of(taker, struct taking, taker);
	struct exchange *x = t->exchange;

	list_unlink(&t->node);
	t->asking = a;
	a->next = x;
	struct http_writer w = exchange_begin(x, 200);
	take_write_head(&w, a, desk_now(x->connection->server->desk));
	if (!exchange_stream_length(x, &w, a->length))
		return;
	struct bytes body = buffer_bytes(&a->body);
	if (body.len && !exchange_write(x, body))
		return;
	if (!a->retry)
		buffer_deinit(&a->body);
	if (a->complete)
		taking_end_request(t);
	else
		desk_proceed(a->asker);
}

static void taking_let_go(struct taking *t)
{
	t->asking->next = NULL;
	t->asking = NULL;
	exchange_finish(t->exchange);
}

void taking_end_request(struct taking *t)
{
	struct exchange *x = t->exchange;

	exchange_end_stream(x, BYTES_NULL);
	if (!stream_is_open(&x->connection->stream))
		return;
	if (!t->tied || t->asking->reply)
		taking_let_go(t);
	else if (x->yields)
		exchange_look_on(x);
}

void desk_idle(struct taker *taker)
{
	struct taking *t = container_of(taker, struct taking, taker);
	struct http_writer w = exchange_begin(t->exchange, 204);

	http_writer_text(&w, "Cache-Control", "no-store");
	exchange_send_empty(t->exchange, &w);
}

/* How long to wait for a request at most, in ms: `?timeout=`, or `Prefer: wait=SECONDS` (RFC 7240
 * section 4.3). UINT64_MAX without either. False when it was refused. */
static bool take_patience(struct exchange *x, const struct http_request *r, uint64_t *ms)
{
	struct bytes prefer = http_fields_get(&r->fields, "Prefer");
	struct structured_item wait;
	char text[32];
	struct bytes value;

	*ms = UINT64_MAX;
	int e = r->query.data ? uri_query_get(r->query, "timeout", text, sizeof(text) - 1, &value)
			      : -ENOENT;
	if (e == -ENOENT) {
		if (prefer.len && structured_dictionary_get(prefer, "wait", &wait) == 0 &&
			wait.type == STRUCTURED_INTEGER && wait.number > 0)
			*ms = (uint64_t)wait.number * 1000;
		return true;
	}
	if (e == 0)
		text[value.len] = '\0';
	if (e == 0 && clock_parse_span(text, ms) == 0)
		return true;
	exchange_refuse(x, 400, "a timeout is a time span such as 500ms or 10m");
	return false;
}

static void taking_read_tie(struct taking *t, const struct http_request *r)
{
	uint8_t text[8];
	struct bytes value;

	if (!r->query.data || uri_query_get(r->query, "tied", text, sizeof(text), &value) < 0)
		return;
	t->yields = bytes_equal(value, BYTES_LITERAL("reply"));
	t->tied = t->yields || bytes_equal(value, BYTES_LITERAL("1"));
}

struct taking *taking_new(struct exchange *x, const struct http_request *r)
{
	uint64_t patience;

	if (!take_patience(x, r, &patience))
		return NULL;
	struct taking *t = calloc(1, sizeof(*t));
	if (!t) {
		exchange_refuse(x, 503, "the hub is out of memory; try again later");
		return NULL;
	}
	t->exchange = x;
	t->patience = patience;
	taking_read_tie(t, r);
	taker_init(&t->taker);
	list_init(&t->node);
	return t;
}

void taking_wait(struct taking *t, struct bytes name)
{
	struct exchange *x = t->exchange;
	struct desk *d = x->connection->server->desk;
	uint64_t now = desk_now(d);

	x->own = t;
	x->yields = t->yields;
	x->connection->lazy = true;
	list_push(&d->takings, &t->node);
	int e = taker_wait(&d->services, &t->taker, name, now,
		t->patience < UINT64_MAX - now ? now + t->patience : UINT64_MAX);
	desk_arm(d);
	if (e < 0)
		exchange_refuse(x, 503, "the hub is out of memory; try again later");
}

static void take_begin(struct exchange *x, const struct http_request *r)
{
	struct bytes name;

	if (!desk_name(x, r, &name) || !exchange_may(x, ACCESS_SERVE, name) ||
		!exchange_limit(x, r, 64 * 1024))
		return;
	struct taking *t = taking_new(x, r);
	if (t)
		taking_wait(t, name);
}

static void take_body(struct exchange *x, struct bytes piece)
{
}

/* Nothing is due: the answer comes with the request. */
static void take_complete(struct exchange *x)
{
}

static void take_writable(struct exchange *x)
{
	struct taking *t = x->own;

	if (t->asking)
		desk_proceed(t->asking->asker);
}

static void take_beat(struct exchange *x)
{
}

static void take_overtaken(struct exchange *x)
{
	struct desk *d = x->connection->server->desk;
	struct taking *t = x->own;

	if (t->asking) {
		taking_let_go(t);
		return;
	}
	taker_leave(&d->services, &t->taker, desk_now(d));
	desk_idle(&t->taker);
}

/* It is given nothing in what is left of this turn. */
static void take_ended(struct exchange *x)
{
	struct desk *d = x->connection->server->desk;
	struct taking *t = x->own;

	taker_leave(&d->services, &t->taker, desk_now(d));
	desk_arm(d);
	connection_close(x->connection);
}

static void take_close(struct exchange *x)
{
	struct taking *t = x->own;

	x->connection->lazy = false;
	if (!t)
		return;
	struct desk *d = x->connection->server->desk;
	struct asking *a = t->asking;
	x->own = NULL;
	list_unlink(&t->node);
	taker_leave(&d->services, &t->taker, desk_now(d));
	desk_arm(d);
	free(t);
	if (!a)
		return;
	a->next = NULL;
	if (a->reply) {
		desk_proceed(a->asker);
		return;
	}
	asking_lose(a, "the server is gone without a reply");
}

const struct handler desk_next = {
	.begin = take_begin,
	.body = take_body,
	.complete = take_complete,
	.writable = take_writable,
	.beat = take_beat,
	.ended = take_ended,
	.overtaken = take_overtaken,
	.close = take_close,
};

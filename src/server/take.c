/*
 * POST /services/S/next: a server waits here for a request, which is the answer. The request stays
 * in the server's hands then, and nothing is left open, so that a shell with curl can serve.
 *
 * With `?tied=1` the exchange goes on in silence until the reply begins. So a server that is killed
 * with a request in its hands is missed at once, and not only when the asker's time is out.
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

void taking_end_request(struct taking *t)
{
	struct exchange *x = t->exchange;

	exchange_end_stream(x, BYTES_NULL);
	if (!stream_is_open(&x->connection->stream) || (t->tied && !t->asking->reply))
		return;
	t->asking->next = NULL;
	t->asking = NULL;
	exchange_finish(x);
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

static void take_begin(struct exchange *x, const struct http_request *r)
{
	struct desk *d = x->connection->server->desk;
	uint8_t text[8];
	struct bytes name, value;
	uint64_t patience;

	if (!desk_name(x, r, &name) || !exchange_may(x, ACCESS_SERVE, name) ||
		!take_patience(x, r, &patience) || !exchange_limit(x, r, 64 * 1024))
		return;
	struct taking *t = calloc(1, sizeof(*t));
	if (!t) {
		exchange_refuse(x, 503, "the hub is out of memory; try again later");
		return;
	}
	x->own = t;
	x->connection->lazy = true;
	t->exchange = x;
	t->tied = r->query.data &&
		  uri_query_get(r->query, "tied", text, sizeof(text), &value) == 0 &&
		  bytes_equal(value, BYTES_LITERAL("1"));
	taker_init(&t->taker);
	list_init(&t->node);
	list_push(&d->takings, &t->node);
	uint64_t now = desk_now(d);
	int e = taker_wait(&d->services, &t->taker, name, now,
		patience < UINT64_MAX - now ? now + patience : UINT64_MAX);
	desk_arm(d);
	if (e < 0)
		exchange_refuse(x, 503, "the hub is out of memory; try again later");
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
	.close = take_close,
};

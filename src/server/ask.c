/*
 * POST /services/S: the asker's side of a call.
 *
 * A small body is read at once, so that an asker that leaves is noticed while it waits; a large one
 * stays where it is until a server takes it.
 */

#include "base/cleanup.h"
#include "base/clock.h"
#include "server/desk.h"
#include "server/login.h"
#include "server/server.h"
#include "wire/http_hop.h"

#include <errno.h>
#include <stdlib.h>

enum { BODY_SMALL = 16 * 1024, BODY_KEPT = 64 * 1024, FIELDS_MAX = 8 * 1024, SERVERS_MAX = 3 };

static struct desk *desk_of(const struct asking *a)
{
	return a->asker->connection->server->desk;
}

void desk_proceed(struct exchange *x)
{
	if (x->reading && x->connection->holding)
		exchange_go_on(x);
}

/* ---- the end ---- */

void asking_dismiss(struct asking *a)
{
	struct exchange *next = a->next, *reply = a->reply;

	a->next = NULL;
	a->reply = NULL;
	if (next) {
		((struct taking *)next->own)->asking = NULL;
		if (next->streaming)
			connection_close(next->connection);
		else
			exchange_finish(next);
	}
	if (reply) {
		((struct answering *)reply->own)->asking = NULL;
		exchange_refuse(reply, 410, "the one who asked is gone");
	}
}

void asking_lose(struct asking *a, const char *detail)
{
	struct desk *d = desk_of(a);

	a->losses++;
	if (a->retry && !a->replying && a->losses < SERVERS_MAX &&
		call_again(&d->services, &a->call, desk_now(d)) == 0) {
		desk_arm(d);
		return;
	}
	a->lost = true;
	if (a->losses >= SERVERS_MAX)
		detail = "each of the 3 servers that were given it was lost";
	asking_fail(a, 502, detail);
}

void asking_fail(struct asking *a, int status, const char *detail)
{
	struct exchange *asker = a->asker;

	if (a->replying)
		connection_close(asker->connection);
	else
		exchange_refuse(asker, status, "%s", detail);
}

static void ask_close(struct exchange *x)
{
	struct asking *a = x->own;

	x->connection->lazy = false;
	if (!a)
		return;
	struct desk *d = desk_of(a);
	x->own = NULL;
	call_end(&d->services, &a->call, desk_now(d), a->lost);
	asking_dismiss(a);
	desk_arm(d);
	buffer_deinit(&a->body);
	buffer_deinit(&a->type);
	buffer_deinit(&a->query);
	buffer_deinit(&a->fields);
	free(a);
}

/* ---- the request ---- */

static int ask_copy(struct buffer *to, struct bytes text)
{
	return text.len ? buffer_append(to, text.data, text.len) : 0;
}

/* What the hub itself is told, or says by other names; and Proxy, which as HTTP_PROXY in a
 * command's environment would be taken for something else. */
static const char *const ask_own[] = {"Authorization", "Content-Length", "Content-Type", "Cookie",
	"Expect", "Host", "Proxy", "Request-Retry", "Request-Timeout"};

/* The fields that are for the server. 0, -ENOMEM, or -EMSGSIZE. */
static int ask_copy_fields(struct buffer *to, const struct http_fields *fields)
{
	for (size_t i = 0; i < fields->count; i++) {
		const struct http_field *f = &fields->at[i];
		if (!http_field_is_end_to_end(fields, f) ||
			http_name_is_in(f->name, ask_own, sizeof(ask_own) / sizeof(*ask_own)))
			continue;
		int r = buffer_print(
			to, "Request-Header-%.*s: ", (int)f->name.len, (const char *)f->name.data);
		if (r == 0)
			r = ask_copy(to, f->value);
		if (r == 0)
			r = buffer_append(to, "\r\n", 2);
		if (r < 0)
			return r;
	}
	return buffer_len(to) <= FIELDS_MAX ? 0 : -EMSGSIZE;
}

static struct asking *asking_new(struct exchange *x, const struct http_request *r)
{
	cleanup(cleanup_free) struct asking *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	call_init(&a->call);
	a->asker = x;
	a->length = r->framing == HTTP_CHUNKED ? HTTP_LENGTH_UNKNOWN : r->content_length;
	if (r->framing == HTTP_NO_BODY)
		a->length = 0;
	a->retry = bytes_equal_nocase(
		http_fields_get_only(&r->fields, "Request-Retry"), BYTES_LITERAL("lost"));
	return take(a);
}

static int asking_copy(struct asking *a, const struct http_request *r)
{
	int e = ask_copy(&a->type, http_fields_get(&r->fields, "Content-Type"));

	if (e == 0)
		e = ask_copy(&a->query, r->query);
	return e < 0 ? e : ask_copy_fields(&a->fields, &r->fields);
}

/* `?timeout=`, or the field Request-Timeout. */
static bool ask_timeout(struct exchange *x, const struct http_request *r, uint64_t *ms)
{
	uint8_t text[32] = {0};
	struct bytes value = http_fields_get_only(&r->fields, "Request-Timeout");
	int e = r->query.data ? uri_query_get(r->query, "timeout", text, sizeof(text) - 1, &value)
			      : -ENOENT;

	*ms = DESK_TIMEOUT_MS;
	if (e == -ENOENT && !value.data)
		return true;
	if (e == -ENOENT && value.len < sizeof(text))
		memcpy(text, value.data, value.len);
	else if (e == 0)
		memset(text + value.len, 0, sizeof(text) - value.len);
	if ((e == 0 || e == -ENOENT) && clock_parse_span((const char *)text, ms) == 0)
		return true;
	exchange_refuse(x, 400, "a timeout is a time span such as 500ms or 10m");
	return false;
}

static void ask_refuse(struct exchange *x, int how)
{
	if (how == CALL_UNSERVED)
		exchange_refuse(x, 503, "no one serves this");
	else if (how == CALL_FULL)
		exchange_refuse(x, 429, "too many wait for this service; try again later");
	else
		exchange_refuse(x, 503, "the hub is out of memory; try again later");
}

static void ask_begin(struct exchange *x, const struct http_request *r)
{
	struct desk *d = x->connection->server->desk;
	struct bytes name;
	uint64_t timeout;

	if (!desk_name(x, r, &name) || !exchange_may(x, ACCESS_ASK, name) ||
		!ask_timeout(x, r, &timeout) || allowance_refuses(x))
		return;
	struct asking *a = asking_new(x, r);
	if (!a) {
		ask_refuse(x, -ENOMEM);
		return;
	}
	x->own = a;
	x->connection->lazy = true;
	allowance_count(x->connection, 1, 0);
	int e = asking_copy(a, r);
	if (e == -EMSGSIZE) {
		exchange_refuse(
			x, 431, "the fields for the server are larger than %d bytes", FIELDS_MAX);
		return;
	}
	uint64_t now = desk_now(d);
	uint64_t due = timeout < UINT64_MAX - now ? now + timeout : UINT64_MAX - 1;
	if (e == 0)
		e = call_start(&d->services, &a->call, name, now, due);
	desk_arm(d);
	if (e)
		ask_refuse(x, e);
	else if (!a->call.given && a->length > BODY_SMALL)
		connection_hold(x->connection);
}

static void ask_body(struct exchange *x, struct bytes piece)
{
	struct asking *a = x->own;
	struct exchange *next = a->next;

	allowance_count(x->connection, 0, piece.len);
	allowance_holds(x->connection);
	if (a->retry && buffer_len(&a->body) + piece.len > BODY_KEPT && a->call.given) {
		a->retry = false;
		buffer_deinit(&a->body);
	}
	if (!a->call.given || a->retry) {
		if (buffer_append(&a->body, piece.data, piece.len) < 0) {
			ask_refuse(x, -ENOMEM);
			return;
		}
	}
	if (!a->call.given) {
		if (buffer_len(&a->body) > BODY_KEPT) /* it waits once more */
			connection_hold(x->connection);
		return;
	}
	/* One that replied before it had read all wants no more. */
	if (!next)
		return;
	if (exchange_write(next, piece) && stream_is_blocked(&next->connection->stream))
		connection_hold(x->connection);
}

static void ask_complete(struct exchange *x)
{
	struct asking *a = x->own;

	a->complete = true;
	if (a->next)
		taking_end_request(a->next->own);
}

/* ---- the reply ---- */

static void ask_writable(struct exchange *x)
{
	struct asking *a = x->own;

	if (a->reply)
		desk_proceed(a->reply);
}

/* It is only looked whether the asker still reads. */
static void ask_beat(struct exchange *x)
{
}

static void ask_ended(struct exchange *x)
{
	connection_close(x->connection);
}

const struct handler desk_ask = {
	.begin = ask_begin,
	.body = ask_body,
	.complete = ask_complete,
	.writable = ask_writable,
	.beat = ask_beat,
	.ended = ask_ended,
	.close = ask_close,
};

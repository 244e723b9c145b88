#include "server/desk.h"

#include "server/login.h"
#include "server/server.h"

#include <stdlib.h>

uint64_t desk_now(const struct desk *d)
{
	return loop_now(d->server->loop);
}

/* ---- time ---- */

static void desk_on_timer(uv_timer_t *timer)
{
	struct desk *d = timer->data;

	d->armed_ms = UINT64_MAX;
	services_expire(&d->services, desk_now(d));
	desk_arm(d);
}

void desk_arm(struct desk *d)
{
	uint64_t due = services_next_due(&d->services), now = desk_now(d);

	if (due == d->armed_ms)
		return;
	d->armed_ms = due;
	if (due == UINT64_MAX)
		uv_timer_stop(d->timer);
	else
		uv_timer_start(d->timer, desk_on_timer, due > now ? due - now : 0, 0);
}

/* ---- life ---- */

static void desk_on_failed(struct call *c, enum call_failure how)
{
	struct asking *a = container_of(c, struct asking, call);

	if (how == CALL_LATE)
		asking_fail(a, 504, "no reply came in time");
	else
		asking_fail(a, 503, "no one serves this any more");
}

struct desk *desk_new(struct server *s)
{
	struct desk *d = calloc(1, sizeof(*d));
	uv_timer_t *timer = malloc(sizeof(*timer));

	if (!d || !timer) {
		free(d);
		free(timer);
		return NULL;
	}
	d->timer = timer;
	uv_timer_init(&s->loop->uv, d->timer);
	uv_unref((uv_handle_t *)d->timer);
	d->timer->data = d;
	d->armed_ms = UINT64_MAX;
	d->server = s;
	list_init(&d->takings);
	services_init(&d->services, &(struct services_options){
					    .max_queue = DESK_MAX_QUEUE,
					    .max_queued = DESK_MAX_QUEUED,
					    .given = desk_give,
					    .failed = desk_on_failed,
					    .idle = desk_idle,
				    });
	return d;
}

static void desk_free_timer(uv_handle_t *timer)
{
	free(timer);
}

struct desk *desk_free(struct desk *d)
{
	if (!d)
		return NULL;
	services_deinit(&d->services);
	uv_close((uv_handle_t *)d->timer, desk_free_timer);
	free(d);
	return NULL;
}

void desk_stop(struct desk *d)
{
	list_each_safe (node, &d->takings) {
		struct taking *t = container_of(node, struct taking, node);
		exchange_refuse(t->exchange, 503, "the hub stops");
	}
}

/* ---- routes ---- */

bool desk_name(struct exchange *x, const struct http_request *r, struct bytes *name)
{
	struct bytes rest = bytes_skip(r->path, strlen("/services/"));

	if (!bytes_cut(&rest, '/', name))
		*name = rest;
	if (name_valid(*name))
		return true;
	exchange_refuse(x, 400, "a service's name is 1 to %d of A-Z a-z 0-9 . _ -", NAME_MAX_LEN);
	return false;
}

static void post_begin(struct exchange *x, const struct http_request *r)
{
	struct bytes rest = bytes_skip(r->path, strlen("/services/")), name;

	if (!bytes_cut(&rest, '/', &name))
		x->handler = &desk_ask;
	else if (bytes_equal(rest, BYTES_LITERAL("next")))
		x->handler = &desk_next;
	else if (bytes_cut(&rest, '/', &name) && bytes_equal(name, BYTES_LITERAL("replies")))
		x->handler = &desk_reply;
	else
		exchange_refuse(
			x, 404, "a service has S, S/next and S/replies/ID under /services/");
	if (!x->answered)
		x->handler->begin(x, r);
}

static void post_body(struct exchange *x, struct bytes piece)
{
}

/* Finds out which of the three it is; `body` lets in bodies of any size. */
const struct handler desk_post = {.begin = post_begin, .body = post_body, .patient = true};

struct listing {
	struct buffer body;
	const struct connection *reader; /* who is shown only what it has to do with */
};

static void list_service(void *data, const struct service *s)
{
	struct listing *l = data;
	struct buffer *body = &l->body;

	if (!login_sees(l->reader, ACCESS_ASK, s->by_name.key))
		return;
	/* A service's name needs no escapes: hub/name.h. */
	buffer_print(body, "%s{\"name\":\"%.*s\",\"waiting\":%zu,\"running\":%zu,\"queued\":%zu}",
		buffer_len(body) > 1 ? "," : "", (int)s->by_name.key.len, s->name, s->waiting,
		s->running, s->queued);
}

static void list_begin(struct exchange *x, const struct http_request *r)
{
	struct listing l = {.reader = x->connection};

	if (!exchange_may(x, ACCESS_ASK, BYTES_NULL))
		return;
	buffer_append(&l.body, "[", 1);
	services_each(&x->connection->server->desk->services, list_service, &l);
	buffer_append(&l.body, "]\n", 2);
	exchange_answer(x, 200, "application/json", buffer_bytes(&l.body));
	buffer_deinit(&l.body);
}

const struct handler desk_list = {.begin = list_begin};

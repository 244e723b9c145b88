#include "client/clerk.h"

#include "base/cleanup.h"
#include "client/reply.h"
#include "wire/uri.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	AWAY_MS = 500, /* until the next try */
	DIAL_MS = 10000,
};

static struct clerk *clerk_of_take(struct http_call *c)
{
	return container_of(c, struct clerk, take);
}

static struct clerk *clerk_of_reply(struct http_call *c)
{
	return container_of(c, struct clerk, reply);
}

/* ---- the hub ---- */

static void clerk_on_timer(uv_timer_t *timer)
{
	clerk_next(timer->data);
}

static void clerk_retry(struct clerk *c)
{
	uv_timer_start(c->timer, clerk_on_timer, AWAY_MS, 0);
}

static void clerk_lose_hub(struct clerk *c, const struct fault *why)
{
	bool news = !c->lost;

	/* What answers so is no hub, and who is not let in now will not be later. */
	if (!c->met || c->take.heard || why->error == -EACCES) {
		c->handler->refused(c, why);
		return;
	}
	c->lost = true;
	clerk_retry(c);
	if (news)
		c->handler->hub(c, why);
}

static void clerk_finish(struct clerk *c, const struct fault *why)
{
	if (!c->serving)
		return;
	c->serving = c->replying = false;
	c->owing = c->owing && why;
	c->handler->over(c, why);
}

/* All of a reply is with the kernel: it arrives before whatever the hub says next. */
static void clerk_look_sent(struct clerk *c)
{
	if (c->replying && c->asked && !c->take.left && !http_call_is_blocked(&c->take))
		clerk_finish(c, NULL);
}

/* The connection is there, and `next` is asked for. */
static void take_on_writable(struct http_call *call)
{
	struct clerk *c = clerk_of_take(call);
	bool news = !c->met || c->lost;

	c->met = true;
	c->lost = false;
	if (news)
		c->handler->hub(c, NULL);
	clerk_look_sent(c);
	if (c->replying && c->way == call)
		c->handler->writable(c);
}

/* The hub does not take the reply. */
static void clerk_refuse(struct clerk *c, int status)
{
	struct fault why;

	c->owing = c->owing && status != 410;
	if (c->owing)
		fault_set(
			&why, reply_error(status), "the hub does not take the reply (%d)", status);
	else
		fault_set(&why, -EPIPE, "nobody waits for the reply any more");
	clerk_finish(c, &why);
}

static int clerk_post(struct clerk *c, struct http_call *call, const char *path, struct bytes id,
	const char *query, struct http_writer *head)
{
	cleanup(buffer_deinit) struct buffer target = BUFFER_NULL;

	int r = buffer_append(&target, "/services/", 10);
	if (r == 0)
		r = uri_escape(&target, bytes_text(c->service), "");
	if (r == 0)
		r = buffer_print(&target, "%s", path);
	if (r == 0 && id.len)
		r = buffer_append(&target, id.data, id.len);
	if (r == 0)
		r = buffer_print(&target, "%s", query);
	if (r < 0)
		return r;
	http_call_begin(call, head, HTTP_POST, buffer_bytes(&target));
	return 0;
}

/* ---- the request ---- */

static void clerk_explain(const struct clerk *c, int status, struct fault *why)
{
	int error = reply_error(status);

	if (status == 401)
		fault_set(why, error,
			"the hub wants a token from who serves '%s', with --token-file FILE or in "
			"$FERRY_TOKEN",
			c->service);
	else if (error == -EACCES)
		fault_set(why, error, "the hub does not let this client serve '%s'", c->service);
	else
		fault_set(why, -EINVAL, "the hub does not take '%s' as a service (%d)", c->service,
			status);
}

static void clerk_has_left(struct clerk *c)
{
	clerk_break(c);
	c->handler->over(c, NULL);
}

/* The reply that went along is one that nobody waits for, or the hub is one that has no request for
 * an answer: then it is asked by itself. */
static void take_on_no_request(struct clerk *c, int status)
{
	c->asked = false;
	c->anew = true;
	if (c->replying)
		clerk_refuse(c, status);
}

static void take_on_head(struct http_call *call, const struct http_response *r)
{
	struct clerk *c = clerk_of_take(call);
	struct bytes id = http_fields_get_only(&r->fields, "Request-Id");

	if (c->asked && (c->replying || r->status != 200)) {
		take_on_no_request(c, r->status);
		return;
	}
	c->asked = c->leaving = false;
	buffer_consume(&c->id, buffer_len(&c->id));
	if (r->status >= 400 && r->status < 500 && reply_error(r->status) != -EAGAIN) {
		struct fault why;
		clerk_explain(c, r->status, &why);
		http_call_break(call);
		c->handler->refused(c, &why);
	} else if (r->status == 200 && id.len && buffer_append(&c->id, id.data, id.len) == 0) {
		c->serving = c->owing = true;
		c->handler->request(c, r);
	}
}

static void take_on_body(struct http_call *call, struct bytes piece)
{
	struct clerk *c = clerk_of_take(call);

	if (c->serving)
		c->handler->body(c, piece);
}

/* Without a request: the hub stops, say, or has as many clients as it may. */
static void take_on_ended(struct http_call *call)
{
	struct clerk *c = clerk_of_take(call);

	if (c->serving)
		c->handler->whole(c);
	else if (c->leaving)
		clerk_has_left(c);
	else if (c->anew)
		clerk_next(c);
	else if (!buffer_len(&c->id))
		clerk_retry(c);
}

static bool clerk_has_replied(const struct clerk *c)
{
	return c->replying && c->way == &c->reply && !c->reply.left;
}

static void take_on_failed(struct http_call *call, const struct fault *why)
{
	struct clerk *c = clerk_of_take(call);

	if (clerk_has_replied(c))
		return; /* the hub may well want no more of the request then */
	c->asked = c->anew = false;
	if (c->leaving)
		clerk_has_left(c);
	else if (c->serving)
		clerk_finish(c, why);
	else if (http_call_is_stale(call))
		clerk_next(c);
	else if (!buffer_len(&c->id) && call->opened && !call->heard && why->error != -EACCES)
		clerk_retry(c); /* a hub, or what is between, may end what is silent for long */
	else if (!buffer_len(&c->id))
		clerk_lose_hub(c, why);
}

static const struct http_call_handler clerk_take = {
	.head = take_on_head,
	.body = take_on_body,
	.ended = take_on_ended,
	.failed = take_on_failed,
	.writable = take_on_writable,
};

void clerk_next(struct clerk *c)
{
	struct http_writer head;

	c->serving = c->replying = false;
	if (c->asked)
		return;
	c->anew = false;
	if (c->owing) /* so it learns that none comes */
		http_call_break(&c->take);
	c->owing = false;
	uv_timer_stop(c->timer);
	buffer_consume(&c->id, buffer_len(&c->id));
	int r = clerk_post(c, &c->take, c->goes_on ? "/next?tied=reply" : "/next?tied=1",
		BYTES_NULL, "", &head);
	if (r == 0)
		r = http_call_start(&c->take, &head, 0, DIAL_MS);
	if (r < 0)
		clerk_retry(c);
}

void clerk_hold(struct clerk *c)
{
	http_call_hold(&c->take);
}

void clerk_proceed(struct clerk *c)
{
	http_call_proceed(&c->take);
}

/* ---- the reply ---- */

static void reply_on_head(struct http_call *call, const struct http_response *r)
{
	if (r->status >= 300)
		clerk_refuse(clerk_of_reply(call), r->status);
}

static void reply_on_body(struct http_call *call, struct bytes piece)
{
}

static void reply_on_ended(struct http_call *call)
{
	clerk_finish(clerk_of_reply(call), NULL);
}

static void reply_on_failed(struct http_call *call, const struct fault *why)
{
	clerk_finish(clerk_of_reply(call), why);
}

static void reply_on_writable(struct http_call *call)
{
	struct clerk *c = clerk_of_reply(call);

	if (c->replying)
		c->handler->writable(c);
}

static const struct http_call_handler clerk_reply_handler = {
	.head = reply_on_head,
	.body = reply_on_body,
	.ended = reply_on_ended,
	.failed = reply_on_failed,
	.writable = reply_on_writable,
};

static void clerk_on_sent(struct ending *e)
{
	clerk_look_sent(container_of(e, struct clerk, sent));
}

/* What was written last is sent at the end of the turn, before this ending comes. */
static int clerk_wrote(struct clerk *c, int r)
{
	if (r == 0 && c->asked && !c->take.left)
		ending_ask(c->take.link.loop, &c->sent);
	return r;
}

int clerk_begin(struct clerk *c, const struct clerk_reply *r)
{
	bool same = c->goes_on && c->take.over && c->take.kept;
	struct http_call *way = same ? &c->take : &c->reply;
	struct http_writer head;

	if (!c->serving)
		return -EPIPE;
	int e = clerk_post(
		c, way, "/replies/", buffer_bytes(&c->id), same ? "?next=1&tied=reply" : "", &head);
	if (e < 0)
		return e;
	if (r->type)
		http_writer_text(&head, "Content-Type", r->type);
	if (r->exit >= 0)
		http_writer_number(&head, "Exit-Status", (uint64_t)r->exit);
	if (r->lines.len && buffer_append(head.out, r->lines.data, r->lines.len) < 0)
		return -ENOMEM;
	e = http_call_start(way, &head, r->length, DIAL_MS);
	c->replying = e == 0;
	c->asked = same && e == 0;
	c->way = way;
	if (c->asked)
		buffer_consume(&c->id, buffer_len(&c->id));
	return clerk_wrote(c, e);
}

int clerk_write(struct clerk *c, struct bytes piece)
{
	return c->replying ? clerk_wrote(c, http_call_write(c->way, piece)) : 0;
}

int clerk_end(struct clerk *c, int exit)
{
	char trailer[32];
	int len = 0;

	if (!c->replying)
		return 0;
	if (exit >= 0)
		len = snprintf(trailer, sizeof(trailer), "Exit-Status: %d\r\n", exit);
	return clerk_wrote(c, http_call_end(c->way, bytes_of(trailer, (size_t)len)));
}

/* Whatever is said behind a call that waits for a request ends the wait. */
bool clerk_leave(struct clerk *c)
{
	if (c->asked && !c->replying &&
		http_call_follow(&c->take, HTTP_HEAD, BYTES_LITERAL("/")) == 0) {
		c->leaving = true;
		return true;
	}
	clerk_break(c);
	return false;
}

/* ---- life ---- */

int clerk_init(struct clerk *c, struct loop *l, const struct address *a, struct trust *trust,
	const char *service, const struct clerk_handler *handler)
{
	*c = CLERK_NULL;
	c->handler = handler;
	c->service = service;
	c->way = &c->reply;
	ending_init(&c->sent, clerk_on_sent);
	c->timer = malloc(sizeof(*c->timer));
	if (!c->timer)
		return -ENOMEM;
	uv_timer_init(&l->uv, c->timer);
	c->timer->data = c;
	int r = http_call_init(&c->take, l, a, trust, &clerk_take);
	return r < 0 ? r : http_call_init(&c->reply, l, a, trust, &clerk_reply_handler);
}

void clerk_break(struct clerk *c)
{
	if (!c->timer)
		return;
	c->serving = c->replying = c->asked = c->anew = c->leaving = false;
	ending_cancel(&c->sent);
	uv_timer_stop(c->timer);
	http_call_break(&c->take);
	http_call_break(&c->reply);
}

static void clerk_free_timer(uv_handle_t *timer)
{
	free(timer);
}

void clerk_deinit(struct clerk *c)
{
	clerk_break(c);
	http_call_deinit(&c->take);
	http_call_deinit(&c->reply);
	buffer_deinit(&c->id);
	if (c->timer)
		uv_close((uv_handle_t *)c->timer, clerk_free_timer);
	c->timer = NULL;
}

#include "client/answerer.h"

#include "base/cleanup.h"
#include "client/environment.h"
#include "client/http_call.h"
#include "net/child.h"
#include "wire/uri.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	AWAY_MS = 500,	     /* until the next try */
	TERMINATE_MS = 1000, /* between SIGTERM and SIGKILL */
	DIAL_MS = 10000,
	EXIT_TIMEOUT = 124,
	EXIT_NOT_RUN = 127,
};

/* What the timer is for. */
enum answerer_wait { WAIT_NOTHING, WAIT_HUB, WAIT_COMMAND, WAIT_END };

struct answerer {
	struct loop *loop;
	struct answerer_options options;
	struct http_call take;	/* brings the request */
	struct http_call reply; /* brings the reply */
	struct stream input;	/* of the command */
	struct stream output;
	struct child *child;
	uv_timer_t *timer;
	enum answerer_wait wait;
	struct ending next; /* what was used is freed first */
	int exit;
	bool whole;   /* the request has come; some of it waits for the command */
	bool exited;  /* the command has */
	bool drained; /* and all of its output is read */
	bool replied; /* the hub has all of it, or wants no more */
	bool late;    /* the command was ended by --timeout */
	bool met;     /* the hub has answered once */
	bool away;    /* it does not answer now */
	bool stopping;
	struct fault why;
};

static struct answerer *answerer_of_take(struct http_call *c)
{
	return container_of(c, struct answerer, take);
}

static struct answerer *answerer_of_reply(struct http_call *c)
{
	return container_of(c, struct answerer, reply);
}

static struct answerer *answerer_of_input(struct stream *s)
{
	return container_of(s, struct answerer, input);
}

static struct answerer *answerer_of_output(struct stream *s)
{
	return container_of(s, struct answerer, output);
}

/* ---- time ---- */

static void answerer_on_timer(uv_timer_t *timer);

static void answerer_wait(struct answerer *a, enum answerer_wait wait, uint64_t ms)
{
	a->wait = wait;
	if (wait == WAIT_NOTHING || !ms)
		uv_timer_stop(a->timer);
	else
		uv_timer_start(a->timer, answerer_on_timer, ms, 0);
}

/* The command, and what it left behind with its output open, is not wanted any more. */
static void answerer_end_command(struct answerer *a)
{
	if (!a->child || (a->exited && a->drained) || a->wait == WAIT_END)
		return;
	child_signal(a->child, SIGTERM);
	answerer_wait(a, WAIT_END, TERMINATE_MS);
}

static void answerer_on_timer(uv_timer_t *timer)
{
	struct answerer *a = timer->data;

	switch (a->wait) {
	case WAIT_HUB:
		ending_ask(a->loop, &a->next);
		break;
	case WAIT_COMMAND:
		a->late = true;
		answerer_end_command(a);
		break;
	case WAIT_END:
		child_signal(a->child, SIGKILL);
		break;
	case WAIT_NOTHING:
		break;
	}
}

/* ---- from one request to the next ---- */

static void answerer_clear(struct answerer *a)
{
	answerer_wait(a, WAIT_NOTHING, 0);
	stream_deinit(&a->input);
	stream_deinit(&a->output);
	a->child = child_free(a->child);
	a->whole = a->exited = a->drained = a->replied = a->late = false;
}

/* Both the command and the hub are done with it, so the next can come. */
static void answerer_settle(struct answerer *a)
{
	if (a->replied && a->exited)
		ending_ask(a->loop, &a->next);
}

/* The hub does not answer; it may come back. */
static void answerer_lose_hub(struct answerer *a, const struct fault *why)
{
	char line[FAULT_TEXT_MAX + 64];

	if (!a->met) {
		a->why = *why;
		a->stopping = true;
		ending_ask(a->loop, &a->next);
		return;
	}
	if (!a->away) {
		snprintf(line, sizeof(line), "%s; trying again", why->text);
		a->options.noted(a->options.data, line);
	}
	a->away = true;
	answerer_wait(a, WAIT_HUB, AWAY_MS);
}

/* ---- the command ---- */

static void answerer_give_back(struct answerer *a)
{
	char trailer[32];

	if (!a->exited || !a->drained || a->replied)
		return;
	int len = snprintf(
		trailer, sizeof(trailer), "Exit-Status: %d\r\n", a->late ? EXIT_TIMEOUT : a->exit);
	if (http_call_end(&a->reply, bytes_of(trailer, (size_t)len)) < 0) {
		a->replied = true;
		answerer_settle(a);
	}
}

static void answerer_on_output(struct stream *s, struct bytes data)
{
	struct answerer *a = answerer_of_output(s);

	if (a->replied)
		return;
	if (http_call_write(&a->reply, data) < 0)
		answerer_end_command(a);
	else if (http_call_is_blocked(&a->reply))
		stream_pause(s);
}

static void answerer_on_output_ended(struct stream *s)
{
	struct answerer *a = answerer_of_output(s);

	a->drained = true;
	answerer_give_back(a);
}

static void answerer_on_output_failed(struct stream *s, int error)
{
	answerer_on_output_ended(s);
}

static const struct stream_handler answerer_output = {
	.received = answerer_on_output,
	.ended = answerer_on_output_ended,
	.failed = answerer_on_output_failed,
};

static void answerer_on_input_taken(struct stream *s)
{
	struct answerer *a = answerer_of_input(s);

	if (a->whole)
		stream_deinit(s);
	else
		http_call_proceed(&a->take);
}

/* A command need not read all it is sent. */
static void answerer_on_input_closed(struct stream *s, int error)
{
	stream_deinit(s);
	http_call_proceed(&answerer_of_input(s)->take);
}

static const struct stream_handler answerer_input = {
	.writable = answerer_on_input_taken,
	.failed = answerer_on_input_closed,
};

static void answerer_on_exited(void *arg, struct child *c, int code)
{
	struct answerer *a = arg;

	a->exit = code;
	a->exited = true;
	answerer_give_back(a);
	answerer_settle(a);
}

static int answerer_run(struct answerer *a, const struct http_response *r)
{
	char **environment = environment_new(a->options.service, r);
	int from, to;

	if (!environment)
		return -ENOMEM;
	int e = child_start_piped(
		&a->child, a->loop, a->options.args, environment, &from, &to, &a->why);
	environment_free(environment);
	if (e < 0)
		return e;
	child_set_exited(a->child, answerer_on_exited, a);
	answerer_wait(a, WAIT_COMMAND, a->options.timeout);
	e = stream_init(&a->input, a->loop, to, &answerer_input);
	stream_pause(&a->input); /* it is written only */
	int f = stream_init(&a->output, a->loop, from, &answerer_output);
	if (e < 0 || f < 0)
		child_signal(a->child, SIGKILL);
	return e < 0 ? e : f;
}

/* ---- the reply ---- */

static void reply_on_head(struct http_call *c, const struct http_response *r)
{
	if (r->status >= 300)
		answerer_end_command(answerer_of_reply(c));
}

static void reply_on_body(struct http_call *c, struct bytes piece)
{
}

static void reply_is_over(struct answerer *a)
{
	a->replied = true;
	answerer_end_command(a);
	answerer_settle(a);
}

static void reply_on_ended(struct http_call *c)
{
	reply_is_over(answerer_of_reply(c));
}

static void reply_on_failed(struct http_call *c, const struct fault *why)
{
	reply_is_over(answerer_of_reply(c));
}

static void reply_on_writable(struct http_call *c)
{
	struct answerer *a = answerer_of_reply(c);

	if (stream_is_open(&a->output))
		stream_resume(&a->output);
}

static const struct http_call_handler answerer_reply = {
	.head = reply_on_head,
	.body = reply_on_body,
	.ended = reply_on_ended,
	.failed = reply_on_failed,
	.writable = reply_on_writable,
};

static int answerer_post(struct answerer *a, struct http_call *c, const char *path, struct bytes id)
{
	cleanup(buffer_deinit) struct buffer target = BUFFER_NULL;
	struct http_writer head;

	int r = buffer_append(&target, "/services/", 10);
	if (r == 0)
		r = uri_escape(&target, bytes_text(a->options.service), "");
	if (r == 0)
		r = buffer_print(&target, "%s%.*s", path, (int)id.len, (const char *)id.data);
	if (r < 0)
		return r;
	http_call_begin(c, &head, HTTP_POST, buffer_bytes(&target));
	if (id.len)
		http_writer_text(&head, "Content-Type", a->options.type);
	return http_call_start(c, &head, id.len ? HTTP_LENGTH_UNKNOWN : 0, DIAL_MS);
}

/* ---- the request ---- */

static void answerer_on_not_run(struct answerer *a, int error)
{
	if (!a->why.error)
		fault_errno(&a->why, error, "cannot run the command");
	a->options.noted(a->options.data, a->why.text);
	a->why = FAULT_NULL;
	a->child = child_free(a->child);
	a->exit = EXIT_NOT_RUN;
	a->exited = a->drained = true;
	answerer_give_back(a);
	answerer_settle(a);
}

static void take_on_head(struct http_call *c, const struct http_response *r)
{
	struct answerer *a = answerer_of_take(c);
	struct bytes id = http_fields_get_only(&r->fields, "Request-Id");

	if (a->away)
		a->options.noted(a->options.data, "the hub is back");
	a->met = true;
	a->away = false;
	if (r->status >= 400 && r->status < 500) {
		fault_set(&a->why, -EINVAL, "the hub does not take '%s' as a service (%d)",
			a->options.service, r->status);
		a->stopping = true;
	}
	if (r->status != 200 || !id.len)
		return;
	int e = answerer_post(a, &a->reply, "/replies/", id);
	a->replied = e < 0;
	if (e == 0)
		e = answerer_run(a, r);
	if (e < 0)
		answerer_on_not_run(a, e);
}

static void take_on_body(struct http_call *c, struct bytes piece)
{
	struct answerer *a = answerer_of_take(c);

	if (!stream_is_open(&a->input))
		return;
	if (stream_write(&a->input, piece.data, piece.len) == 0 && stream_is_blocked(&a->input))
		http_call_hold(c);
}

static void answerer_end_input(struct answerer *a)
{
	if (stream_queued(&a->input))
		a->whole = true;
	else
		stream_deinit(&a->input);
}

static void take_on_ended(struct http_call *c)
{
	struct answerer *a = answerer_of_take(c);

	if (a->child)
		answerer_end_input(a);
	else if (!a->exited)
		answerer_wait(a, WAIT_HUB, a->stopping ? 1 : AWAY_MS);
}

static void take_on_failed(struct http_call *c, const struct fault *why)
{
	struct answerer *a = answerer_of_take(c);

	if (a->child)
		answerer_end_command(a);
	else if (!a->exited && http_call_is_stale(c))
		ending_ask(a->loop, &a->next);
	else if (!a->exited)
		answerer_lose_hub(a, why);
}

static const struct http_call_handler answerer_take = {
	.head = take_on_head,
	.body = take_on_body,
	.ended = take_on_ended,
	.failed = take_on_failed,
};

static void answerer_on_next(struct ending *e)
{
	struct answerer *a = container_of(e, struct answerer, next);

	answerer_clear(a);
	if (a->stopping) {
		a->options.done(a->options.data, &a->why);
		return;
	}
	int r = answerer_post(a, &a->take, "/next?tied=1", BYTES_NULL);
	if (r < 0)
		answerer_wait(a, WAIT_HUB, AWAY_MS);
}

/* ---- life ---- */

static int answerer_init(struct answerer *a)
{
	const struct address *address = a->options.address;

	a->take = HTTP_CALL_NULL;
	a->reply = HTTP_CALL_NULL;
	a->input = STREAM_NULL;
	a->output = STREAM_NULL;
	ending_init(&a->next, answerer_on_next);
	a->timer = malloc(sizeof(*a->timer));
	if (!a->timer)
		return -ENOMEM;
	uv_timer_init(&a->loop->uv, a->timer);
	a->timer->data = a;
	int r = http_call_init(&a->take, a->loop, address, &answerer_take);
	return r < 0 ? r : http_call_init(&a->reply, a->loop, address, &answerer_reply);
}

struct answerer *answerer_new(struct loop *l, const struct answerer_options *options)
{
	struct answerer *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->loop = l;
	a->options = *options;
	if (answerer_init(a) < 0)
		return answerer_free(a);
	ending_ask(l, &a->next);
	return a;
}

void answerer_stop(struct answerer *a)
{
	a->stopping = true;
	if (!a->child && !a->exited)
		ending_ask(a->loop, &a->next);
}

static void answerer_free_timer(uv_handle_t *timer)
{
	free(timer);
}

struct answerer *answerer_free(struct answerer *a)
{
	if (!a)
		return NULL;
	http_call_deinit(&a->take);
	http_call_deinit(&a->reply);
	ending_cancel(&a->next);
	if (a->timer) {
		answerer_end_command(a);
		answerer_clear(a);
		uv_close((uv_handle_t *)a->timer, answerer_free_timer);
	}
	free(a);
	return NULL;
}

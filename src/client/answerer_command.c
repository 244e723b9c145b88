/*
 * An answerer that runs a command for each request: the request is its standard input, its standard
 * output the reply. The reply begins at once and ends when the command has exited and nobody has
 * its output open any more.
 */

#include "client/answerer_kind.h"
#include "client/environment.h"
#include "net/child.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

enum {
	TERMINATE_MS = 1000, /* between SIGTERM and SIGKILL */
	EXIT_TIMEOUT = 124,
	EXIT_NOT_RUN = 127,
};

struct command {
	struct answerer answerer;
	struct stream input; /* of the command */
	struct stream output;
	struct child *child;
	uv_timer_t *timer;
	int exit;
	bool whole;   /* the request has come; some of it waits for the command */
	bool exited;  /* the command has */
	bool drained; /* and all of its output is read */
	bool late;    /* it was ended by --timeout */
	bool ending;  /* it has had SIGTERM */
};

static struct command *command_of(struct answerer *a)
{
	return container_of(a, struct command, answerer);
}

/* ---- time ---- */

static void command_on_timer(uv_timer_t *timer);

/* The command, and what it left behind with its output open, is not wanted any more. */
static void command_end(struct command *m)
{
	if (!m->child || (m->exited && m->drained) || m->ending)
		return;
	m->ending = true;
	child_signal(m->child, SIGTERM);
	uv_timer_start(m->timer, command_on_timer, TERMINATE_MS, 0);
}

static void command_on_timer(uv_timer_t *timer)
{
	struct command *m = timer->data;

	if (m->ending) {
		child_signal(m->child, SIGKILL);
	} else {
		m->late = true;
		command_end(m);
	}
}

/* ---- out ---- */

static void command_give_back(struct command *m)
{
	struct answerer *a = &m->answerer;

	if (m->exited && m->drained && clerk_end(&a->clerk, m->late ? EXIT_TIMEOUT : m->exit) < 0)
		answerer_give_up(a);
}

static void command_on_output(struct stream *s, struct bytes data)
{
	struct command *m = container_of(s, struct command, output);
	struct clerk *clerk = &m->answerer.clerk;

	if (m->answerer.over)
		return;
	if (clerk_write(clerk, data) < 0)
		command_end(m);
	else if (clerk_is_blocked(clerk))
		stream_pause(s);
}

static void command_on_output_ended(struct stream *s)
{
	struct command *m = container_of(s, struct command, output);

	m->drained = true;
	command_give_back(m);
}

static void command_on_output_failed(struct stream *s, int error)
{
	command_on_output_ended(s);
}

static const struct stream_handler command_output = {
	.received = command_on_output,
	.ended = command_on_output_ended,
	.failed = command_on_output_failed,
};

static void command_writable(struct answerer *a)
{
	struct command *m = command_of(a);

	if (stream_is_open(&m->output))
		stream_resume(&m->output);
}

/* ---- in ---- */

static void command_on_input_taken(struct stream *s)
{
	struct command *m = container_of(s, struct command, input);

	if (m->whole)
		stream_deinit(s);
	else
		clerk_proceed(&m->answerer.clerk);
}

/* A command need not read all it is sent. */
static void command_on_input_closed(struct stream *s, int error)
{
	stream_deinit(s);
	clerk_proceed(&container_of(s, struct command, input)->answerer.clerk);
}

static const struct stream_handler command_input = {
	.writable = command_on_input_taken,
	.failed = command_on_input_closed,
};

static void command_body(struct answerer *a, struct bytes piece)
{
	struct command *m = command_of(a);

	if (!stream_is_open(&m->input))
		return;
	if (stream_write(&m->input, piece.data, piece.len) == 0 && stream_is_blocked(&m->input))
		clerk_hold(&a->clerk);
}

static void command_whole(struct answerer *a)
{
	struct command *m = command_of(a);

	if (stream_queued(&m->input))
		m->whole = true;
	else
		stream_deinit(&m->input);
}

/* ---- the run ---- */

static void command_on_exited(void *arg, struct child *c, int code)
{
	struct command *m = arg;

	m->exit = code;
	m->exited = true;
	command_give_back(m);
	answerer_made(&m->answerer);
}

static int command_run(struct command *m, const struct http_response *r, struct fault *why)
{
	struct answerer *a = &m->answerer;
	char **environment = environment_new(a->options.service, r);
	int from, to;

	if (!environment)
		return fault_errno(why, -ENOMEM, "cannot run the command");
	int e = child_start_piped(
		&m->child, a->loop, a->options.args, environment, &from, &to, why);
	environment_free(environment);
	if (e < 0)
		return e;
	child_set_exited(m->child, command_on_exited, m);
	if (a->options.timeout)
		uv_timer_start(m->timer, command_on_timer, a->options.timeout, 0);
	e = stream_init(&m->input, a->loop, to, &command_input);
	stream_pause(&m->input); /* it is written only */
	int f = stream_init(&m->output, a->loop, from, &command_output);
	if (e == 0 && f == 0)
		return 0;
	child_signal(m->child, SIGKILL);
	m->child = child_free(m->child);
	return fault_errno(why, e < 0 ? e : f, "cannot run the command");
}

static void command_start(struct answerer *a, const struct http_response *r)
{
	const struct clerk_reply reply = {
		.type = a->options.type,
		.length = HTTP_LENGTH_UNKNOWN,
		.exit = -1,
	};
	struct command *m = command_of(a);
	struct fault why;

	if (clerk_begin(&a->clerk, &reply) < 0) {
		answerer_give_up(a);
		answerer_made(a);
		return;
	}
	if (command_run(m, r, &why) == 0)
		return;
	answerer_note(a, why.text);
	m->exit = EXIT_NOT_RUN;
	m->exited = m->drained = true;
	command_give_back(m);
	answerer_made(a);
}

static void command_dismiss(struct answerer *a)
{
	command_end(command_of(a));
}

static void command_clear(struct answerer *a)
{
	struct command *m = command_of(a);

	uv_timer_stop(m->timer);
	stream_deinit(&m->input);
	stream_deinit(&m->output);
	m->child = child_free(m->child);
	m->whole = m->exited = m->drained = m->late = m->ending = false;
}

/* ---- life ---- */

static struct answerer *command_new(void)
{
	struct command *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->input = STREAM_NULL;
	m->output = STREAM_NULL;
	return &m->answerer;
}

static int command_init(struct answerer *a)
{
	struct command *m = command_of(a);

	m->timer = malloc(sizeof(*m->timer));
	if (!m->timer)
		return -ENOMEM;
	uv_timer_init(&a->loop->uv, m->timer);
	m->timer->data = m;
	return 0;
}

static void command_free_timer(uv_handle_t *timer)
{
	free(timer);
}

static void command_free(struct answerer *a)
{
	struct command *m = command_of(a);

	if (m->timer) {
		command_end(m);
		command_clear(a);
		uv_close((uv_handle_t *)m->timer, command_free_timer);
	}
	free(m);
}

const struct answerer_kind answerer_command = {
	.new = command_new,
	.init = command_init,
	.free = command_free,
	.start = command_start,
	.body = command_body,
	.whole = command_whole,
	.writable = command_writable,
	.dismiss = command_dismiss,
	.clear = command_clear,
};

/*
 * ferry send: one message, or each line of standard input, to a hub; it succeeds when the hub has
 * stored all of them.
 */

#include "base/log.h"
#include "cli/command.h"
#include "cli/input.h"
#include "cli/interrupt.h"
#include "client/session.h"

#include <errno.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

enum { SEND_PROGRESS_MS = 200 };

struct send_settings {
	const char *topic;
	const char *name;
	const char *wire;
	uint64_t timeout;
};

struct send {
	const struct send_settings *settings;
	struct loop loop;
	struct interrupt interrupt;
	uv_timer_t patience; /* since something was stored, while something is to be */
	uv_timer_t progress; /* shown on a terminal */
	struct input input;
	struct session *session;
	uint64_t given;
	uint64_t stored;
	bool opened;
	bool shown;
	struct fault lost; /* what the hub last said in place of storing, or why it is away */
	struct fault why;  /* of its end */
};

static const struct option_entry send_options[] = {
	OPTION_TOPIC(struct send_settings),
	OPTION_NAME(struct send_settings),
	{"timeout", 0, OPTION_SPAN, offsetof(struct send_settings, timeout), "SPAN", "30s", 1, 0,
		"give up when nothing was stored for so long (500ms, 30s, 10m)"},
	OPTION_WIRE(struct send_settings),
	OPTION_END,
};

static void send_end(struct send *s)
{
	s->session = session_free(s->session);
	input_deinit(&s->input);
	loop_stop(&s->loop);
}

/* ---- patience and progress ---- */

static void send_on_impatience(uv_timer_t *timer)
{
	struct send *s = container_of(timer, struct send, patience);
	bool told = s->lost.error == -EAGAIN; /* a hub that is there, but cannot store */

	if (!s->why.error)
		fault_set(&s->why, told ? -EAGAIN : -ETIMEDOUT,
			"the hub has stored nothing for %llu ms%s%s",
			(unsigned long long)s->settings->timeout, told ? "; " : "",
			told ? s->lost.text : "");
	send_end(s);
}

/* Waiting counts from now on, as long as there is something to wait for. Until a connection was up
 * for the first time, the session is the one that gives up. */
static void send_wait_anew(struct send *s)
{
	if (s->opened && s->given > s->stored)
		uv_timer_start(&s->patience, send_on_impatience, s->settings->timeout, 0);
	else
		uv_timer_stop(&s->patience);
}

static void send_on_progress(uv_timer_t *timer)
{
	struct send *s = container_of(timer, struct send, progress);

	fprintf(stderr, "\r%llu read, %llu stored\033[K", (unsigned long long)s->given,
		(unsigned long long)s->stored);
	s->shown = true;
}

static void send_clear_progress(const struct send *s)
{
	if (s->shown)
		fputs("\r\033[K", stderr);
}

/* ---- the session ---- */

static void send_on_settled(void *data, int error, uint64_t id)
{
	struct send *s = data;

	if (!error)
		s->stored++;
	s->lost = FAULT_NULL;
	send_wait_anew(s);
}

static void send_publish(struct send *s, struct bytes body)
{
	int r = session_publish(s->session, body, send_on_settled, s);

	s->given++;
	if (r < 0) {
		fault_errno(&s->why, r, "message %llu", (unsigned long long)s->given);
		send_end(s);
	} else if (!uv_is_active((uv_handle_t *)&s->patience)) {
		send_wait_anew(s);
	}
}

static void send_on_opened(struct session *session)
{
	struct send *s = session_data(session);

	s->opened = true;
	send_wait_anew(s);
}

static void send_on_refused(struct session *session, const struct fault *why)
{
	struct send *s = session_data(session);

	if (!s->why.error)
		s->why = *why;
}

static void send_on_writable(struct session *session)
{
	struct send *s = session_data(session);

	input_resume(&s->input);
}

static void send_on_lost(struct session *session, const struct fault *why, uint64_t retry_ms)
{
	struct send *s = session_data(session);

	s->lost = *why;
	send_clear_progress(s);
	log_note("%s; trying again", why->text);
}

static void send_on_closed(struct session *session, const struct fault *why)
{
	struct send *s = session_data(session);

	if (why->error)
		s->why = *why;
	send_end(s);
}

static const struct session_handler send_session = {
	.opened = send_on_opened,
	.refused = send_on_refused,
	.writable = send_on_writable,
	.lost = send_on_lost,
	.closed = send_on_closed,
};

/* ---- standard input ---- */

static bool send_wants_line(void *data)
{
	struct send *s = data;

	return s->session && !session_is_full(s->session);
}

static void send_on_line(void *data, struct bytes line)
{
	send_publish(data, line);
}

static void send_on_input_end(void *data, int error)
{
	struct send *s = data;

	if (error)
		fault_errno(&s->why, error, "standard input");
	session_finish(s->session);
}

static const struct input_handler send_input = {
	.wants = send_wants_line,
	.line = send_on_line,
	.ended = send_on_input_end,
};

static void send_on_interrupt(void *data)
{
	struct send *s = data;

	fault_set(&s->why, -EAGAIN, "interrupted");
	send_end(s);
}

/* ---- the command ---- */

static int send_start(struct send *s, const struct command_line *line)
{
	const struct send_settings *settings = s->settings;
	struct session_options options = {
		.address = line->words[0],
		.wire = settings->wire,
		.topic = settings->topic,
		.name = settings->name,
		.trust = line->trust,
		.reconnect = true,
		.timeout_ms = settings->timeout,
		.farewell_ms = settings->timeout,
	};

	s->session = session_new(&s->loop, &options, &send_session, s, &s->why);
	if (!s->session)
		return s->why.error;
	uv_timer_init(&s->loop.uv, &s->patience);
	uv_timer_init(&s->loop.uv, &s->progress);
	interrupt_init(&s->interrupt, &s->loop, send_on_interrupt, s);
	if (line->count > 1) {
		send_publish(s, bytes_text(line->words[1]));
		session_finish(s->session);
		return 0;
	}
	int r = input_init(&s->input, &s->loop, &send_input, s);
	if (r < 0)
		return fault_errno(&s->why, r, "standard input");
	if (isatty(STDERR_FILENO) && !isatty(STDIN_FILENO))
		uv_timer_start(&s->progress, send_on_progress, SEND_PROGRESS_MS, SEND_PROGRESS_MS);
	return 0;
}

static int send_run(const struct command_line *line)
{
	struct send s = {.settings = line->settings, .input = INPUT_NULL};

	int r = loop_init(&s.loop);
	if (r < 0) {
		fault_errno(&s.why, r, "cannot start");
		return command_failed(&s.why);
	}
	if (send_start(&s, line) == 0)
		loop_run(&s.loop);
	send_end(&s);
	loop_deinit(&s.loop);
	send_clear_progress(&s);
	if (!s.why.error)
		return EX_OK;
	if (s.given > 1 && s.stored < s.given)
		log_error("%llu of %llu messages are known to be stored",
			(unsigned long long)s.stored, (unsigned long long)s.given);
	return command_failed(&s.why);
}

const struct command command_send = {
	.name = "send",
	.words = "ADDRESS [MESSAGE]",
	.summary = "publishes a message, or each line of standard input",
	.about = "It ends with status 0 once the hub has stored everything, and says how many "
		 "messages\n"
		 "were stored when that were not all. Empty lines are left out.",
	.min_words = 1,
	.max_words = 2,
	.trusts = true,
	.shows_token = true,
	.meets = true,
	.settings_size = sizeof(struct send_settings),
	.options = send_options,
	.examples = {{"ferry send localhost:12345 'the build is done'", "publishes one message"},
		{"dmesg --follow | ferry send /run/hub.sock --topic kernel --name $(hostname)",
			"publishes each line as it comes"}},
	.run = send_run,
};

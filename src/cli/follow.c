/*
 * ferry follow: a topic's messages, as they come, to standard output.
 */

#include "base/log.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/printer.h"
#include "client/session.h"

#include <errno.h>
#include <sysexits.h>

struct follow_settings {
	const char *topic;
	const char *since;
	const char *wire;
	uint64_t count;
	uint64_t timeout;
	bool json;
};

struct follow {
	const struct follow_settings *settings;
	struct loop loop;
	struct interrupt interrupt;
	uv_timer_t limit;
	struct printer printer;
	struct session *session;
	uint64_t count;
	struct fault why; /* of its end */
};

static const struct option_entry follow_options[] = {
	OPTION_TOPIC(struct follow_settings),
	{"since", 's', OPTION_TEXT, offsetof(struct follow_settings, since), "SINCE", NULL, 0, 0,
		"begin in the past: behind an id, at `all` there is, or so long ago (10m)"},
	{"count", 'c', OPTION_NUMBER, offsetof(struct follow_settings, count), "N", NULL, 1, 0,
		"end after N messages"},
	OPTION_TIMEOUT(struct follow_settings, NULL),
	OPTION_JSON(struct follow_settings),
	OPTION_WIRE(struct follow_settings),
	OPTION_END,
};

static void follow_end(struct follow *f)
{
	f->session = session_free(f->session);
	loop_stop(&f->loop);
}

/* ---- the session ---- */

static void follow_on_message(struct session *s, const struct message *m)
{
	struct follow *f = session_data(s);

	printer_message(&f->printer, m);
	if (++f->count == f->settings->count)
		follow_end(f);
	else if (printer_is_full(&f->printer))
		session_pause(s);
}

static void follow_on_skipped(struct session *s, uint64_t count)
{
	struct follow *f = session_data(s);

	printer_skipped(&f->printer, count);
}

static void follow_on_opened(struct session *s)
{
	log_detail("connected (%s)", session_wire_name(s));
}

static void follow_on_lost(struct session *s, const struct fault *why, uint64_t retry_ms)
{
	log_note("%s; trying again", why->text);
}

static void follow_on_closed(struct session *s, const struct fault *why)
{
	struct follow *f = session_data(s);

	f->why = *why;
	if (!why->error && f->settings->count)
		fault_set(&f->why, -ECONNRESET, "the other side ended after %llu of %llu messages",
			(unsigned long long)f->count, (unsigned long long)f->settings->count);
	follow_end(f);
}

static const struct session_handler follow_session = {
	.opened = follow_on_opened,
	.message = follow_on_message,
	.skipped = follow_on_skipped,
	.lost = follow_on_lost,
	.closed = follow_on_closed,
};

/* ---- what ends it ---- */

static void follow_on_room(void *data)
{
	struct follow *f = data;

	if (f->session)
		session_resume(f->session);
}

static void follow_on_unread(void *data, int error)
{
	struct follow *f = data;

	fault_errno(&f->why, error, "standard output");
	follow_end(f);
}

static const struct printer_handler follow_printer = {
	.room = follow_on_room,
	.failed = follow_on_unread,
};

static void follow_on_interrupt(void *data)
{
	follow_end(data);
}

static void follow_on_limit(uv_timer_t *timer)
{
	struct follow *f = container_of(timer, struct follow, limit);

	fault_set(&f->why, -ETIMEDOUT, "the time ran out after %llu messages",
		(unsigned long long)f->count);
	follow_end(f);
}

/* ---- the command ---- */

static int follow_start(struct follow *f, const char *address, struct trust *trust)
{
	const struct follow_settings *settings = f->settings;
	struct session_options options = {
		.address = address,
		.wire = settings->wire,
		.topic = settings->topic,
		.since = settings->since,
		.follow = true,
		.announce = true,
		.trust = trust,
		.reconnect = true,
		.timeout_ms = settings->timeout,
	};

	int r = printer_init(&f->printer, &f->loop, settings->json, &follow_printer, f);
	if (r < 0)
		return fault_errno(&f->why, r, "standard output");
	f->session = session_new(&f->loop, &options, &follow_session, f, &f->why);
	if (!f->session)
		return f->why.error;
	interrupt_init(&f->interrupt, &f->loop, follow_on_interrupt, f);
	uv_timer_init(&f->loop.uv, &f->limit);
	if (settings->timeout)
		uv_timer_start(&f->limit, follow_on_limit, settings->timeout, 0);
	return 0;
}

static int follow_run(const struct command_line *line)
{
	struct follow f = {.settings = line->settings, .printer = PRINTER_NULL};

	int r = loop_init(&f.loop);
	if (r < 0) {
		fault_errno(&f.why, r, "cannot start");
		return command_failed(&f.why);
	}
	if (follow_start(&f, line->words[0], line->trust) == 0)
		loop_run(&f.loop);
	r = printer_drain(&f.printer);
	if (r < 0 && !f.why.error)
		fault_errno(&f.why, r, "standard output");
	printer_deinit(&f.printer);
	loop_deinit(&f.loop);
	return f.why.error ? command_failed(&f.why) : EX_OK;
}

const struct command command_follow = {
	.name = "follow",
	.words = "ADDRESS",
	.summary = "prints a topic's messages as they come",
	.about = "Each message is a line, `FROM: BODY`, or with --json an object. When the hub "
		 "goes away\n"
		 "and comes back, it goes on behind the last message it printed.",
	.min_words = 1,
	.max_words = 1,
	.trusts = true,
	.shows_token = true,
	.meets = true,
	.settings_size = sizeof(struct follow_settings),
	.options = follow_options,
	.examples = {{"ferry follow localhost:12345", "prints what is said from now on"},
		{"ferry follow localhost:12345 --since 10m --count 3 --json",
			"prints the first three messages of the last ten minutes, as objects"}},
	.run = follow_run,
};

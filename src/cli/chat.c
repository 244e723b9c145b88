/*
 * ferry chat: a person, or a program that talks line by line, and everyone else.
 */

#include "base/log.h"
#include "cli/command.h"
#include "cli/input.h"
#include "cli/interrupt.h"
#include "cli/printer.h"
#include "cli/prompt.h"
#include "cli/terminal.h"
#include "client/session.h"

#include <errno.h>
#include <sysexits.h>

#define CHAT_PRESET "tcp:localhost:12345"
#define CHAT_PROMPT "->"

enum { CHAT_FAREWELL_MS = 1000 };

struct chat_settings {
	const char *topic;
	const char *name;
	const char *since;
	const char *wire;
	uint64_t timeout;
	bool json;
};

/* Lines come from a prompt, or where there is no terminal from an input; what others say goes above
 * the prompt, or to a printer. */
struct chat {
	const struct chat_settings *settings;
	struct loop loop;
	struct interrupt interrupt;
	uv_timer_t patience; /* with the hub, while we are leaving */
	struct session *session;
	struct prompt *prompt;
	struct input input;
	struct printer printer;
	bool opened;
	bool leaving;
	struct fault why; /* of its end */
};

static const struct option_entry chat_options[] = {
	OPTION_TOPIC(struct chat_settings),
	OPTION_NAME(struct chat_settings),
	{"since", 's', OPTION_TEXT, offsetof(struct chat_settings, since), "SINCE", NULL, 0, 0,
		"show the past first: behind an id, `all` there is, or so far back (10m)"},
	OPTION_TIMEOUT(struct chat_settings, "10s"),
	OPTION_JSON(struct chat_settings),
	OPTION_WIRE(struct chat_settings),
	OPTION_END,
};

static void chat_close_input(struct chat *c)
{
	printer_set_prompt(&c->printer, NULL);
	c->prompt = prompt_free(c->prompt);
	input_deinit(&c->input);
}

static void chat_end(struct chat *c)
{
	c->session = session_free(c->session);
	chat_close_input(c);
	loop_stop(&c->loop);
}

static void chat_on_impatience(uv_timer_t *timer)
{
	struct chat *c = container_of(timer, struct chat, patience);

	fault_set(&c->why, -ETIMEDOUT, "%llu messages are not known to be stored",
		(unsigned long long)session_unsettled(c->session));
	chat_end(c);
}

/* Nothing more is said; what was said is still to be stored, and what comes meanwhile is shown. */
static void chat_leave(struct chat *c)
{
	if (c->leaving)
		return;
	c->leaving = true;
	chat_close_input(c);
	session_finish(c->session);
	uv_timer_start(&c->patience, chat_on_impatience, c->settings->timeout, 0);
}

/* ---- what is said here ---- */

static bool is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The word, between white space, as it stands alone or among others. */
static bool chat_says_bye(struct bytes line)
{
	for (size_t i = 0; i < line.len;) {
		while (i < line.len && is_space(line.data[i]))
			i++;
		size_t start = i;
		while (i < line.len && !is_space(line.data[i]))
			i++;
		if (bytes_equal(bytes_of(line.data + start, i - start), BYTES_LITERAL("bye")))
			return true;
	}
	return false;
}

static void chat_on_line(void *data, struct bytes line)
{
	struct chat *c = data;

	int r = session_publish(c->session, line, NULL, NULL);
	if (r < 0)
		printer_note(&c->printer, "the message was not sent: %s", strerror(-r));
	if (chat_says_bye(line))
		chat_leave(c);
}

static void chat_on_typed_end(void *data)
{
	chat_leave(data);
}

static const struct prompt_handler chat_prompt = {
	.typed = chat_on_line,
	.ended = chat_on_typed_end,
};

static bool chat_wants_line(void *data)
{
	struct chat *c = data;

	return !c->leaving && !session_is_full(c->session);
}

static void chat_on_input_end(void *data, int error)
{
	struct chat *c = data;

	if (error)
		fault_errno(&c->why, error, "standard input");
	chat_leave(c);
}

static const struct input_handler chat_input = {
	.wants = chat_wants_line,
	.line = chat_on_line,
	.ended = chat_on_input_end,
};

static int chat_open_input(struct chat *c)
{
	if (!prompt_is_possible())
		return input_init(&c->input, &c->loop, &chat_input, c);
	c->prompt = prompt_new(&c->loop, CHAT_PROMPT, &chat_prompt, c);
	printer_set_prompt(&c->printer, c->prompt);
	return c->prompt ? 0 : -ENOMEM;
}

/* ---- the session ---- */

static void chat_on_opened(struct session *s)
{
	struct chat *c = session_data(s);

	if (c->opened) {
		printer_note(&c->printer, "connected again");
		return;
	}
	c->opened = true;
	log_detail("connected (%s)", session_wire_name(s));
	int r = chat_open_input(c);
	if (r < 0) {
		fault_errno(&c->why, r, "standard input");
		chat_end(c);
	}
}

static void chat_on_message(struct session *s, const struct message *m)
{
	struct chat *c = session_data(s);

	printer_message(&c->printer, m);
	if (printer_is_full(&c->printer))
		session_pause(s);
}

static void chat_on_skipped(struct session *s, uint64_t count)
{
	struct chat *c = session_data(s);

	printer_skipped(&c->printer, count);
}

static void chat_on_refused(struct session *s, const struct fault *why)
{
	struct chat *c = session_data(s);

	if (session_is_open(s))
		printer_note(&c->printer, "a message was not stored: %s", why->text);
	if (why->error == -EACCES && !c->why.error)
		fault_set(&c->why, -EACCES, "the hub lets this client read, but not write");
}

static void chat_on_writable(struct session *s)
{
	struct chat *c = session_data(s);

	input_resume(&c->input);
}

static void chat_on_lost(struct session *s, const struct fault *why, uint64_t retry_ms)
{
	struct chat *c = session_data(s);

	printer_note(&c->printer, "%s; trying again", why->text);
}

/* That the other side does not end after us is its own affair. */
static void chat_on_closed(struct session *s, const struct fault *why)
{
	struct chat *c = session_data(s);

	if (why->error && !(c->leaving && why->error == -ETIMEDOUT))
		c->why = *why;
	else if (!c->leaving)
		printer_note(&c->printer, "the other side has ended the conversation");
	chat_end(c);
}

static const struct session_handler chat_session = {
	.opened = chat_on_opened,
	.message = chat_on_message,
	.skipped = chat_on_skipped,
	.refused = chat_on_refused,
	.writable = chat_on_writable,
	.lost = chat_on_lost,
	.closed = chat_on_closed,
};

/* ---- what ends it ---- */

static void chat_on_room(void *data)
{
	struct chat *c = data;

	if (c->session)
		session_resume(c->session);
}

static void chat_on_unread(void *data, int error)
{
	struct chat *c = data;

	fault_errno(&c->why, error, "standard output");
	chat_end(c);
}

static const struct printer_handler chat_printer = {
	.room = chat_on_room,
	.failed = chat_on_unread,
};

static void chat_on_interrupt(void *data)
{
	chat_leave(data);
}

/* ---- the command ---- */

static int chat_start(struct chat *c, const char *address, struct trust *trust)
{
	const struct chat_settings *settings = c->settings;
	struct session_options options = {
		.address = address,
		.wire = settings->wire,
		.topic = settings->topic,
		.name = settings->name,
		.since = settings->since,
		.follow = true,
		.trust = trust,
		.reconnect = true,
		.timeout_ms = settings->timeout,
		.farewell_ms = CHAT_FAREWELL_MS,
	};

	int r = printer_init(&c->printer, &c->loop, settings->json, &chat_printer, c);
	if (r < 0)
		return fault_errno(&c->why, r, "standard output");
	c->session = session_new(&c->loop, &options, &chat_session, c, &c->why);
	if (!c->session)
		return c->why.error;
	uv_timer_init(&c->loop.uv, &c->patience);
	interrupt_init(&c->interrupt, &c->loop, chat_on_interrupt, c);
	return 0;
}

static int chat_run(const struct command_line *line)
{
	struct chat c = {.settings = line->settings, .printer = PRINTER_NULL, .input = INPUT_NULL};

	int r = loop_init(&c.loop);
	if (r < 0) {
		fault_errno(&c.why, r, "cannot start");
		return command_failed(&c.why);
	}
	if (chat_start(&c, line->count ? line->words[0] : CHAT_PRESET, line->trust) == 0)
		loop_run(&c.loop);
	chat_end(&c);
	r = printer_drain(&c.printer);
	if (r < 0 && !c.why.error)
		fault_errno(&c.why, r, "standard output");
	printer_deinit(&c.printer);
	loop_deinit(&c.loop);
	return c.why.error ? command_failed(&c.why) : EX_OK;
}

const struct command command_chat = {
	.name = "chat",
	.words = "[ADDRESS]",
	.summary = "talks with everyone at a hub, a line a message",
	.about = "What others say is shown as it comes, `FROM: BODY`. It ends after a message with "
		 "the\n"
		 "word `bye`, or at the end of input. When the hub goes away and comes back, so "
		 "does\n"
		 "the conversation. Without an ADDRESS it is " CHAT_PRESET ".",
	.max_words = 1,
	.trusts = true,
	.shows_token = true,
	.meets = true,
	.settings_size = sizeof(struct chat_settings),
	.options = chat_options,
	.examples = {{"ferry chat --name anna", "talks at the hub of this machine"},
		{"ferry chat localhost:12345 --wire plain", "talks with a server that is no hub"}},
	.run = chat_run,
};

/*
 * ferry serve: answers the requests to a service of a hub with a command.
 */

#include "base/cleanup.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "client/answerer.h"

#include <errno.h>
#include <sysexits.h>

enum { SERVE_WORKERS_MAX = 1024 };

struct serve_settings {
	const char *type;
	uint64_t workers;
	uint64_t timeout;
};

struct serve {
	struct loop loop;
	struct interrupt interrupt;
	struct address address;
	struct answerer **workers;
	size_t count;
	size_t busy; /* not done */
	struct fault why;
};

static const struct option_entry serve_options[] = {
	{"workers", 0, OPTION_NUMBER, offsetof(struct serve_settings, workers), "N", "1", 1,
		SERVE_WORKERS_MAX, "how many requests are answered at a time"},
	{"timeout", 0, OPTION_SPAN, offsetof(struct serve_settings, timeout), "SPAN", NULL, 0, 0,
		"end a command, and all it started, that runs for so long"},
	{"type", 0, OPTION_TEXT, offsetof(struct serve_settings, type), "TYPE",
		"application/octet-stream", 0, 0, "the media type of the replies"},
	OPTION_END,
};

static void serve_stop(struct serve *s)
{
	for (size_t i = 0; i < s->count; i++)
		answerer_stop(s->workers[i]);
}

static void serve_on_interrupt(void *data)
{
	serve_stop(data);
}

static void serve_on_done(void *data, const struct fault *why)
{
	struct serve *s = data;

	if (why->error && !s->why.error) {
		s->why = *why;
		serve_stop(s);
	}
	if (--s->busy == 0)
		loop_stop(&s->loop);
}

static void serve_on_noted(void *data, const char *line)
{
	log_note("%s", line);
}

static int serve_start(struct serve *s, const struct command_line *line, char **args)
{
	const struct serve_settings *settings = line->settings;
	const struct answerer_options options = {
		.address = &s->address,
		.trust = line->trust,
		.service = line->words[1],
		.type = settings->type,
		.args = args,
		.timeout = settings->timeout,
		.done = serve_on_done,
		.noted = serve_on_noted,
		.data = s,
	};

	s->workers = calloc(settings->workers, sizeof(*s->workers));
	while (s->workers && s->count < settings->workers) {
		struct answerer *w = answerer_new(&s->loop, &options);
		if (!w)
			break;
		s->workers[s->count++] = w;
	}
	s->busy = s->count;
	return s->count == settings->workers ? 0 : -ENOMEM;
}

static int serve_run(const struct command_line *line)
{
	struct serve s = {.address = ADDRESS_NULL};
	char *shell[] = {"/bin/sh", "-c", line->words[2], NULL};

	int r = address_parse(&s.address, line->words[0], &s.why);
	if (r < 0)
		return command_failed(&s.why);
	r = loop_init(&s.loop);
	if (r < 0) {
		address_deinit(&s.address);
		fault_errno(&s.why, r, "cannot start");
		return command_failed(&s.why);
	}
	interrupt_init(&s.interrupt, &s.loop, serve_on_interrupt, &s);
	r = serve_start(&s, line, line->count == 3 ? shell : line->words + 2);
	if (r == 0)
		loop_run(&s.loop);
	else
		fault_errno(&s.why, r, "cannot start");
	for (size_t i = 0; i < s.count; i++)
		answerer_free(s.workers[i]);
	free(s.workers);
	loop_deinit(&s.loop);
	address_deinit(&s.address);
	return s.why.error ? command_failed(&s.why) : EX_OK;
}

const struct command command_serve = {
	.name = "serve",
	.words = "ADDRESS SERVICE -- COMMAND [ARGUMENT…]",
	.summary = "answers the requests to a service with a command",
	.about =
		"Each request is COMMAND's standard input, its output the reply, as it comes; the "
		"exit\n"
		"status goes with the reply, standard error is ours. A COMMAND alone is run by "
		"sh -c.\n"
		"It may reply before it has read all. When the asker leaves, the command is ended.",
	.min_words = 3,
	.max_words = -1,
	.trusts = true,
	.shows_token = true,
	.meets = true,
	.settings_size = sizeof(struct serve_settings),
	.options = serve_options,
	.examples = {{"ferry serve localhost:12345 upper -- tr a-z A-Z",
			     "makes `tr` a service for all who reach the hub"},
		{"ferry serve localhost:12345 make --workers 4 --timeout 10m -- 'tar x && make'",
			"answers four at a time, for ten minutes each at most"}},
	.run = serve_run,
};

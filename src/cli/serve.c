/*
 * ferry serve: answers the requests to a service of a hub with a command, or passes them on.
 */

#include "base/cleanup.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "client/answerer.h"
#include "net/trust.h"

#include <errno.h>
#include <sysexits.h>
#include <unistd.h>

enum { SERVE_WORKERS_MAX = 1024 };

struct serve_settings {
	const char *type;
	uint64_t workers;
	uint64_t timeout;
	const char *to;
	const char *path;
	bool with_hub;
};

struct serve {
	struct loop loop;
	struct interrupt interrupt;
	struct address address;
	struct address to;
	struct trust *to_trust; /* which shows it no token of the hub's */
	struct answerer **workers;
	size_t count;
	size_t busy; /* not done */
	const char *service;
	bool met;   /* the hub was there once, */
	bool there; /* and is now */
	struct fault why;
};

static const struct option_entry serve_options[] = {
	{"workers", 0, OPTION_NUMBER, offsetof(struct serve_settings, workers), "N", "1", 1,
		SERVE_WORKERS_MAX, "how many requests are answered at a time"},
	{"timeout", 0, OPTION_SPAN, offsetof(struct serve_settings, timeout), "SPAN", NULL, 0, 0,
		"end a command, and all it started, that runs for so long; with --to, wait so "
		"long"},
	{"type", 0, OPTION_TEXT, offsetof(struct serve_settings, type), "TYPE",
		"application/octet-stream", 0, 0, "the media type of the replies of a command"},
	{"to", 0, OPTION_TEXT, offsetof(struct serve_settings, to), "ADDRESS", NULL, 0, 0,
		"pass each request on to the HTTP server there"},
	{"path", 0, OPTION_TEXT, offsetof(struct serve_settings, path), "PATH", "/", 0, 0,
		"the path that requests are passed on to"},
	{"with-hub", 0, OPTION_FLAG, offsetof(struct serve_settings, with_hub), NULL, NULL, 0, 0,
		"end when the hub does, rather than to wait until it is back"},
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

/* Each of the workers tells. */
static void serve_on_hub(void *data, const struct fault *why)
{
	struct serve *s = data;

	if (s->there == !why)
		return;
	s->there = !why;
	if (why)
		log_note("%s; trying again", why->text);
	else if (s->met)
		log_note("the hub is back");
	else if (isatty(STDERR_FILENO))
		log_note("serving '%s'; Ctrl-C ends it", s->service);
	s->met = true;
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
		.to = settings->to ? &s->to : NULL,
		.to_trust = s->to_trust,
		.path = settings->path,
		.with_hub = settings->with_hub,
		.done = serve_on_done,
		.hub = serve_on_hub,
		.noted = serve_on_noted,
		.data = s,
	};

	s->service = line->words[1];
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

/* What answers: a command or a server, and one of them only. */
static int serve_prepare(struct serve *s, const struct command_line *line)
{
	const struct serve_settings *settings = line->settings;

	if (!settings->to == (line->count == 2))
		return fault_set(&s->why, -EINVAL,
			settings->to ? "either a COMMAND answers, or --to a server"
				     : "say who answers: a COMMAND behind --, or --to a server");
	if (settings->path[0] != '/')
		return fault_set(
			&s->why, -EINVAL, "--path begins with a /, unlike '%s'", settings->path);
	int r = address_parse(&s->address, line->words[0], &s->why);
	if (r < 0 || !settings->to)
		return r;
	r = address_parse(&s->to, settings->to, &s->why);
	if (r < 0)
		return r;
	s->to_trust = trust_new(&(struct trust_options){0}, &s->why);
	return s->to_trust ? 0 : s->why.error;
}

static void serve_loop(struct serve *s, const struct command_line *line)
{
	char *shell[] = {"/bin/sh", "-c", line->count > 2 ? line->words[2] : NULL, NULL};

	interrupt_init(&s->interrupt, &s->loop, serve_on_interrupt, s);
	int r = serve_start(s, line, line->count == 3 ? shell : line->words + 2);
	if (r == 0)
		loop_run(&s->loop);
	else
		fault_errno(&s->why, r, "cannot start");
	for (size_t i = 0; i < s->count; i++)
		answerer_free(s->workers[i]);
	free(s->workers);
}

static int serve_run(const struct command_line *line)
{
	struct serve s = {.address = ADDRESS_NULL, .to = ADDRESS_NULL};

	int r = serve_prepare(&s, line);
	if (r == 0 && (r = loop_init(&s.loop)) < 0)
		fault_errno(&s.why, r, "cannot start");
	if (r == 0) {
		serve_loop(&s, line);
		loop_deinit(&s.loop);
	}
	trust_free(s.to_trust);
	address_deinit(&s.to);
	address_deinit(&s.address);
	return s.why.error ? command_failed(&s.why) : EX_OK;
}

const struct command command_serve = {
	.name = "serve",
	.words = "ADDRESS SERVICE [-- COMMAND [ARGUMENT…]]",
	.summary = "answers the requests to a service with a command, or passes them on",
	.about = "Each request is COMMAND's standard input, its output the reply, as it comes; the "
		 "exit\n"
		 "status goes with the reply, standard error is ours. A COMMAND alone is run by "
		 "sh -c.\n"
		 "It may reply before it has read all. When the asker leaves, the command is "
		 "ended.\n"
		 "With --to there is no COMMAND: an HTTP server answers.",
	.min_words = 2,
	.max_words = -1,
	.trusts = true,
	.shows_token = true,
	.meets = true,
	.settings_size = sizeof(struct serve_settings),
	.options = serve_options,
	.examples = {{"ferry serve localhost:12345 upper -- tr a-z A-Z",
			     "makes `tr` a service for all who reach the hub"},
		{"ferry serve localhost:12345 app --to unix:/run/app.sock",
			"makes a service of a web application"}},
	.run = serve_run,
};

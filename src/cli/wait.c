/*
 * ferry wait: asks addresses until they are in service, then becomes the command it was given.
 */

#include "base/log.h"
#include "cli/command.h"
#include "relay/probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { WAIT_TIMED_OUT = 124, WAIT_CANNOT_RUN = 126, WAIT_NOT_FOUND = 127 };

struct wait_settings {
	uint64_t timeout;
	const char *http;
	const char *line;
	bool any;
	bool all;
};

struct wait {
	const struct wait_settings *settings;
	struct loop loop;
	uv_timer_t limit;
	regex_t line;
	bool has_line;
	struct probe **probes;
	size_t count;
	size_t up;
	size_t barred; /* these never will be */
	bool timed_out;
};

static const struct option_entry wait_options[] = {
	OPTION_TIMEOUT(struct wait_settings, "30s"),
	{"all", 0, OPTION_FLAG, offsetof(struct wait_settings, all), NULL, NULL, 0, 0,
		"wait for all addresses (the default)"},
	{"any", 0, OPTION_FLAG, offsetof(struct wait_settings, any), NULL, NULL, 0, 0,
		"wait for one of the addresses"},
	{"http", 0, OPTION_TEXT, offsetof(struct wait_settings, http), "PATH", NULL, 0, 0,
		"wait until GET PATH is answered with status 2xx or 3xx"},
	{"line", 0, OPTION_TEXT, offsetof(struct wait_settings, line), "REGEX", NULL, 0, 0,
		"wait until the server says a line that matches (extended regular expression)"},
	OPTION_END,
};

static void wait_on_done(void *arg, struct probe *p)
{
	struct wait *w = arg;

	if (!probe_is_up(p)) {
		w->barred++;
		if (w->barred == w->count || !w->settings->any)
			loop_stop(&w->loop);
		return;
	}
	w->up++;
	if (w->up == w->count || w->settings->any)
		loop_stop(&w->loop);
}

static void wait_on_limit(uv_timer_t *limit)
{
	struct wait *w = limit->data;

	w->timed_out = true;
	loop_stop(&w->loop);
}

static int wait_read_line(struct wait *w, struct fault *why)
{
	char text[128];

	if (!w->settings->line)
		return 0;
	int r = regcomp(&w->line, w->settings->line, REG_EXTENDED | REG_NOSUB);
	if (r) {
		regerror(r, &w->line, text, sizeof(text));
		return fault_set(why, -EINVAL, "--line '%s': %s", w->settings->line, text);
	}
	w->has_line = true;
	return 0;
}

static int wait_start(struct wait *w, const struct command_line *line, struct fault *why)
{
	struct probe_options options = {.http = w->settings->http, .trust = line->trust};

	int r = wait_read_line(w, why);
	if (w->has_line)
		options.line = &w->line;
	w->probes = calloc((size_t)line->count, sizeof(*w->probes));
	if (!r && !w->probes)
		r = fault_errno(why, -ENOMEM, "cannot wait");
	for (int i = 0; i < line->count && !r; i++) {
		struct address address;
		r = address_parse(&address, line->words[i], why);
		if (r < 0)
			break;
		r = probe_start(&w->probes[i], &w->loop, &address, &options, wait_on_done, w, why);
		w->count += !r;
		address_deinit(&address);
	}
	return r;
}

static void wait_say_what_is_missing(const struct wait *w, char **words)
{
	for (size_t i = 0; i < w->count; i++)
		if (!probe_is_up(w->probes[i]))
			log_error("%s: %s", words[i], probe_why(w->probes[i]));
}

static int wait_until_up(struct wait *w, const struct command_line *line)
{
	struct fault why = FAULT_NULL;

	uv_timer_init(&w->loop.uv, &w->limit);
	w->limit.data = w;
	uv_timer_start(&w->limit, wait_on_limit, w->settings->timeout, 0);
	int r = wait_start(w, line, &why);
	if (!r)
		loop_run(&w->loop);
	bool done = w->settings->any ? w->up : w->up == w->count;
	if (!r && !done)
		wait_say_what_is_missing(w, line->words);
	for (size_t i = 0; i < w->count; i++)
		probe_free(w->probes[i]);
	free(w->probes);
	if (w->has_line)
		regfree(&w->line);
	if (r < 0)
		return command_failed(&why);
	if (done)
		return EX_OK;
	return w->timed_out ? WAIT_TIMED_OUT : EX_NOPERM;
}

static int wait_run_command(char **command)
{
	execvp(command[0], command);
	log_error("cannot run %s: %s", command[0], strerror(errno));
	return errno == ENOENT ? WAIT_NOT_FOUND : WAIT_CANNOT_RUN;
}

static int wait_run(const struct command_line *line)
{
	const struct wait_settings *s = line->settings;
	struct wait w = {.settings = s};

	if (s->any && s->all)
		return command_misused(line->command, "it is either --all or --any");
	if (s->http && s->line)
		return command_misused(line->command, "it is either --http or --line");
	if (s->http && *s->http != '/')
		return command_misused(line->command, "--http takes a path that begins with /");
	int r = loop_init(&w.loop);
	if (r < 0) {
		struct fault why;
		fault_errno(&why, r, "cannot start");
		return command_failed(&why);
	}
	r = wait_until_up(&w, line);
	loop_deinit(&w.loop);
	return !r && line->program ? wait_run_command(line->program) : r;
}

const struct command command_wait = {
	.name = "wait",
	.words = "ADDRESS… [-- COMMAND…]",
	.summary = "waits until addresses are in service",
	.about =
		"An address is in service when it accepts a connection and does not close it at\n"
		"once. Of udp: only a refusal can be known. Then COMMAND takes wait's place. When\n"
		"time runs out the exit status is 124, and what is missing is said.",
	.min_words = 1,
	.max_words = -1,
	.takes_program = true,
	.trusts = true,
	.settings_size = sizeof(struct wait_settings),
	.options = wait_options,
	.examples = {{"ferry wait db:5432 /run/app.sock -- ./server",
			     "runs ./server once both can be reached"},
		{"ferry wait 8080 --http /health --timeout 1m",
			"waits until a web server says that it is well"}},
	.run = wait_run,
};

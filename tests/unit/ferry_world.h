#pragma once

/*
 * A hub, one program that asks and one that serves, for tests of ferry.h.
 */

#include "test.h"

#include <ferry.h>

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Enough for anything here; only a test that fails waits so long. */
enum { PATIENCE_MS = 20000, LARGE = 8 * 1024 * 1024 };

/* One program that asks, one that serves, and the hub between them. */
struct world {
	struct ferry *asker;
	struct ferry *server;
	struct ferry_service *service;
	struct ferry_asking *asking;
	struct ferry_request *request;
	char hub[64]; /* its address */
	pid_t pid;
	int said; /* the hub's output */
	char told[256];
	size_t sent, got;
	int error;
	bool over;
	bool gone;
};

/* ---- the hub ---- */

static inline void hub_start(struct world *w, const char *address, const char *option)
{
	int out[2];

	assert_int_equal(pipe(out), 0);
	w->pid = fork();
	assert_true(w->pid >= 0);
	if (w->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM); /* a test that fails leaves nothing behind */
		dup2(out[1], STDOUT_FILENO);
		close(out[0]);
		execl(getenv("FERRY"), "ferry", "listen", address, option, NULL);
		_exit(127);
	}
	close(out[1]);
	w->said = out[0];
	char line[256] = "";
	for (size_t len = 0; len < sizeof(line) - 1 && !strchr(line, '\n'); len++)
		assert_int_equal(read(w->said, line + len, 1), 1);
	assert_int_equal(sscanf(line, "Listening on %63s", w->hub), 1);
}

static inline void hub_stop(struct world *w)
{
	int status;

	kill(w->pid, SIGTERM);
	assert_int_equal(waitpid(w->pid, &status, 0), w->pid);
	assert_int_equal(status, 0);
	close(w->said);
}

static inline int world_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	hub_start(w, "tcp4:127.0.0.1:0", NULL);
	w->asker = ferry_new();
	w->server = ferry_new();
	*state = w;
	return 0;
}

static inline int world_teardown(void **state)
{
	struct world *w = *state;

	ferry_free(w->asker);
	ferry_free(w->server);
	hub_stop(w);
	free(w);
	return 0;
}

/* Lets both programs run until the condition holds. */
#define until(w, condition)                                                                        \
	do {                                                                                       \
		for (int turns_ = 0; !(condition); turns_++) {                                     \
			assert_true(turns_ < PATIENCE_MS);                                         \
			ferry_dispatch((w)->asker, 1);                                             \
			ferry_dispatch((w)->server, 0);                                            \
		}                                                                                  \
	} while (0)

static inline void tell(struct world *w, const char *text)
{
	size_t len = strlen(w->told);

	snprintf(w->told + len, sizeof(w->told) - len, "%s;", text);
}

/* ---- the asker's side ---- */

static inline void on_done(void *data, int error, const struct ferry_reply *r)
{
	struct world *w = data;
	char text[64];

	w->over = true;
	w->error = error;
	w->asking = NULL;
	if (error) {
		assert_null(r);
		return;
	}
	snprintf(text, sizeof(text), "%d %s %s", r->exit_status, r->type,
		r->body ? (const char *)r->body : "-");
	tell(w, text);
}

static inline void ask(struct world *w, const char *service, const char *body)
{
	struct ferry_ask_options options = ferry_ask_options();

	options.done = on_done;
	options.data = w;
	w->over = false;
	w->told[0] = '\0';
	w->asking = ferry_ask_start(w->asker, w->hub, service, body, strlen(body), &options);
	if (!w->asking)
		fail_msg("%s", ferry_why(w->asker));
}

static inline void expect_reply(struct world *w, const char *text)
{
	until(w, w->over);
	if (w->error)
		fail_msg("%s", ferry_why(w->asker));
	assert_string_equal(w->told, text);
}

/* ---- the server's side ---- */

static inline void serve(struct world *w, const struct ferry_serve_options *options)
{
	w->service = ferry_serve(w->server, w->hub, "up", options);
	if (!w->service)
		fail_msg("%s", ferry_why(w->server));
	/* Until it waits at the hub, nobody serves. */
	do {
		ask(w, "up", "are you there?");
		until(w, w->over || w->request);
		if (w->request && !w->over)
			ferry_reply(w->request, "", 0, 0);
		w->request = NULL;
		until(w, w->over);
	} while (w->error == -ECONNREFUSED || w->error == -EPROTO); /* that was the one before */
	assert_int_equal(w->error, 0);
	w->told[0] = '\0';
	w->request = NULL;
	w->got = 0;
}

static inline void on_request_kept(void *data, struct ferry_request *r)
{
	((struct world *)data)->request = r;
}

static inline void on_gone(void *data, struct ferry_request *r)
{
	struct world *w = data;

	assert_ptr_equal(w->request, r);
	w->gone = true;
}

static inline struct ferry_serve_options keeps(struct world *w)
{
	struct ferry_serve_options options = ferry_serve_options();

	options.request = on_request_kept;
	options.type = "text/plain";
	options.data = w;
	return options;
}

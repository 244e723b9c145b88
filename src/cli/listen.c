/*
 * ferry listen: the hub with its command line: addresses, limits, signals, the terminal.
 */

#include "base/cleanup.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/confine.h"
#include "cli/console.h"
#include "cli/hub_key.h"
#include "cli/invitation.h"
#include "cli/keep.h"
#include "cli/listen_settings.h"
#include "cli/servants.h"
#include "hub/catalogue.h"
#include "net/activation.h"
#include "server/server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define LISTEN_PRESET "tcp:localhost:12345"

/* For files: each transfer whose disk stands still takes one or two with it. */
#define LISTEN_THREADS "16"

struct listen {
	const struct listen_settings *settings;
	struct loop loop;
	struct console *console;
	struct store *store;
	struct server *server;
	struct sandbox sandbox;
	int supervisor; /* to be told how we are; negative without one */
	uv_signal_t interrupt;
	uv_signal_t terminate;
	uv_signal_t hangup;
	uv_async_t store_woke;
	bool stopping;
	bool hurried;
};

static void listen_on_typed(void *data, struct bytes line)
{
	struct listen *l = data;

	int r = server_say(l->server, BYTES_LITERAL("lobby"), BYTES_LITERAL("host"), line);
	if (r < 0)
		log_error("the line was not sent: %s", strerror(-r));
}

static void listen_on_stopped(void *data)
{
	struct listen *l = data;

	loop_stop(&l->loop);
}

static void listen_on_signal(uv_signal_t *handle, int number)
{
	struct listen *l = handle->data;

	if (l->stopping) {
		l->hurried = true;
		loop_stop(&l->loop);
		return;
	}
	l->stopping = true;
	activation_notify(l->supervisor, "STOPPING=1");
	server_stop(l->server, listen_on_stopped, l);
}

static struct hub_key_options listen_key_options(const struct listen *l)
{
	const struct listen_settings *s = l->settings;
	bool ask = s->keys.count || s->keys_file;

	return (struct hub_key_options){
		.cert_file = s->cert,
		.key_file = s->key,
		.directory = s->key_dir,
		.ask = ask,
		.require = ask && !s->token_file,
		.http = true,
	};
}

/* Gives the hub its key, if there is one; who has not shown a certificate is known by its pin. */
static int listen_take_key(struct listen *l, bool make, struct fault *why)
{
	struct hub_key_options options = listen_key_options(l);
	struct tls_context *context;

	int r = hub_key_load(&context, &options, make, why);
	if (r < 0)
		return r;
	if (context)
		tls_door_set_key(&l->server->tls, context, !options.cert_file);
	tls_context_unref(context);
	return 0;
}

/* A key that cannot be read does not end a hub that has one. */
static void listen_on_hangup(uv_signal_t *handle, int number)
{
	struct listen *l = handle->data;
	struct fault why = FAULT_NULL;

	if (!l->server || l->stopping)
		return;
	if (listen_take_key(l, false, &why) < 0)
		log_error("the key stays as it was: %s", why.text);
	else
		log_note("the key has been read again");
	if (!l->settings->token_file && !l->settings->keys_file)
		return;
	if (server_reload(l->server, &why) < 0)
		log_error("who may come in stays as it was: %s", why.text);
	else
		log_note("who may come in has been read again");
}

static void listen_watch_signals(struct listen *l)
{
	uv_signal_init(&l->loop.uv, &l->interrupt);
	uv_signal_init(&l->loop.uv, &l->terminate);
	l->interrupt.data = l;
	l->terminate.data = l;
	uv_signal_start(&l->interrupt, listen_on_signal, SIGINT);
	uv_signal_start(&l->terminate, listen_on_signal, SIGTERM);
	uv_signal_init(&l->loop.uv, &l->hangup);
	l->hangup.data = l;
	uv_signal_start(&l->hangup, listen_on_hangup, SIGHUP);
	signal(SIGTTIN, SIG_IGN);
}

static int listen_open(struct listen *l, const char *text, struct fault *why)
{
	struct address address;

	int r = address_parse(&address, text, why);
	if (r < 0)
		return r;
	if (address.scheme->tls && !l->server->tls.context)
		r = listen_take_key(l, true, why);
	if (r == 0)
		r = server_listen(l->server, &address, why);
	address_deinit(&address);
	return r;
}

static int listen_open_all(struct listen *l, const struct command_line *line, struct fault *why)
{
	if (!line->count)
		return listen_open(l, LISTEN_PRESET, why);
	for (int i = 0; i < line->count; i++) {
		int r = listen_open(l, line->words[i], why);
		if (r < 0)
			return r;
	}
	return 0;
}

/* From the store's threads. */
static void listen_on_store_wake(void *data)
{
	struct listen *l = data;

	uv_async_send(&l->store_woke);
}

static void listen_on_store_woke(uv_async_t *woke)
{
	struct listen *l = container_of(woke, struct listen, store_woke);

	if (l->server)
		server_poll(l->server);
}

static int listen_open_store(struct listen *l, struct fault *why)
{
	const struct listen_settings *settings = l->settings;
	const struct keep keep = {
		.max_bytes = settings->keep_size,
		.max_messages = settings->keep_count,
		.max_age_ms = settings->keep_age,
	};

	uv_async_init(&l->loop.uv, &l->store_woke, listen_on_store_woke);
	return keep_open(&l->store, settings->store, &keep, listen_on_store_wake, l, why);
}

/* From here on the hub is what a client could make of it at most. */
static int listen_confine(struct listen *l, struct fault *why)
{
	const struct listen_settings *settings = l->settings;
	const struct confinement confinement = {
		.user = settings->user,
		.open = settings->no_sandbox,
		.store = settings->store,
		.files = settings->files.path,
		.key_directory = settings->key_dir,
		.read_again = {settings->cert, settings->key, settings->token_file,
			settings->keys_file},
	};

	l->supervisor = activation_supervisor();
	int r = confine_hub(&l->sandbox, &confinement, l->server, why);
	if (r == 0)
		log_detail("sandbox: %s", l->sandbox.text);
	return r;
}

static int listen_start(struct listen *l, const struct command_line *line, struct fault *why)
{
	const struct listen_settings *settings = line->settings;
	struct server_options options = listen_settings_server(settings);
	struct console_options console = {
		.json = settings->json,
		.typed = listen_on_typed,
		.data = l,
	};

	l->console = console_new(&l->loop, &console);
	if (!l->console)
		return fault_errno(why, -ENOMEM, "cannot start the hub");
	struct server_watcher watcher = {
		.opened = console_opened,
		.message = console_message,
		.closed = console_closed,
		.data = l->console,
	};
	if (log_get_level() == LOG_QUIET)
		watcher = (struct server_watcher){0};
	options.sandbox = l->sandbox.text;
	l->server = server_new(&l->loop, &options, &watcher, why);
	if (!l->server)
		return why->error;
	loop_set_busy_poll(&l->loop, settings->busy_poll);
	bool asked = client_keys_are_asked(&options.client_keys);
	int r = listen_take_key(l, asked, why);
	if (r < 0 && !settings->cert && !settings->key) {
		log_note("no TLS on plain addresses: %s", why->text);
		r = 0;
	}
	if (r == 0)
		r = listen_open_all(l, line, why);
	if (r == 0)
		r = servants_start(&l->loop, l->server, settings->servants.texts,
			settings->servants.count, settings->user, why);
	if (r == 0)
		r = listen_confine(l, why);
	if (r == 0)
		r = listen_open_store(l, why);
	if (r == 0 && settings->files.path)
		r = server_keep_files(l->server, &settings->files, why);
	if (r == 0)
		r = server_start(l->server, l->store, why);
	if (r == 0)
		server_tell_names(l->server, console_listening, l->console);
	return r;
}

static void listen_hint(const struct listen *l)
{
	cleanup(invitation_deinit) struct invitation i = INVITATION_NULL;

	server_tell_names(l->server, invitation_hear, &i);
	if (i.line && isatty(STDOUT_FILENO) && !l->settings->json)
		log_note("to talk, type here, or elsewhere: %s", i.line);
	else if (i.line && i.is_wide)
		log_note("to talk, elsewhere: %s", i.line);
}

/* Whoever would wait for threads now, as exit(3) does, would wait for ever. */
static void listen_abandon(int status)
{
	log_error("a file that was handed over does not answer: ended without it");
	fflush(NULL);
	_exit(status);
}

static int listen_run(const struct command_line *line)
{
	struct listen l = {
		.settings = line->settings,
		.sandbox = {.text = "none"},
		.supervisor = -1,
	};
	struct fault why = FAULT_NULL;

	setenv("UV_THREADPOOL_SIZE", LISTEN_THREADS, 0);
	int r = loop_init(&l.loop);
	if (r < 0) {
		fault_errno(&why, r, "cannot start");
		return command_failed(&why);
	}
	listen_watch_signals(&l);
	r = listen_start(&l, line, &why);
	if (r == 0) {
		activation_forget();
		activation_notify(l.supervisor, "READY=1");
		listen_hint(&l);
		loop_run(&l.loop);
	}
	bool hangs = server_free(l.server) != NULL;
	store_free(l.store);
	console_free(l.console);
	int status = r < 0 ? command_failed(&why) : EX_OK;
	if (hangs)
		listen_abandon(status);
	loop_deinit(&l.loop);
	cleanup_close(&l.supervisor);
	return status;
}

const struct command command_listen = {
	.name = "listen",
	.words = "[ADDRESS…]",
	.summary = "runs a hub that passes messages on between its clients",
	.about = "Any client will do: ferry chat, netcat, curl, a browser, a few lines of Python. "
		 "What\n"
		 "they send is printed here and passed on to the others; a line typed here is a\n"
		 "message from `host`. Without an ADDRESS it listens on " LISTEN_PRESET ".",
	.max_words = -1,
	.settings_size = sizeof(struct listen_settings),
	.options = listen_options,
	.examples = {{"ferry listen", "a hub for this machine, on port 12345"},
		{"ferry listen tcp:localhost:0 unix:/tmp/ferry.sock",
			"the same conversation on a free port and on a Unix socket"}},
	.run = listen_run,
};

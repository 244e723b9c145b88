/*
 * ferry relay: sockets joined, with the command line around: routes, limits, signals.
 */

#include "base/cleanup.h"
#include "base/log.h"
#include "cli/confine.h"
#include "cli/relay_dump.h"
#include "cli/relay_keys.h"
#include "cli/relay_pairs.h"
#include "cli/relay_report.h"
#include "net/activation.h"
#include "relay/fleet.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>

/* Descriptors that are no connection's: the loops', the listeners'. */
enum { RELAY_SPARE_FDS = 128, RELAY_FDS_EACH = 2 };

struct relay_settings {
	bool json;
	bool stats;
	struct option_list more; /* --also and --or, as they stood */
	uint64_t connect_timeout;
	uint64_t idle_timeout;
	uint64_t udp_timeout;
	uint64_t max_clients;
	uint64_t threads;
	const char *send_proxy;
	const char *dump;
	bool no_sandbox;
};

struct relay_command {
	const struct relay_settings *settings;
	struct trust *trust;
	struct relay_pairs pairs;
	struct relay_keys keys;
	struct loop loop;
	struct fleet *fleet;
	struct relay_report *report;
	struct relay_file *dump;
	uv_signal_t interrupt;
	uv_signal_t terminate;
	uv_signal_t hangup;
	bool listens; /* at least one route is no single connection */
	bool stopping;
	int supervisor; /* to be told how we are; negative without one */
};

static const struct option_entry relay_options[] = {
	{RELAY_ALSO, 0, OPTION_LIST, offsetof(struct relay_settings, more), "FROM", NULL, 0, 0,
		"one more pair: --also FROM TO"},
	{RELAY_OR, 0, OPTION_LIST, offsetof(struct relay_settings, more), "TO", NULL, 0, 0,
		"a further target of the pair before, for when its others cannot be reached"},
	{"connect-timeout", 0, OPTION_SPAN, offsetof(struct relay_settings, connect_timeout),
		"SPAN", "10s", 1, 3600000, "how long a target may take to accept"},
	{"idle-timeout", 0, OPTION_SPAN, offsetof(struct relay_settings, idle_timeout), "SPAN",
		NULL, 0, 0, "end a connection over which nothing moves for so long"},
	{"udp-timeout", 0, OPTION_SPAN, offsetof(struct relay_settings, udp_timeout), "SPAN", "60s",
		1, 0, "how long a sender of datagrams is remembered"},
	{"max-clients", 0, OPTION_NUMBER, offsetof(struct relay_settings, max_clients), "N", NULL,
		1, 0,
		"connections at once, others wait (default: what the open file limit allows)"},
	{"threads", 0, OPTION_NUMBER, offsetof(struct relay_settings, threads), "N", NULL, 1, 64,
		"threads that share a TCP port (default: one for each core)"},
	{"send-proxy", 0, OPTION_TEXT, offsetof(struct relay_settings, send_proxy), "VERSION", NULL,
		0, 0, "tell the target who has connected, by a PROXY header: v1 or v2"},
	{"dump", 0, OPTION_TEXT, offsetof(struct relay_settings, dump), "FILE", NULL, 0, 0,
		"write what passes to FILE (-: standard error), in hexadecimal and text"},
	{"stats", 0, OPTION_FLAG, offsetof(struct relay_settings, stats), NULL, NULL, 0, 0,
		"print a summary at the end"},
	{"no-sandbox", 0, OPTION_FLAG, offsetof(struct relay_settings, no_sandbox), NULL, NULL, 0,
		0, "keep all rights of the user (see SANDBOX in the manual)"},
	OPTION_JSON(struct relay_settings),
	OPTION_END,
};

/* ---- signals ---- */

static void relay_on_idle(void *data)
{
	struct relay_command *c = data;

	loop_stop(&c->loop);
}

/* The first lets what is under way end, the second does not. */
static void relay_on_signal(uv_signal_t *handle, int number)
{
	struct relay_command *c = handle->data;

	if (c->stopping) {
		loop_stop(&c->loop);
		return;
	}
	c->stopping = true;
	activation_notify(c->supervisor, "STOPPING=1");
	fleet_stop(c->fleet);
}

static void relay_on_hangup(uv_signal_t *handle, int number)
{
	struct relay_command *c = handle->data;

	relay_keys_renew(&c->keys);
}

static void relay_watch_signals(struct relay_command *c)
{
	uv_signal_init(&c->loop.uv, &c->interrupt);
	uv_signal_init(&c->loop.uv, &c->terminate);
	c->interrupt.data = c;
	c->terminate.data = c;
	uv_signal_start(&c->interrupt, relay_on_signal, SIGINT);
	uv_signal_start(&c->terminate, relay_on_signal, SIGTERM);
	if (list_empty(&c->keys.keys))
		return;
	uv_signal_init(&c->loop.uv, &c->hangup);
	c->hangup.data = c;
	uv_signal_start(&c->hangup, relay_on_hangup, SIGHUP);
}

/* ---- pairs ---- */

/* As many descriptors as the system lets us have; the connections they are enough for. */
static uint64_t relay_raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 256;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	getrlimit(RLIMIT_NOFILE, &limit);
	uint64_t spare = limit.rlim_cur > 2 * RELAY_SPARE_FDS ? RELAY_SPARE_FDS : 0;
	return (limit.rlim_cur - spare) / RELAY_FDS_EACH;
}

/* As those who come would write it: with the pin, where that is what they know us by. */
static void relay_tell_bound(
	struct relay_command *c, struct address *bound, const struct tls_slot *slot)
{
	char pin[PIN_TEXT_SIZE];
	struct pin own;

	if (slot && !bound->options[ADDRESS_CERT] && tls_context_pin(slot->context, &own)) {
		pin_format(&own, pin);
		free(bound->options[ADDRESS_PIN]);
		bound->options[ADDRESS_PIN] = strdup(pin);
	}
	free(take(bound->options[ADDRESS_CERT]));
	free(take(bound->options[ADDRESS_KEY]));
	cleanup(cleanup_free) char *text = address_format(bound);
	c->listens = true;
	if (text)
		relay_report_listening(c->report, text);
}

static int relay_add_pair(struct relay_command *c, const struct relay_pair *p, struct fault *why)
{
	struct address bound = ADDRESS_NULL;
	struct tls_slot *slot;

	int r = relay_keys_add(&c->keys, &p->from, &slot, why);
	if (!r)
		r = fleet_add(c->fleet, &p->from, slot, p->to, p->to_count, &bound, why);
	if (!r && bound.scheme)
		relay_tell_bound(c, &bound, slot);
	address_deinit(&bound);
	return r;
}

static int relay_add_pairs(struct relay_command *c, struct fault *why)
{
	int r = 0;

	for (size_t i = 0; i < c->pairs.count && !r; i++)
		r = relay_add_pair(c, &c->pairs.at[i], why);
	return r;
}

/* From here on the relay is what one who comes could make of it at most. */
static int relay_confine(struct relay_command *c, struct fault *why)
{
	struct sandbox box;

	if (c->settings->no_sandbox)
		return 0;
	int r = confine_relay(&box, &c->pairs, c->trust, why);
	if (r == 0)
		log_detail("sandbox: %s", box.text);
	return r;
}

/* ---- the command ---- */

static bool is_standard(const char *word)
{
	return !strcmp(word, "-");
}

/* Standard output that carries a connection carries nothing else. */
static bool relay_uses_stdout(const struct command_line *line)
{
	const struct relay_settings *settings = line->settings;
	bool uses = false;

	for (int i = 0; i < line->count; i++)
		uses |= is_standard(line->words[i]);
	for (size_t i = 0; i < settings->more.count; i++)
		uses |= is_standard(settings->more.texts[i]);
	return uses;
}

static int relay_start(
	struct relay_command *c, const struct command_line *line, int send_proxy, struct fault *why)
{
	const struct relay_settings *s = c->settings;
	uint64_t room = relay_raise_limit();

	int r = relay_pairs_read(&c->pairs, line->words, &s->more, why);
	if (r < 0)
		return r;
	c->report = relay_report_new(&c->loop, s->json, relay_uses_stdout(line));
	if (!c->report)
		return fault_errno(why, -ENOMEM, "cannot start");
	r = s->dump ? relay_file_open(&c->dump, s->dump, why) : 0;
	if (r < 0)
		return r;
	struct fleet_options options = {
		.relay =
			{
				.connect_timeout_ms = (unsigned)s->connect_timeout,
				.idle_timeout_ms = s->idle_timeout,
				.datagram_timeout_ms = s->udp_timeout,
				.send_proxy = send_proxy,
				.dump = {c->dump ? relay_file_passed : NULL, c->dump},
				.trust = c->trust,
				.ended = relay_report_ended,
				.data = c->report,
			},
		.threads = (unsigned)s->threads,
		.max_connections = s->max_clients ? s->max_clients : room,
		.idle = relay_on_idle,
		.data = c,
	};
	r = fleet_new(&c->fleet, &c->loop, &options);
	if (r < 0)
		return fault_errno(why, r, "cannot start");
	r = relay_add_pairs(c, why);
	if (!r)
		r = relay_confine(c, why);
	return r ? r : fleet_start(c->fleet);
}

/* A relay of single connections ends as the last of them did. */
static int relay_exit_code(const struct relay_command *c)
{
	int error = relay_report_error(c->report);

	return c->listens || !error ? EX_OK : fault_exit_code(error);
}

static int relay_serve(struct relay_command *c, const struct command_line *line, int send_proxy)
{
	struct fault why = FAULT_NULL;
	int code = EX_OK;

	c->supervisor = activation_supervisor();
	relay_keys_init(&c->keys, trust_directory(c->trust));
	int r = relay_start(c, line, send_proxy, &why);
	if (!r) {
		relay_watch_signals(c);
		activation_forget();
		activation_notify(c->supervisor, "READY=1");
		loop_run(&c->loop);
		code = relay_exit_code(c);
	}
	c->fleet = fleet_free(c->fleet);
	relay_keys_deinit(&c->keys);
	if (!r && c->settings->stats)
		relay_report_stats(c->report);
	relay_report_free(c->report);
	relay_file_free(c->dump);
	relay_pairs_deinit(&c->pairs);
	loop_deinit(&c->loop);
	cleanup_close(&c->supervisor);
	return r < 0 ? command_failed(&why) : code;
}

static int relay_run(const struct command_line *line)
{
	const struct relay_settings *s = line->settings;
	struct relay_command c = {.settings = s, .trust = line->trust};
	int send_proxy = 0;

	size_t also = relay_pairs_count_also(&s->more);

	if ((size_t)line->count != 2 + also)
		return command_misused(line->command,
			also ? "each --also FROM needs a TO" : "it takes FROM and TO");
	if (s->send_proxy && strcmp(s->send_proxy, "v1") && strcmp(s->send_proxy, "v2"))
		return command_misused(
			line->command, "--send-proxy is v1 or v2, not '%s'", s->send_proxy);
	if (s->send_proxy)
		send_proxy = s->send_proxy[1] - '0';
	int r = loop_init(&c.loop);
	if (r < 0) {
		struct fault why;
		fault_errno(&why, r, "cannot start");
		return command_failed(&why);
	}
	return relay_serve(&c, line, send_proxy);
}

const struct command command_relay = {
	.name = "relay",
	.words = "FROM TO",
	.summary = "joins each connection at one address to a new one to another",
	.about = "Any kind of socket to any other: each direction ends by itself, a reset is "
		 "handed\n"
		 "on, packets stay packets, and a slow side holds up only its own connection. A\n"
		 "sender of datagrams has a session of its own. With exec: each connection has a\n"
		 "child of its own; - is this terminal or pipe, once. A signal (TERM, INT) ends\n"
		 "listening and lets what is under way end; a second one does not wait.",
	.min_words = 2,
	.max_words = -1,
	.trusts = true,
	.settings_size = sizeof(struct relay_settings),
	.options = relay_options,
	.examples = {{"ferry relay 8080 unix:/run/app.sock",
			     "lets TCP clients reach a Unix socket"},
		{"ferry relay tcp:*:5432 db1:5432 --or db2:5432 --send-proxy v2",
			"relays to the first of two that can be reached, and says who is there"}},
	.run = relay_run,
};

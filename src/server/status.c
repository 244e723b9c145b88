#include "server/status.h"

#include "base/cleanup.h"
#include "server/desk.h"
#include "server/files.h"
#include "server/login.h"
#include "server/server.h"
#include "server/topics.h"
#include "wire/put.h"

/* Everything a figure can be read from. */
struct status {
	const struct server *server;
	const struct server_counters *counters;
	const struct hub_counters *hub;
	const struct store_state *store;
	const struct services_counters *services;
};

enum figure_kind { COUNTER, GAUGE };

struct figure {
	const char *name; /* in JSON; "ferry_NAME" in metrics, with _total for a counter */
	enum figure_kind kind;
	uint64_t (*value)(const struct status *s);
	const char *help;
};

#define FIGURE(name_, expression)                                                                  \
	static uint64_t figure_##name_(const struct status *s)                                     \
	{                                                                                          \
		return (uint64_t)(expression);                                                     \
	}

FIGURE(clients, s->counters->clients)
FIGURE(accepted, s->counters->accepted)
FIGURE(refused, s->counters->refused)
FIGURE(crowded, s->counters->crowded)
FIGURE(too_slow, s->counters->too_slow)
FIGURE(throttled, s->counters->throttled)
FIGURE(idle_closed, s->counters->idle)
FIGURE(datagrams, s->counters->datagrams)
FIGURE(requests, s->counters->requests)
FIGURE(denied, s->counters->denied)
FIGURE(wrong_tokens, s->counters->wrong_tokens)
FIGURE(tls_handshakes, s->server->tls.counters.done)
FIGURE(tls_resumed, s->server->tls.counters.resumed)
FIGURE(tls_kernel, s->server->tls.counters.kernel)
FIGURE(tls_failed, s->server->tls.counters.failed)
FIGURE(tls_unlisted, s->server->tls.counters.unlisted)
FIGURE(tls_late, s->server->tls.counters.late)
FIGURE(tls_waiting, s->server->tls.counters.waiting)
FIGURE(tls_under_way, s->server->tls.counters.under_way)
FIGURE(files_in, s->counters->files_in)
FIGURE(files_bytes_in, s->counters->files_bytes_in)
FIGURE(files_out, s->counters->files_out)
FIGURE(files_bytes_out, s->counters->files_bytes_out)
FIGURE(files_refused, s->counters->files_refused)
FIGURE(files_bytes, s->server->files ? catalogue_used(s->server->files->catalogue) : 0)
FIGURE(calls, s->services->calls)
FIGURE(calls_unserved, s->services->unserved)
FIGURE(calls_refused, s->services->full)
FIGURE(calls_late, s->services->late)
FIGURE(calls_queued, s->services->queued)
FIGURE(calls_running, s->services->running)
FIGURE(servers_waiting, s->services->takers)
FIGURE(messages_in, s->hub->messages_in)
FIGURE(bytes_in, s->hub->bytes_in)
FIGURE(messages_out, s->hub->messages_out)
FIGURE(bytes_out, s->hub->bytes_out)
FIGURE(skipped, s->hub->skipped)
FIGURE(replays, s->hub->replays)
FIGURE(not_stored, s->counters->unpublished + s->store->failed)
FIGURE(subscribers, s->hub->subscribers)
FIGURE(tape_bytes, s->hub->tape_bytes)
FIGURE(store_messages, s->store->messages)
FIGURE(store_bytes, s->store->bytes)
FIGURE(store_last_id, s->store->last_id)
FIGURE(store_dropped, s->store->dropped)
FIGURE(store_pending, s->store->pending)

static const struct figure figures[] = {
	{"clients", GAUGE, figure_clients, "connections now"},
	{"accepted", COUNTER, figure_accepted, "connections accepted"},
	{"refused", COUNTER, figure_refused, "connections refused at --max-clients"},
	{"crowded", COUNTER, figure_crowded, "connections refused at --max-clients-per-address"},
	{"too_slow", COUNTER, figure_too_slow, "clients that kept the hub waiting for --patience"},
	{"throttled", COUNTER, figure_throttled, "times a client had to wait for --max-rate"},
	{"idle_closed", COUNTER, figure_idle_closed, "connections closed at --idle-timeout"},
	{"datagrams", COUNTER, figure_datagrams, "packets without a connection"},
	{"requests", COUNTER, figure_requests, "HTTP requests"},
	{"denied", COUNTER, figure_denied, "things that a client was not allowed to do"},
	{"wrong_tokens", COUNTER, figure_wrong_tokens, "tokens shown that the hub does not know"},
	{"tls_handshakes", COUNTER, figure_tls_handshakes, "TLS handshakes done"},
	{"tls_resumed", COUNTER, figure_tls_resumed, "of these, by a ticket"},
	{"tls_kernel", COUNTER, figure_tls_kernel, "of these, encrypted by the kernel"},
	{"tls_failed", COUNTER, figure_tls_failed, "TLS handshakes that failed"},
	{"tls_unlisted", COUNTER, figure_tls_unlisted, "of these, for a key that is not let in"},
	{"tls_late", COUNTER, figure_tls_late, "TLS handshakes not done in time"},
	{"tls_waiting", GAUGE, figure_tls_waiting, "TLS hellos that wait for their turn"},
	{"tls_under_way", GAUGE, figure_tls_under_way, "TLS handshakes under way"},
	{"files_in", COUNTER, figure_files_in, "files stored"},
	{"files_bytes_in", COUNTER, figure_files_bytes_in, "bytes of these"},
	{"files_out", COUNTER, figure_files_out, "files, or parts of files, sent or handed over"},
	{"files_bytes_out", COUNTER, figure_files_bytes_out, "bytes of files sent"},
	{"files_refused", COUNTER, figure_files_refused,
		"files refused for their size or for want of room"},
	{"files_bytes", GAUGE, figure_files_bytes, "bytes of all files"},
	{"calls", COUNTER, figure_calls, "requests to services"},
	{"calls_unserved", COUNTER, figure_calls_unserved, "requests that no one served"},
	{"calls_refused", COUNTER, figure_calls_refused, "requests refused at a full queue"},
	{"calls_late", COUNTER, figure_calls_late, "requests whose reply did not come in time"},
	{"calls_queued", GAUGE, figure_calls_queued, "requests that wait for a server"},
	{"calls_running", GAUGE, figure_calls_running, "requests being answered"},
	{"servers_waiting", GAUGE, figure_servers_waiting, "servers that wait for a request"},
	{"messages_in", COUNTER, figure_messages_in, "messages published"},
	{"bytes_in", COUNTER, figure_bytes_in, "bytes of their bodies"},
	{"messages_out", COUNTER, figure_messages_out, "messages sent to subscribers"},
	{"bytes_out", COUNTER, figure_bytes_out, "bytes sent to subscribers"},
	{"skipped", COUNTER, figure_skipped, "messages that slow subscribers missed"},
	{"replays", COUNTER, figure_replays, "times a subscriber read from the store"},
	{"not_stored", COUNTER, figure_not_stored, "messages that were not stored"},
	{"subscribers", GAUGE, figure_subscribers, "subscriptions now"},
	{"tape_bytes", GAUGE, figure_tape_bytes, "memory of messages on their way"},
	{"store_messages", GAUGE, figure_store_messages, "messages in the store"},
	{"store_bytes", GAUGE, figure_store_bytes, "bytes in the store"},
	{"store_last_id", GAUGE, figure_store_last_id, "id of the newest message"},
	{"store_dropped", COUNTER, figure_store_dropped, "messages that the store no longer has"},
	{"store_pending", GAUGE, figure_store_pending, "messages on their way into the store"},
};

enum { FIGURES = sizeof(figures) / sizeof(*figures), FIGURE_MAX = 64 };

static struct status status_of(const struct server *s)
{
	return (struct status){
		.server = s,
		.counters = &s->counters,
		.services = &s->desk->services.counters,
		.hub = hub_counters(s->hub),
		.store = hub_store_state(s->hub),
	};
}

static void status_answer(struct exchange *x, const char *type, struct buffer *body)
{
	struct http_writer w = exchange_begin(x, 200);

	http_writer_text(&w, "Content-Type", type);
	http_writer_text(&w, "Cache-Control", "no-store");
	exchange_send(x, &w, buffer_bytes(body));
}

/* Asked often, so written without printf. */
static uint8_t *status_put_figures(uint8_t *to, const struct status *s)
{
	for (size_t i = 0; i < FIGURES; i++) {
		to = put_literal(to, ",\"");
		to = put_bytes(to, bytes_text(figures[i].name));
		to = put_literal(to, "\":");
		to = put_decimal(to, figures[i].value(s));
	}
	return to;
}

static void status_begin_json(struct exchange *x, const struct http_request *r)
{
	cleanup(buffer_deinit) struct buffer body = BUFFER_NULL;
	const struct server *server = x->connection->server;
	struct status s = status_of(server);
	uint8_t *start;

	if (!exchange_may(x, ACCESS_STATUS, BYTES_NULL))
		return;
	if (buffer_reserve(&body, FIGURES * FIGURE_MAX, &start) < 0) {
		exchange_refuse(x, 503, "the hub is out of memory; try again later");
		return;
	}
	uint8_t *to = put_literal(start, "{\"version\":\"" FERRY_VERSION "\",\"store\":\"");
	to = put_bytes(to, bytes_text(server->store->ops->name));
	to = put_literal(to, "\",\"sandbox\":\"");
	to = put_bytes(to, bytes_text(server->options.sandbox));
	to = put_literal(to, "\",\"uptime_ms\":");
	to = put_decimal(to, loop_now(server->loop) - server->started_ms);
	to = status_put_figures(to, &s);
	to = put_literal(to, "}\n");
	buffer_commit(&body, (size_t)(to - start));
	status_answer(x, "application/json", &body);
}

static void status_begin_metrics(struct exchange *x, const struct http_request *r)
{
	cleanup(buffer_deinit) struct buffer body = BUFFER_NULL;
	struct status s = status_of(x->connection->server);

	if (!exchange_may(x, ACCESS_STATUS, BYTES_NULL))
		return;
	for (size_t i = 0; i < FIGURES; i++) {
		const struct figure *f = &figures[i];
		const char *suffix = f->kind == COUNTER ? "_total" : "";
		buffer_print(&body, "# HELP ferry_%s%s %s\n# TYPE ferry_%s%s %s\nferry_%s%s %llu\n",
			f->name, suffix, f->help, f->name, suffix,
			f->kind == COUNTER ? "counter" : "gauge", f->name, suffix,
			(unsigned long long)f->value(&s));
	}
	status_answer(x, "text/plain; version=0.0.4", &body);
}

const struct handler status_json = {.begin = status_begin_json};
const struct handler status_metrics = {.begin = status_begin_metrics};

/* ---- GET /topics/ ---- */

struct listing {
	struct buffer body;
	const struct connection *reader; /* who is shown only what it has to do with */
};

static void list_topic(void *data, const struct hub_topic_info *t)
{
	struct listing *l = data;
	struct buffer *body = &l->body;

	if (!login_sees(l->reader, ACCESS_READ, t->name))
		return;
	/* A topic's name needs no escapes: hub/name.h. */
	buffer_print(body,
		"%s{\"name\":\"%.*s\",\"messages\":%llu,\"last_id\":%llu,\"subscribers\":%zu}",
		buffer_len(body) > 1 ? "," : "", (int)t->name.len, (const char *)t->name.data,
		(unsigned long long)t->messages, (unsigned long long)t->last_id, t->subscribers);
}

static void list_begin(struct exchange *x, const struct http_request *r)
{
	struct listing l = {.reader = x->connection};

	if (!exchange_may(x, ACCESS_READ, BYTES_NULL))
		return;
	buffer_append(&l.body, "[", 1);
	hub_topics(x->connection->server->hub, list_topic, &l);
	buffer_append(&l.body, "]\n", 2);
	status_answer(x, "application/json", &l.body);
	buffer_deinit(&l.body);
}

const struct handler topics_list = {.begin = list_begin};

#include "server/server.h"

#include "base/clock.h"
#include "base/log.h"
#include "net/vsock.h"
#include "server/connection.h"
#include "server/desk.h"
#include "server/files.h"
#include "server/plain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* So many above --max-clients are still told that they are too many. */
enum { REFUSED_MAX = 64 };

enum {
	REST_MS = 20,
	DOUBT_MS = 2000,
	FAREWELL_MS = 5000,
	STOP_MS = 1000,
	TICK_MS = 1000,
};

/* ---- the end of a turn ---- */

static void server_free_closed(struct server *s)
{
	list_each (node, &s->entrances)
		listener_retry(&container_of(node, struct entrance, node)->listener);
	while (!list_empty(&s->closed)) {
		struct list *node = s->closed.next;
		list_unlink(node);
		connection_free(container_of(node, struct connection, node));
	}
}

static void server_on_turn_end(struct ending *e)
{
	struct server *s = container_of(e, struct server, turn_end);

	connection_flush_last(s);
	hub_flush(s->hub);
	if (!deadline_is_set(&s->ticking))
		deadline_set(&s->tick, &s->ticking);
	if (!list_empty(&s->closed))
		server_free_closed(s);
	if (s->is_stopping && list_empty(&s->connections))
		s->stopped(s->stopped_data);
}

static void server_on_hub_wake(struct hub *hub, void *data)
{
	struct server *s = data;

	ending_ask(s->loop, &s->turn_end);
}

static void server_on_drained(struct hub *hub, void *data)
{
	struct server *s = data;
	struct list now = LIST_INIT(now);

	list_splice(&now, &s->held);
	while (!list_empty(&now))
		connection_proceed(container_of(now.next, struct connection, waiting));
}

static void server_on_accepted(struct hub *hub, const struct message *m, void *data)
{
	struct server *s = data;

	s->watcher.message(s->watcher.data, m);
}

void server_poll(struct server *s)
{
	hub_poll(s->hub);
	trouble_storing(&s->trouble, hub_store_state(s->hub)->error);
	ending_ask(s->loop, &s->turn_end);
}

/* ---- deadlines ---- */

/* One who waits for the store, or for its rate, may well have sent more. */
static void server_on_idle(struct deadlines *d, struct deadline *which)
{
	struct connection *c = container_of(which, struct connection, idle);

	if (!list_empty(&c->waiting)) {
		deadline_set(d, which);
		return;
	}
	c->server->counters.idle++;
	connection_close(c);
}

static void server_on_rest(struct deadlines *d, struct deadline *which)
{
	connection_rested(container_of(which, struct connection, rest));
}

static void server_on_farewell(struct deadlines *d, struct deadline *which)
{
	connection_farewell(container_of(which, struct connection, rest));
}

static void server_close_all(struct server *s)
{
	list_each_safe (node, &s->connections)
		connection_close(container_of(node, struct connection, node));
}

static void server_on_stop(struct deadlines *d, struct deadline *which)
{
	struct server *s = container_of(which, struct server, stopping);

	server_close_all(s);
	ending_ask(s->loop, &s->turn_end);
}

static void server_on_tick(struct deadlines *d, struct deadline *which)
{
	struct server *s = container_of(which, struct server, ticking);

	hub_tick(s->hub, clock_real_ms());
	visitors_tidy(&s->allowance.visitors, loop_now(s->loop));
	if (s->options.keep_age_ms && hub_store_state(s->hub)->messages)
		deadline_set(d, which);
}

/* ---- entrances ---- */

void server_let_in(struct entrance *e, struct channel *channel)
{
	struct server *s = e->server;

	if (s->counters.refusing < REFUSED_MAX || allowance_has_room(s, &channel->peer))
		connection_new(s, e, channel);
	else
		allowance_refuse(s);
}

static void server_on_connection(struct listener *l, struct channel *channel)
{
	struct entrance *e = container_of(l, struct entrance, listener);

	e->server->counters.accepted++;
	if (proxies_stand_before(e))
		proxies_await(&e->server->proxies, e, channel);
	else
		server_let_in(e, channel);
}

static void server_on_packet(struct listener *l, const struct packet *p)
{
	struct entrance *e = container_of(l, struct entrance, listener);

	e->server->counters.datagrams++;
	plain_datagram(e->server, e, p);
}

static void server_on_starved(struct listener *l, int error)
{
	log_note("no more clients for now: %s; those who come wait", strerror(-error));
}

static const struct listener_handler server_entrance = {
	.accepted = server_on_connection,
	.packet = server_on_packet,
	.starved = server_on_starved,
};

static struct entrance *entrance_free(struct entrance *e)
{
	list_unlink(&e->node);
	listener_close(&e->listener);
	buffer_deinit(&e->names);
	free(e);
	return NULL;
}

/* ---- life ---- */

static int server_init_deadlines(struct server *s)
{
	const struct {
		struct deadlines *deadlines;
		uint64_t ms;
		void (*expired)(struct deadlines *d, struct deadline *which);
	} waits[] = {
		{&s->idle, s->options.idle_timeout_ms, server_on_idle},
		{&s->rest, REST_MS, server_on_rest},
		{&s->doubt, DOUBT_MS, server_on_rest},
		{&s->beat, s->options.heartbeat_ms, server_on_rest},
		{&s->pace, s->options.patience_ms, server_on_rest},
		{&s->farewell, FAREWELL_MS, server_on_farewell},
		{&s->stop, STOP_MS, server_on_stop},
		{&s->tick, TICK_MS, server_on_tick},
	};

	for (size_t i = 0; i < sizeof(waits) / sizeof(*waits); i++) {
		int r = deadlines_init(waits[i].deadlines, s->loop, waits[i].ms, waits[i].expired);
		if (r < 0)
			return r;
	}
	int r = allowance_init(s);
	return r < 0 ? r : tls_door_init(&s->tls, s->loop);
}

struct server *server_new(struct loop *l, const struct server_options *options,
	const struct server_watcher *watcher, struct fault *why)
{
	struct server *s = calloc(1, sizeof(*s));

	if (!s) {
		fault_errno(why, -ENOMEM, "cannot start the hub");
		return NULL;
	}
	s->loop = l;
	s->options = *options;
	s->watcher = *watcher;
	s->started_ms = loop_now(l);
	access_init(&s->access);
	list_init(&s->entrances);
	list_init(&s->connections);
	list_init(&s->closed);
	list_init(&s->held);
	deadline_init(&s->stopping);
	deadline_init(&s->ticking);
	ending_init(&s->turn_end, server_on_turn_end);
	int r = server_init_deadlines(s);
	if (r == 0)
		r = proxies_init(&s->proxies, s);
	if (r < 0)
		fault_errno(why, r, "cannot start the hub");
	else
		r = admission_init(s, why);
	if (r == 0)
		r = client_keys_init(s, why);
	return r < 0 ? server_free(s) : s;
}

int server_keep_files(struct server *s, const struct catalogue_options *options, struct fault *why)
{
	s->files = files_new(s, options, why);
	return s->files ? 0 : why->error;
}

int server_start(struct server *s, struct store *store, struct fault *why)
{
	struct hub_options hub = {
		.wake = server_on_hub_wake,
		.drained = server_on_drained,
		.accepted = s->watcher.message ? server_on_accepted : NULL,
		.data = s,
	};

	s->store = store;
	s->desk = desk_new(s);
	s->hub = hub_new(store, &hub);
	return s->hub && s->desk ? 0 : fault_errno(why, -ENOMEM, "cannot start the hub");
}

struct server *server_free(struct server *s)
{
	if (!s)
		return NULL;
	struct deadlines *waits[] = {&s->idle, &s->rest, &s->doubt, &s->beat, &s->pace,
		&s->farewell, &s->stop, &s->tick};
	s->watcher = (struct server_watcher){0};
	list_each_safe (node, &s->entrances)
		entrance_free(container_of(node, struct entrance, node));
	server_close_all(s);
	server_free_closed(s);
	ending_cancel(&s->turn_end);
	buffer_deinit(&s->out);
	s->files = files_free(s->files);
	desk_free(s->desk);
	hub_free(s->hub);
	admission_deinit(s);
	allowance_deinit(s);
	proxies_deinit(&s->proxies);
	tls_door_deinit(&s->tls);
	for (size_t i = 0; i < sizeof(waits) / sizeof(*waits); i++)
		deadlines_deinit(waits[i]);
	if (s->files)
		return s;
	free(s);
	return NULL;
}

/* Asked for while everything may still be asked: a vsock socket's own number is a device's. */
static int entrance_name(struct entrance *e)
{
	const struct address_scheme *scheme = e->listener.address.scheme;
	const struct endpoint *at;
	int r = 0;

	for (size_t i = 0; !r && (at = listener_endpoint(&e->listener, i)); i++) {
		char text[ENDPOINT_TEXT_SIZE], suffix[TLS_DOOR_SUFFIX_SIZE] = "";
		struct endpoint shown = *at;
		vsock_name_self(&shown);
		endpoint_format(&shown, text);
		if (scheme->tls)
			tls_door_suffix(&e->server->tls, suffix);
		bool inet = scheme->kind == ADDRESS_INET;
		r = buffer_print(&e->names, "%s%s%s%s",
			inet	      ? scheme->name
			: scheme->tls ? "tls+"
				      : "",
			inet ? ":" : "", text, suffix);
		if (r == 0)
			r = buffer_append(&e->names, "", 1);
	}
	return r;
}

void server_tell_names(
	const struct server *s, void (*bound)(void *data, const char *text), void *data)
{
	list_each (node, &s->entrances) {
		const struct entrance *e = container_of(node, struct entrance, node);
		if (e->servants)
			continue;
		struct bytes names = buffer_bytes(&e->names), name;
		while (bytes_cut(&names, '\0', &name))
			bound(data, (const char *)name.data);
	}
}

/* What speaks against listening at E's address, and what would be right; NULL: nothing. */
static const char *entrance_objection(const struct entrance *e, const struct endpoint *at)
{
	bool closed = e->server->access.closed;
	bool tls = e->listener.address.scheme->tls;

	if (endpoint_is_local(at) || (closed && (tls || at->addr.ss_family == AF_VSOCK)))
		return NULL;
	if (closed)
		return "what proves who comes could be overheard: listen on tls:HOST:PORT, on "
		       "localhost or a Unix socket, or accept that with --open";
	return tls ? "anyone there could join: let in who has a key (--allow-key NAME=PIN) or a "
		     "token (--token-file FILE), or everyone with --open"
		   : "anyone there could join: listen on tls:HOST:PORT and let in who has a key "
		     "(--allow-key NAME=PIN) or a token (--token-file FILE), listen on localhost "
		     "or a "
		     "Unix socket, or let everyone in with --open";
}

/* Who listens wider than this machine may be reached by anyone there: not by mistake. What travels
 * through a network in the clear, tokens above all, others can read; between a machine and its
 * guests (vsock) nobody listens in. */
static int entrance_check(const struct entrance *e, struct fault *why)
{
	const struct endpoint *at;
	char text[ENDPOINT_TEXT_SIZE];

	if (e->server->options.open)
		return 0;
	for (size_t i = 0; (at = listener_endpoint(&e->listener, i)); i++) {
		const char *objection = entrance_objection(e, at);
		if (!objection)
			continue;
		endpoint_format(at, text);
		return fault_set(why, -EACCES, "%s can be reached from other machines, and %s",
			text, objection);
	}
	return 0;
}

/* The socket's file is for all where the table lets in only who may. */
static struct address entrance_address(const struct server *s, const struct address *a)
{
	struct address own = *a;
	bool checked =
		access_knows(&s->access, IDENTITY_USER) || access_knows(&s->access, IDENTITY_GROUP);

	if (checked && own.mode < 0 && own.scheme->kind == ADDRESS_UNIX && !own.abstract)
		own.mode = 0666;
	return own;
}

static int entrance_open(struct entrance *e, const struct address *address, struct fault *why)
{
	struct server *s = e->server;
	struct address own = entrance_address(s, address); /* borrows what ADDRESS has */

	int r = tls_door_check(&s->tls, address, why);
	if (r == 0)
		r = listener_open(&e->listener, s->loop, &own, 0, &server_entrance, why);
	if (r == 0)
		r = proxies_check(e, why);
	if (r == 0)
		r = entrance_check(e, why);
	if (r == 0 && (r = entrance_name(e)) < 0)
		fault_errno(why, r, "cannot listen");
	return r;
}

static struct entrance *server_enter(
	struct server *s, const struct address *address, struct fault *why)
{
	struct entrance *e = calloc(1, sizeof(*e));

	if (!e) {
		fault_errno(why, -ENOMEM, "cannot listen");
		return NULL;
	}
	list_init(&e->node);
	e->server = s;
	e->listener = LISTENER_NULL;
	if (entrance_open(e, address, why) < 0) {
		entrance_free(e);
		return NULL;
	}
	const char *topic = e->listener.address.options[ADDRESS_TOPIC];
	e->topic = bytes_text(topic ? topic : "lobby");
	list_push(&s->entrances, &e->node);
	return e;
}

int server_listen(struct server *s, const struct address *address, struct fault *why)
{
	return server_enter(s, address, why) ? 0 : why->error;
}

int server_listen_for_servants(
	struct server *s, const struct address *address, uid_t uid, struct fault *why)
{
	struct entrance *e = server_enter(s, address, why);

	if (!e)
		return why->error;
	e->servants = true;
	e->uid = uid;
	return 0;
}

static void server_say_farewell(struct connection *c)
{
	if (c->protocol->stop)
		c->protocol->stop(c);
	else
		connection_leave(c);
}

void server_stop(struct server *s, void (*stopped)(void *data), void *data)
{
	s->is_stopping = true;
	s->stopped = stopped;
	s->stopped_data = data;
	list_each (node, &s->entrances) {
		struct entrance *e = container_of(node, struct entrance, node);
		listener_close(&e->listener);
	}
	proxies_close(&s->proxies);
	deadline_set(&s->stop, &s->stopping);
	desk_stop(s->desk);
	list_each_safe (node, &s->connections)
		server_say_farewell(container_of(node, struct connection, node));
	ending_ask(s->loop, &s->turn_end);
}

int server_reload(struct server *s, struct fault *why)
{
	int r = admission_reload(s, why);

	return r < 0 ? r : client_keys_reload(s, why);
}

int server_publish(struct server *s, const struct publish *p)
{
	int r = hub_publish(s->hub, p);

	s->counters.unpublished += r < 0;
	return r;
}

int server_say(struct server *s, struct bytes topic, struct bytes from, struct bytes body)
{
	struct publish p = {
		.message = {.time_ms = clock_real_ms(), .topic = topic, .from = from, .body = body},
	};
	return server_publish(s, &p);
}

struct bytes server_date(struct server *s)
{
	uint64_t now = clock_real_ms() / 1000;

	if (now != s->date_s) {
		http_date_format(now, s->date);
		s->date_s = now;
	}
	return bytes_text(s->date);
}

#include "server/tls_door.h"

#include "base/log.h"
#include "net/tls_stream.h"
#include "server/connection.h"
#include "server/door.h"
#include "server/server.h"

#include <errno.h>
#include <stdio.h>

enum { TOLD_EVERY_MS = 1000 };

static struct tls_door *door_of(const struct connection *c)
{
	return &c->server->tls;
}

/* Whoever can connect can fail: the log is not theirs to fill. */
static void tls_door_tell(const struct connection *c, const char *what)
{
	struct tls_door *d = door_of(c);
	uint64_t now = loop_now(c->server->loop);

	if (d->told_ms && now - d->told_ms < TOLD_EVERY_MS) {
		log_detail("%s: %s", c->peer, what);
		return;
	}
	d->told_ms = now;
	log_note("%s: %s", c->peer, what);
}

/* ---- the handshake ---- */

static void tls_door_pass(struct connection *c)
{
	struct tls_door *d = door_of(c);

	d->counters.under_way--;
	d->counters.done++;
	d->counters.resumed += tls_is_resumed(tls_stream_session(&c->stream));
	deadline_clear(&c->rest);
	door_choose(c);
}

/* What the client says is read no earlier than its handshake is done. */
static size_t handshake_received(struct connection *c, struct bytes data)
{
	tls_door_pass(c);
	return 0;
}

static void handshake_writable(struct connection *c)
{
	if (tls_is_established(tls_stream_session(&c->stream)))
		tls_door_pass(c);
}

static void handshake_rested(struct connection *c)
{
	door_of(c)->counters.late++;
	connection_close(c);
}

static void handshake_ended(struct connection *c)
{
	connection_close(c);
}

static void handshake_lost(struct connection *c)
{
	const struct fault *why = tls_fault(tls_stream_session(&c->stream));
	char line[FAULT_TEXT_MAX + 32];

	door_of(c)->counters.failed++;
	door_of(c)->counters.unlisted += why && why->error == -EPERM;
	snprintf(line, sizeof(line), "no TLS: %s", why ? why->text : "the connection broke");
	tls_door_tell(c, line);
}

static void handshake_closed(struct connection *c)
{
	door_of(c)->counters.under_way--;
}

static const struct protocol handshake_protocol = {
	.name = "tls",
	.received = handshake_received,
	.rested = handshake_rested,
	.ended = handshake_ended,
	.lost = handshake_lost,
	.writable = handshake_writable,
	.stop = handshake_ended,
	.closed = handshake_closed,
};

static void tls_door_make_room(struct tls_door *d)
{
	if (d->counters.under_way < TLS_DOOR_MAX || list_empty(&d->handshake.waiting))
		return;
	struct deadline *oldest = container_of(d->handshake.waiting.next, struct deadline, node);
	d->counters.dropped++;
	connection_close(container_of(oldest, struct connection, rest));
}

static void tls_door_begin(struct connection *c, struct bytes hello)
{
	bool asked = client_keys_are_asked(&c->server->options.client_keys);
	const struct tls_setup setup = {
		.unverified = asked,
		.check = asked ? client_keys_check : NULL,
		.check_arg = c,
	};
	struct tls_door *d = door_of(c);

	tls_door_make_room(d);
	if (tls_stream_start(&c->stream, d->context, &setup, hello) < 0) {
		connection_close(c);
		return;
	}
	d->counters.under_way++;
	d->begun++;
	ending_ask(c->server->loop, &d->turn);
	connection_speak(c, &handshake_protocol);
	deadline_set(&d->handshake, &c->rest);
}

/* ---- the hello ---- */

/* RFC 8446 section 6: a fatal alert, handshake_failure. */
static void tls_door_refuse(struct connection *c)
{
	static const uint8_t alert[] = {0x15, 0x03, 0x03, 0, 2, 2, 40};

	door_of(c)->counters.failed++;
	tls_door_tell(c, "wants TLS, and this hub has no key; give it one with --cert FILE --key "
			 "FILE, or listen on a tls: address");
	connection_write(c, alert, sizeof(alert));
	connection_leave(c);
}

/* ---- the pace ---- */

static void tls_door_on_turn_end(struct ending *e)
{
	container_of(e, struct tls_door, turn)->begun = 0;
}

/* Keeps its hello, and reads no more of it. */
static size_t tls_door_queue(struct connection *c)
{
	struct tls_door *d = door_of(c);

	connection_hold(c);
	list_push(&d->queue, &c->waiting);
	if (!deadline_is_set(&d->ticking))
		deadline_set(&d->tick, &d->ticking);
	return 0;
}

static void tls_door_on_tick(struct deadlines *tick, struct deadline *ticking)
{
	struct tls_door *d = container_of(ticking, struct tls_door, ticking);

	d->admitting = true;
	for (int i = 0; i < TLS_DOOR_PACE && !list_empty(&d->queue); i++)
		connection_proceed(container_of(d->queue.next, struct connection, waiting));
	d->admitting = false;
	if (!list_empty(&d->queue))
		deadline_set(tick, ticking);
}

static size_t hello_received(struct connection *c, struct bytes data)
{
	struct tls_door *d = door_of(c);

	if (!d->context)
		tls_door_refuse(c);
	else if (d->admitting || (d->begun < TLS_DOOR_PACE && list_empty(&d->queue)))
		tls_door_begin(c, data);
	else
		return tls_door_queue(c);
	return data.len;
}

static void hello_ended(struct connection *c)
{
	connection_close(c);
}

static const struct protocol hello_protocol = {
	.name = "tls",
	.received = hello_received,
	.rested = handshake_rested,
	.ended = hello_ended,
	.stop = hello_ended,
};

void tls_door_open(struct connection *c)
{
	connection_speak(c, &hello_protocol);
	deadline_set(&door_of(c)->hello, &c->rest);
}

void tls_door_answer(struct connection *c)
{
	connection_speak(c, &hello_protocol);
}

bool tls_door_is_behind(const struct connection *c)
{
	return tls_stream_session(&c->stream);
}

/* ---- life ---- */

static void tls_door_on_late(struct deadlines *deadlines, struct deadline *which)
{
	connection_rested(container_of(which, struct connection, rest));
}

int tls_door_init(struct tls_door *d, struct loop *l)
{
	list_init(&d->queue);
	deadline_init(&d->ticking);
	ending_init(&d->turn, tls_door_on_turn_end);
	int r = deadlines_init(&d->hello, l, TLS_DOOR_WAIT_MS, tls_door_on_late);
	if (r == 0)
		r = deadlines_init(&d->handshake, l, TLS_DOOR_WAIT_MS, tls_door_on_late);
	return r < 0 ? r : deadlines_init(&d->tick, l, TLS_DOOR_TICK_MS, tls_door_on_tick);
}

void tls_door_deinit(struct tls_door *d)
{
	d->context = tls_context_unref(d->context);
	deadlines_deinit(&d->hello);
	deadlines_deinit(&d->handshake);
	deadlines_deinit(&d->tick);
	if (d->turn.run)
		ending_cancel(&d->turn);
}

void tls_door_set_key(struct tls_door *d, struct tls_context *context, bool shows_pin)
{
	tls_context_unref(d->context);
	d->context = tls_context_ref(context);
	d->shows_pin = shows_pin;
}

int tls_door_check(const struct tls_door *d, const struct address *a, struct fault *why)
{
	if (a->options[ADDRESS_CERT] || a->options[ADDRESS_KEY])
		return fault_set(
			why, -EINVAL, "a hub has one key for all its addresses: --cert and --key");
	if (!a->scheme->tls || d->context)
		return 0;
	return fault_set(why, -EINVAL, "%s: needs a key (--cert FILE --key FILE)", a->scheme->name);
}

void tls_door_suffix(const struct tls_door *d, char text[TLS_DOOR_SUFFIX_SIZE])
{
	char pin[PIN_TEXT_SIZE];
	struct pin own;

	*text = '\0';
	if (!d->shows_pin || !tls_context_pin(d->context, &own))
		return;
	pin_format(&own, pin);
	snprintf(text, TLS_DOOR_SUFFIX_SIZE, "?pin=%s", pin);
}

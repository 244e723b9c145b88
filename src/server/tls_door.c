#include "server/tls_door.h"

#include "base/log.h"
#include "net/tls_stream.h"
#include "server/connection.h"
#include "server/door.h"
#include "server/server.h"
#include "wire/client_hello.h"

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

/* ---- the pace ---- */

/* The next one begins in the next turn, or after a pause. */
static void tls_door_call(struct tls_door *d)
{
	if (!d->counters.waiting)
		return;
	if (d->counters.under_way < TLS_DOOR_BRISK)
		source_again(d->pause.loop, &d->turn, 0);
	else if (!deadline_is_set(&d->pausing))
		deadline_set(&d->pause, &d->pausing);
}

static void tls_door_let_one(struct tls_door *d)
{
	struct list *next = turns_next(&d->queue);

	if (next)
		connection_proceed(container_of(next, struct connection, waiting));
	tls_door_call(d);
}

static void tls_door_on_turn(struct source *turn, uint32_t events)
{
	tls_door_let_one(container_of(turn, struct tls_door, turn));
}

static void tls_door_on_pause(struct deadlines *pause, struct deadline *pausing)
{
	tls_door_let_one(container_of(pause, struct tls_door, pause));
}

void tls_door_tell_lost(const struct connection *c, int error)
{
	const struct tls *t = tls_stream_session(&c->stream);
	struct fault why;

	if (!t || !tls_is_established(t))
		return;
	stream_fault(&c->stream, error, c->peer, &why);
	log_detail("%s", why.text);
}

/* ---- the handshake ---- */

static void tls_door_is_done(struct tls_door *d)
{
	d->counters.under_way--;
	tls_door_call(d);
}

static void tls_door_pass(struct connection *c)
{
	struct tls_door *d = door_of(c);

	tls_door_is_done(d);
	d->counters.done++;
	d->counters.resumed += tls_is_resumed(tls_stream_session(&c->stream));
	d->counters.kernel += tls_is_in_kernel(tls_stream_session(&c->stream));
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
	tls_door_is_done(door_of(c));
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

static size_t handshake_begin(struct connection *c, struct bytes hello)
{
	bool asked = client_keys_are_asked(&c->server->options.client_keys);
	const struct tls_setup setup = {
		.unverified = asked,
		.check = asked ? client_keys_check : NULL,
		.check_arg = c,
	};
	struct tls_door *d = door_of(c);

	d->counters.waiting--;
	d->counters.under_way++;
	connection_speak(c, &handshake_protocol);
	deadline_set(&d->late, &c->rest);
	if (c->ended || tls_stream_start(&c->stream, d->context, &setup, hello) < 0)
		connection_close(c);
	return hello.len;
}

/* ---- the queue ---- */

static void queue_closed(struct connection *c)
{
	door_of(c)->counters.waiting--;
}

static const struct protocol queue_protocol = {
	.name = "tls",
	.received = handshake_begin,
	.rested = handshake_rested,
	.ended = handshake_ended,
	.stop = handshake_ended,
	.closed = queue_closed,
};

static void tls_door_queue(struct connection *c)
{
	struct tls_door *d = door_of(c);

	connection_hold(c);
	connection_speak(c, &queue_protocol);
	d->counters.waiting++;
	turns_join(&d->queue, c->visitor ? &c->visitor->hellos : &d->unknown, &c->waiting);
	tls_door_call(d);
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

static size_t hello_received(struct connection *c, struct bytes data)
{
	if (!door_of(c)->context) {
		tls_door_refuse(c);
		return data.len;
	}
	if (client_hello_is_there(data))
		tls_door_queue(c);
	return 0;
}

static const struct protocol hello_protocol = {
	.name = "tls",
	.received = hello_received,
	.rested = handshake_rested,
	.ended = handshake_ended,
	.stop = handshake_ended,
};

void tls_door_open(struct connection *c)
{
	connection_speak(c, &hello_protocol);
	deadline_set(&door_of(c)->late, &c->rest);
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
	d->turn = (struct source){.fd = -1, .ready = tls_door_on_turn};
	list_init(&d->turn.node);
	turns_init(&d->queue);
	turns_line_init(&d->unknown);
	deadline_init(&d->pausing);
	int r = deadlines_init(&d->late, l, TLS_DOOR_WAIT_MS, tls_door_on_late);
	return r < 0 ? r : deadlines_init(&d->pause, l, TLS_DOOR_PAUSE_MS, tls_door_on_pause);
}

void tls_door_deinit(struct tls_door *d)
{
	d->context = tls_context_unref(d->context);
	deadlines_deinit(&d->late);
	deadlines_deinit(&d->pause);
	if (d->turn.ready)
		list_unlink(&d->turn.node);
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

#include "client/session.h"

#include "base/clock.h"
#include "client/dialect.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>

enum {
	SESSION_TIMEOUT_MS = 10000,
	SESSION_RETRY_MIN_MS = 250,
	SESSION_RETRY_MAX_MS = 10000,
};

static struct session *session_of(struct link *l)
{
	return container_of(l, struct session, link);
}

/* ---- options ---- */

static int session_choose_dialect(struct session *s, const char *wire, struct fault *why)
{
	bool packets = s->address.type != SOCK_STREAM;

	if (!wire)
		wire = s->address.options[ADDRESS_WIRE];
	if (!wire)
		wire = packets ? "plain" : "http";
	if (!strcmp(wire, "plain"))
		s->dialect = &dialect_plain;
	else if (strcmp(wire, "http") != 0)
		return fault_set(why, -EINVAL, "there is no wire '%s', only http and plain", wire);
	else if (packets)
		return fault_set(why, -EINVAL, "packets carry the plain wire, not http");
	else
		s->dialect = s->follow ? &dialect_websocket : &dialect_http;
	return 0;
}

static int session_check_plain(const struct session *s, struct fault *why)
{
	if (strcmp(s->topic, "lobby") != 0)
		return fault_set(why, -EINVAL,
			"the plain wire cannot choose a topic; the hub's own address can: "
			"?topic=%s",
			s->topic);
	if (s->name)
		return fault_set(why, -EINVAL, "the plain wire cannot give a name");
	if (s->since)
		return fault_set(why, -EINVAL,
			"the plain wire cannot go back in time; the hub's own address can: "
			"?since=%s",
			s->since);
	return 0;
}

/* TO becomes a copy of the first that is there, NULL when none is. */
static int copy_text(char **to, const char *given, const char *of_address, const char *preset)
{
	const char *text = given ? given : of_address ? of_address : preset;

	*to = text ? strdup(text) : NULL;
	return text && !*to ? -ENOMEM : 0;
}

/* Nobody else's, and not to be guessed. */
static int session_make_token(struct session *s)
{
	uint8_t random[(SESSION_TOKEN_SIZE - 1) / 2];

	if (getrandom(random, sizeof(random), 0) < 0)
		return -errno;
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(s->token + 2 * i, 3, "%02x", random[i]);
	return 0;
}

static int session_take_options(
	struct session *s, const struct session_options *o, struct fault *why)
{
	int r = address_parse(&s->address, o->address, why);
	if (r < 0)
		return r;
	char **own = s->address.options;
	r = copy_text(&s->topic, o->topic, own[ADDRESS_TOPIC], "lobby");
	if (r == 0)
		r = copy_text(&s->name, o->name, own[ADDRESS_NAME], NULL);
	if (r == 0)
		r = copy_text(&s->since, o->since, o->follow ? own[ADDRESS_SINCE] : NULL, NULL);
	if (r < 0)
		return fault_errno(why, r, "%s", o->address);
	s->has_last_id = s->since && http_parse_number(bytes_text(s->since), &s->last_id) == 0;
	s->follow = o->follow;
	s->announce = o->announce;
	s->reconnect = o->reconnect;
	s->timeout_ms = o->timeout_ms ? o->timeout_ms : SESSION_TIMEOUT_MS;
	s->farewell_ms = o->farewell_ms ? o->farewell_ms : SESSION_TIMEOUT_MS;
	r = session_choose_dialect(s, o->wire, why);
	if (r == 0 && s->dialect == &dialect_plain)
		r = session_check_plain(s, why);
	return r;
}
/* ---- what became of messages ---- */

void session_settle(struct session *s, const struct fault *why, uint64_t id)
{
	if (why && s->handler->refused)
		s->handler->refused(s, why);
	if (!why)
		s->attempts = 0;
	if (!s->freed)
		outbox_settle(&s->outbox, why ? why->error : 0, id);
}

/* ---- the end of a connection ---- */

static void session_disconnect(struct session *s)
{
	link_close(&s->link);
	if (s->talking)
		s->dialect->stop(s);
	s->talking = false;
	outbox_rewind(&s->outbox);
}

void session_over(struct session *s, const struct fault *why)
{
	struct fault ended;

	if (s->state == SESSION_CLOSED)
		return;
	if (!why->error)
		fault_set(&ended, -EPIPE, "the other side has ended");
	s->state = SESSION_CLOSED;
	session_disconnect(s);
	while (s->outbox.count && !s->freed)
		session_settle(s, why->error ? why : &ended, 0);
	if (s->handler->closed && !s->freed)
		s->handler->closed(s, why);
}

static void session_over_well(struct session *s)
{
	session_over(s, &FAULT_NULL);
}

/* Half of it is left to chance, lest all clients of a hub come back at once. */
static uint64_t session_backoff(unsigned attempts)
{
	uint64_t span = SESSION_RETRY_MIN_MS;
	uint32_t chance = 0;

	while (attempts-- && span < SESSION_RETRY_MAX_MS)
		span *= 2;
	if (span > SESSION_RETRY_MAX_MS)
		span = SESSION_RETRY_MAX_MS;
	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) < 0)
		chance = 0;
	return span / 2 + chance % (span / 2 + 1);
}

void session_lost(struct session *s, const struct fault *why)
{
	if (s->state == SESSION_CLOSED)
		return;
	bool barred = why->error == -EACCES; /* or the hub has another key: it will not change */
	if (barred || !s->has_been_open || !s->reconnect || !s->dialect->resumes) {
		session_over(s, why);
		return;
	}
	if (s->finishing && !s->outbox.count) {
		session_over_well(s);
		return;
	}
	session_disconnect(s);
	s->state = SESSION_WAITING;
	uint64_t wait = session_backoff(s->attempts++);
	link_alarm(&s->link, wait);
	if (s->handler->lost)
		s->handler->lost(s, why, wait);
}

void session_broke(struct session *s, int error, const char *format, ...)
{
	struct fault what, why;
	va_list args;

	if (!session_is_talking(s))
		return;
	va_start(args, format);
	vsnprintf(what.text, sizeof(what.text), format, args);
	va_end(args);
	if (s->has_been_open || !s->dialect->resumes || error == -EACCES)
		fault_set(&why, error, "%s", what.text);
	else
		reply_doubt(&why, error, what.text);
	session_lost(s, &why);
}

/* ---- the connection ---- */

static void session_on_connected(struct link *l)
{
	struct session *s = session_of(l);

	memset(&s->as, 0, sizeof(s->as));
	s->talking = true;
	link_alarm(l, s->timeout_ms);
	if (s->paused)
		stream_pause(&l->stream);
	s->dialect->start(s);
}

static size_t session_on_received(struct link *l, struct bytes data)
{
	struct session *s = session_of(l);

	return s->dialect->received(s, data);
}

static void session_on_ended(struct link *l)
{
	struct session *s = session_of(l);

	s->dialect->ended(s);
}

static void session_on_writable(struct link *l)
{
	struct session *s = session_of(l);

	session_ask_pump(s);
}

static void session_on_failed(struct link *l, const struct fault *why)
{
	struct session *s = session_of(l);

	if (s->talking)
		session_broke(s, why->error, "%s", why->text);
	else
		session_lost(s, why);
}

static void session_dial_again(struct session *s)
{
	struct fault why;

	s->state = SESSION_GREETING;
	int r = link_dial(&s->link, &s->address, s->timeout_ms);
	if (r < 0) {
		fault_errno(&why, r, "cannot connect");
		session_lost(s, &why);
	}
}

static void session_on_alarm(struct link *l)
{
	struct session *s = session_of(l);
	bool leaving = s->state == SESSION_LEAVING;

	if (s->state == SESSION_OPEN)
		s->dialect->alarmed(s);
	else if (s->state == SESSION_WAITING)
		session_dial_again(s);
	else
		session_broke(s, -ETIMEDOUT, "the other side did not %s within %llu ms",
			leaving ? "end" : "answer",
			(unsigned long long)(leaving ? s->farewell_ms : s->timeout_ms));
}

static const struct link_handler session_link_handler = {
	.connected = session_on_connected,
	.received = session_on_received,
	.ended = session_on_ended,
	.writable = session_on_writable,
	.failed = session_on_failed,
	.alarmed = session_on_alarm,
};

/* ---- what dialects tell ---- */

void session_opened(struct session *s)
{
	link_alarm(&s->link, 0);
	s->state = SESSION_OPEN;
	s->has_been_open = true;
	if (!s->outbox.count)
		s->attempts = 0;
	session_ask_pump(s);
	if (s->handler->opened)
		s->handler->opened(s);
}

void session_deliver(struct session *s, const struct message *m)
{
	if (!s->follow || (s->has_last_id && m->id && m->id <= s->last_id))
		return;
	if (m->id) {
		s->last_id = m->id;
		s->has_last_id = true;
	}
	if (s->handler->message)
		s->handler->message(s, m);
}

void session_skipped(struct session *s, uint64_t count)
{
	if (s->handler->skipped)
		s->handler->skipped(s, count);
}

void session_ask_pump(struct session *s)
{
	ending_ask(s->link.loop, &s->turn_end);
}

/* ---- publishing ---- */

/* At the end of a turn, so that what was published in it is sent together. */
static void session_pump(struct session *s)
{
	if (s->state == SESSION_OPEN && outbox_has_unsent(&s->outbox))
		s->dialect->pump(s);
	if (s->full && buffer_len(&s->outbox.records) < OUTBOX_LIMIT / 2) {
		s->full = false;
		if (s->handler->writable)
			s->handler->writable(s);
	}
	if (!s->finishing || s->outbox.count || stream_queued(&s->link.stream) || s->freed)
		return;
	if (s->state == SESSION_WAITING) {
		session_over_well(s);
	} else if (s->state == SESSION_OPEN) {
		s->state = SESSION_LEAVING;
		link_alarm(&s->link, s->farewell_ms);
		s->dialect->finish(s);
	}
}

int session_publish(struct session *s, struct bytes body, outbox_settled *settled, void *data)
{
	if (s->finishing || s->state == SESSION_CLOSED)
		return -EPIPE;
	if (session_is_full(s))
		return -EAGAIN;
	int r = outbox_push(&s->outbox, body, settled, data);
	if (r == 0)
		session_ask_pump(s);
	return r;
}

bool session_is_full(struct session *s)
{
	s->full = s->full || outbox_is_full(&s->outbox);
	return s->full;
}

uint64_t session_unsettled(const struct session *s)
{
	return s->outbox.count;
}

void session_finish(struct session *s)
{
	s->finishing = true;
	session_ask_pump(s);
}

/* ---- life ---- */

static void session_release(struct session *s)
{
	link_deinit(&s->link);
	outbox_deinit(&s->outbox);
	address_deinit(&s->address);
	free(s->topic);
	free(s->name);
	free(s->since);
	free(s);
}

static void session_on_turn_end(struct ending *e)
{
	struct session *s = container_of(e, struct session, turn_end);

	if (s->freed)
		session_release(s);
	else
		session_pump(s);
}

struct session *session_new(struct loop *l, const struct session_options *options,
	const struct session_handler *handler, void *data, struct fault *why)
{
	struct session *s = calloc(1, sizeof(*s));

	if (!s) {
		fault_errno(why, -ENOMEM, "%s", options->address);
		return NULL;
	}
	s->handler = handler;
	s->data = data;
	s->started_ms = clock_monotonic_ms();
	s->link = LINK_NULL;
	ending_init(&s->turn_end, session_on_turn_end);
	int r = session_take_options(s, options, why);
	if (r == 0)
		r = session_make_token(s);
	if (r == 0)
		r = link_init(&s->link, l, options->trust, &session_link_handler);
	s->link.http = s->dialect != &dialect_plain;
	if (s->dialect == &dialect_plain && options->trust)
		s->link.token = trust_token(options->trust, true);
	if (r == 0)
		r = link_dial(&s->link, &s->address, s->timeout_ms);
	if (r == 0)
		return s;
	if (!why->error)
		fault_errno(why, r, "%s", options->address);
	session_release(s);
	return NULL;
}

struct session *session_free(struct session *s)
{
	if (!s)
		return NULL;
	s->state = SESSION_CLOSED;
	s->freed = true;
	session_disconnect(s);
	session_ask_pump(s);
	return NULL;
}

void *session_data(const struct session *s)
{
	return s->data;
}

void session_pause(struct session *s)
{
	s->paused = true;
	stream_pause(&s->link.stream);
}

void session_resume(struct session *s)
{
	s->paused = false;
	if (session_is_connected(s))
		stream_resume(&s->link.stream);
}

bool session_is_open(const struct session *s)
{
	return s->state == SESSION_OPEN;
}

const char *session_wire_name(const struct session *s)
{
	return s->dialect->name;
}

/*
 * ferry.h: sessions
 *
 * What the library hands out is copied into a parcel first, so that texts end with a NUL, and so
 * that messages can wait for ferry_next(). When many wait the session is paused, but not while a
 * call waits for something else of it: that comes behind them.
 */

#include "base/cleanup.h"
#include "base/clock.h"
#include "client/context.h"
#include "client/session.h"

#include <errno.h>
#include <stdlib.h>

enum {
	WAITING_MAX = 1024 * 1024, /* bytes of messages, until the session is paused */
	TIMEOUT_MS = 10 * 1000,
};

struct parcel {
	struct list node;
	struct ferry_message message;
	size_t size;
	char bytes[];
};

struct ferry_session {
	struct context_part part;
	struct ferry *ferry;
	struct session *session; /* NULL when it is over */
	struct ferry_options options;
	struct list waiting; /* parcels for ferry_next() */
	size_t waiting_bytes;
	struct parcel *given;	  /* by the last ferry_next() */
	bool busy;		  /* a call waits for something else than messages */
	uint64_t asked, answered; /* ferry_publish_wait()'s messages */
	int answer_error;
	uint64_t answer_id;
	struct fault why;     /* of its end */
	struct fault refusal; /* of the first message not stored since the last ferry_flush() */
};

/* ---- messages ---- */

static char *pack(char **to, struct bytes b)
{
	char *start = *to;

	if (b.len)
		memcpy(start, b.data, b.len);
	start[b.len] = '\0';
	*to = start + b.len + 1;
	return start;
}

static struct parcel *parcel_new(const struct message *m)
{
	size_t size = sizeof(struct parcel) + m->topic.len + m->from.len + m->body.len + 3;
	struct parcel *p = malloc(size);

	if (!p)
		return NULL;
	char *to = p->bytes;
	p->size = size;
	p->message = (struct ferry_message){.id = m->id, .time_ms = m->time_ms};
	p->message.topic = pack(&to, m->topic);
	p->message.from = pack(&to, m->from);
	p->message.body = pack(&to, m->body);
	p->message.body_len = m->body.len;
	return p;
}

static void inbox_put(struct ferry_session *s, struct parcel *p)
{
	list_push(&s->waiting, &p->node);
	s->waiting_bytes += p->size;
	if (s->waiting_bytes >= WAITING_MAX && !s->busy)
		session_pause(s->session);
}

static struct parcel *inbox_take(struct ferry_session *s)
{
	struct parcel *p = container_of(s->waiting.next, struct parcel, node);

	list_unlink(&p->node);
	s->waiting_bytes -= p->size;
	if (s->session && s->waiting_bytes < WAITING_MAX / 2)
		session_resume(s->session);
	return p;
}

/* ---- what the session tells ---- */

static void on_closed(struct session *session, const struct fault *why)
{
	struct ferry_session *s = session_data(session);

	s->session = session_free(s->session);
	s->why = *why;
	if (why->error)
		context_failed(s->ferry, why);
	if (s->options.closed)
		s->options.closed(s->options.data, why->error);
}

static void on_opened(struct session *session)
{
	struct ferry_session *s = session_data(session);

	if (s->options.opened)
		s->options.opened(s->options.data);
}

/* Nothing may be missing silently. */
static void on_no_memory(struct ferry_session *s)
{
	struct fault why;

	fault_errno(&why, -ENOMEM, "no room for a message");
	on_closed(s->session, &why);
}

static void on_message(struct session *session, const struct message *m)
{
	struct ferry_session *s = session_data(session);
	struct parcel *p = parcel_new(m);

	if (!p) {
		on_no_memory(s);
	} else if (s->options.message) {
		s->options.message(s->options.data, &p->message);
		free(p);
	} else {
		inbox_put(s, p);
	}
}

static void on_skipped(struct session *session, uint64_t count)
{
	struct ferry_session *s = session_data(session);

	if (s->options.skipped)
		s->options.skipped(s->options.data, count);
}

static void on_refused(struct session *session, const struct fault *why)
{
	struct ferry_session *s = session_data(session);

	context_failed(s->ferry, why);
	if (!s->refusal.error)
		s->refusal = *why;
}

static void on_lost(struct session *session, const struct fault *why, uint64_t retry_ms)
{
	struct ferry_session *s = session_data(session);

	context_failed(s->ferry, why);
	if (s->options.lost)
		s->options.lost(s->options.data);
}

static const struct session_handler session_handler = {
	.opened = on_opened,
	.message = on_message,
	.skipped = on_skipped,
	.refused = on_refused,
	.lost = on_lost,
	.closed = on_closed,
};

/* ---- life ---- */

void ferry_options_init(struct ferry_options *options, size_t size)
{
	const struct ferry_options presets = {
		.size = size,
		.reconnect = 1,
		.timeout_ms = TIMEOUT_MS,
	};

	memset(options, 0, size);
	memcpy(options, &presets, context_known(size, sizeof(presets)));
}

static int open_session(struct ferry_session *s, const char *address)
{
	const struct ferry_options *o = &s->options;
	struct ferry *f = s->ferry;
	struct session_options options = {
		.address = address,
		.wire = o->wire,
		.topic = o->topic,
		.name = o->name,
		.since = o->since,
		.trust = f->trust,
		.follow = o->follow,
		.announce = o->follow,
		.reconnect = o->reconnect,
		.timeout_ms = o->timeout_ms > 0 ? (uint64_t)o->timeout_ms : TIMEOUT_MS,
		.farewell_ms = o->timeout_ms > 0 ? (uint64_t)o->timeout_ms : TIMEOUT_MS,
	};

	s->session = session_new(&f->loop, &options, &session_handler, s, &f->why);
	return s->session ? 0 : f->why.error;
}

static void session_end(struct context_part *p)
{
	ferry_close(container_of(p, struct ferry_session, part));
}

struct ferry_session *ferry_open(
	struct ferry *f, const char *address, const struct ferry_options *options)
{
	struct ferry_session *s = calloc(1, sizeof(*s));

	if (!s) {
		fault_errno(&f->why, -ENOMEM, "%s", address);
		return NULL;
	}
	s->ferry = f;
	list_init(&s->waiting);
	ferry_options_init(&s->options, sizeof(s->options));
	memcpy(&s->options, options, context_known(options->size, sizeof(s->options)));
	if (context_make_trust(f) < 0 || open_session(s, address) < 0) {
		free(s);
		return NULL;
	}
	context_add(f, &s->part, session_end);
	context_touch(f);
	return s;
}

struct ferry_session *ferry_close(struct ferry_session *s)
{
	if (!s)
		return NULL;
	session_free(s->session);
	while (!list_empty(&s->waiting))
		free(inbox_take(s));
	free(s->given);
	context_remove(&s->part);
	context_touch(s->ferry);
	free(s);
	return NULL;
}

void ferry_finish(struct ferry_session *s)
{
	if (!s->session)
		return;
	session_finish(s->session);
	context_touch(s->ferry);
}

/* ---- publishing ---- */

/* Why nothing can be done with it any more. */
static int session_is_over(struct ferry_session *s)
{
	if (s->why.error)
		return context_failed(s->ferry, &s->why);
	return fault_set(&s->ferry->why, -EPIPE, "the session is over");
}

int ferry_publish(struct ferry_session *s, const void *body, size_t len,
	void (*stored)(void *data, int error, uint64_t id), void *data)
{
	if (!s->session)
		return session_is_over(s);
	int r = session_publish(s->session, bytes_of(body, len), stored, data);
	if (r == -EAGAIN)
		return fault_set(&s->ferry->why, r, "too much is on its way to the hub");
	if (r < 0)
		return fault_errno(&s->ferry->why, r, "cannot publish");
	context_touch(s->ferry);
	return 0;
}

/* Waits for something else than messages, which must not be in the way. */
static int session_wait(
	struct ferry_session *s, bool (*done)(const void *arg), const void *arg, int timeout_ms)
{
	s->busy = true;
	if (s->session)
		session_resume(s->session);
	int r = context_wait(s->ferry, done, arg, timeout_ms);
	s->busy = false;
	if (s->session && s->waiting_bytes >= WAITING_MAX)
		session_pause(s->session);
	return r;
}

/* Messages are settled in their order, so the last answer is the one that is waited for. */
static void on_answered(void *data, int error, uint64_t id)
{
	struct ferry_session *s = data;

	s->answered++;
	s->answer_error = error;
	s->answer_id = id;
}

static bool is_answered(const void *arg)
{
	const struct ferry_session *s = arg;

	return s->answered == s->asked;
}

static bool has_room(const void *arg)
{
	const struct ferry_session *s = arg;

	return !s->session || !session_is_full(s->session);
}

/* What is left of TIMEOUT_MS since START. */
static int remaining(int timeout_ms, uint64_t start)
{
	uint64_t spent = clock_monotonic_ms() - start;

	if (timeout_ms < 0)
		return timeout_ms;
	return spent < (uint64_t)timeout_ms ? timeout_ms - (int)spent : 0;
}

int ferry_publish_wait(
	struct ferry_session *s, const void *body, size_t len, uint64_t *id, int timeout_ms)
{
	uint64_t start = clock_monotonic_ms();
	int r = session_wait(s, has_room, s, timeout_ms);

	if (r == 0)
		r = ferry_publish(s, body, len, on_answered, s);
	if (r < 0)
		return r;
	s->asked++;
	r = session_wait(s, is_answered, s, remaining(timeout_ms, start));
	if (r < 0)
		return r;
	if (id)
		*id = s->answer_id;
	return s->answer_error;
}

static bool is_settled(const void *arg)
{
	const struct ferry_session *s = arg;

	return !s->session || !session_unsettled(s->session);
}

int ferry_flush(struct ferry_session *s, int timeout_ms)
{
	int r = session_wait(s, is_settled, s, timeout_ms);

	if (r < 0)
		return r;
	struct fault refusal = s->refusal;
	s->refusal = FAULT_NULL;
	return refusal.error ? context_failed(s->ferry, &refusal) : 0;
}

/* ---- following ---- */

static bool has_next(const void *arg)
{
	const struct ferry_session *s = arg;

	return !list_empty(&s->waiting) || !s->session;
}

int ferry_next(struct ferry_session *s, struct ferry_message *m, int timeout_ms)
{
	int r = context_wait(s->ferry, has_next, s, timeout_ms);

	if (r < 0)
		return r;
	free(take(s->given));
	if (list_empty(&s->waiting))
		return s->why.error ? context_failed(s->ferry, &s->why) : 0;
	s->given = inbox_take(s);
	*m = s->given->message;
	return 1;
}

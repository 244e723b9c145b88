#pragma once

/*
 * A session and what it has told so far, for tests that play the hub's part.
 */

#include "client/session.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct told {
	struct loop loop;
	struct session *session;
	struct buffer messages; /* FROM|BODY; one after the other */
	struct buffer settled;	/* ERROR:ID; likewise */
	int opened, lost, closed, skipped, writable;
	uint64_t last_id;
	uint64_t retry_ms;
	struct fault why;
};

/* Whatever is told may be what the test waits for: the turn must not go on to sleep. */
static inline struct told *told_of(struct session *s)
{
	struct told *t = session_data(s);

	loop_stop(&t->loop);
	return t;
}

static inline void told_opened(struct session *s)
{
	told_of(s)->opened++;
}

static inline void told_message(struct session *s, const struct message *m)
{
	struct told *t = told_of(s);

	buffer_append(&t->messages, m->from.data, m->from.len);
	buffer_append(&t->messages, "|", 1);
	buffer_append(&t->messages, m->body.data, m->body.len);
	buffer_append(&t->messages, ";", 1);
	t->last_id = m->id;
}

static inline void told_skipped(struct session *s, uint64_t count)
{
	told_of(s)->skipped += (int)count;
}

static inline void told_refused(struct session *s, const struct fault *why)
{
	told_of(s)->why = *why;
}

static inline void told_writable(struct session *s)
{
	told_of(s)->writable++;
}

static inline void told_lost(struct session *s, const struct fault *why, uint64_t retry_ms)
{
	struct told *t = told_of(s);

	t->lost++;
	t->retry_ms = retry_ms;
	t->why = *why;
}

static inline void told_closed(struct session *s, const struct fault *why)
{
	struct told *t = told_of(s);

	t->closed++;
	t->why = *why;
}

static inline void told_settled(void *data, int error, uint64_t id)
{
	struct told *t = data;

	loop_stop(&t->loop);
	buffer_print(&t->settled, "%d:%llu;", error, (unsigned long long)id);
}

static const struct session_handler told_handler = {
	.opened = told_opened,
	.message = told_message,
	.skipped = told_skipped,
	.refused = told_refused,
	.writable = told_writable,
	.lost = told_lost,
	.closed = told_closed,
};

static inline struct told *told_new(const struct session_options *options)
{
	struct told *t = calloc(1, sizeof(*t));

	assert_int_equal(loop_init(&t->loop), 0);
	t->session = session_new(&t->loop, options, &told_handler, t, &t->why);
	if (!t->session)
		fail_msg("%s", t->why.text);
	return t;
}

static inline void told_free(struct told *t)
{
	session_free(t->session);
	loop_deinit(&t->loop);
	buffer_deinit(&t->messages);
	buffer_deinit(&t->settled);
	free(t);
}

static inline void told_publish(struct told *t, const char *text)
{
	assert_int_equal(session_publish(t->session, bytes_text(text), told_settled, t), 0);
}

/* Turns the loop until the condition holds. A test that hangs is ended by the runner. */
#define told_until(t, condition)                                                                   \
	do {                                                                                       \
		while (!(condition))                                                               \
			loop_turn(&(t)->loop, true);                                               \
	} while (0)

static inline bool is_text(const struct buffer *b, const char *text)
{
	return bytes_equal(buffer_bytes(b), bytes_text(text));
}

#define told_until_text(t, buffer, text) told_until(t, is_text(&(t)->buffer, text))

#pragma once

/* A store in a file of its own, and a listener that writes down what it hears. */

#include <errno.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/fault.h"
#include "hub/store_sqlite.h"
#include "test.h"
#include "test_file.h"

struct answer {
	struct ticket ticket;
	int result;
	uint64_t id;
	int times;
};

struct world {
	struct test_file file;
	struct store *store;
	struct store_listener listener;
	sem_t woken;
	uint64_t accepted;
	char text[2000]; /* "id.seq=body " of each message accepted, or read */
	int drained;
	int read_done;
};

static void note(struct world *w, const struct message *m)
{
	size_t len = strlen(w->text);

	snprintf(w->text + len, sizeof(w->text) - len, "%d.%d=%.*s ", (int)m->id, (int)m->seq,
		(int)m->body.len, (const char *)m->body.data);
}

static void on_accepted(struct store_listener *l, const struct message *m)
{
	struct world *w = container_of(l, struct world, listener);

	w->accepted++;
	assert_int_equal(w->store->state.last_id, m->id);
	note(w, m);
}

static void on_drained(struct store_listener *l)
{
	container_of(l, struct world, listener)->drained++;
}

static void on_settled(struct ticket *t, int result, uint64_t id)
{
	struct answer *a = container_of(t, struct answer, ticket);

	a->result = result;
	a->id = id;
	a->times++;
}

static void on_wake(void *data)
{
	sem_post(data);
}

static int try_open(struct world *w, struct store_sqlite_options options, struct fault *why)
{
	options.wake = on_wake;
	options.data = &w->woken;
	int r = store_sqlite_open(&w->store, w->file.path, &options, why);
	if (!r)
		w->store->listener = &w->listener;
	return r;
}

static void open_store(struct world *w, struct store_sqlite_options options)
{
	struct fault why = FAULT_NULL;

	if (try_open(w, options, &why) < 0)
		fail_msg("%s", why.text);
}

static void begin(struct world *w)
{
	*w = (struct world){.listener = {.accepted = on_accepted, .drained = on_drained}};
	sem_init(&w->woken, 0, 0);
	test_file_init(&w->file);
}

static void end(struct world *w)
{
	w->store = store_free(w->store);
	test_file_deinit(&w->file);
	sem_destroy(&w->woken);
}

static void wait_and_poll(struct world *w)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 60;
	assert_int_equal(sem_timedwait(&w->woken, &until), 0);
	while (store_poll(w->store, 1000))
		;
}

static void settle(struct world *w)
{
	store_commit(w->store);
	while (w->store->state.pending)
		wait_and_poll(w);
}

static int put(struct world *w, const char *topic, const char *body, const char *key,
	uint64_t time_ms, struct answer *answer)
{
	struct publish p = {
		.message = {.topic = bytes_text(topic),
			.body = bytes_text(body),
			.from = BYTES_LITERAL("me"),
			.time_ms = time_ms},
		.key = bytes_text(key ? key : ""),
		.ticket = answer ? &answer->ticket : NULL,
	};

	if (answer)
		*answer = (struct answer){.ticket.settled = on_settled};
	return store_append(w->store, &p);
}

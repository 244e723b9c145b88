#pragma once

/*
 * Publishers and subscribers at random against a model. A subscriber's stream is parsed back: each
 * message must be the topic's next one, or what lies between must be its own messages or have been
 * told as skipped, to the exact number.
 */

#include "hub/hub.h"

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "test.h"

/* "M<id>,<seq>,<time>,<origin>,<length>:<body>\n" and "S<count>\n" */

static size_t test_size(const struct message *m)
{
	return m->body.len + 120;
}

static size_t test_encode(const struct message *m, uint8_t *to)
{
	int n = sprintf((char *)to, "M%llu,%llu,%llu,%llu,%zu:", (unsigned long long)m->id,
		(unsigned long long)m->seq, (unsigned long long)m->time_ms,
		(unsigned long long)m->origin, m->body.len);

	memcpy(to + n, m->body.data, m->body.len);
	to[(size_t)n + m->body.len] = '\n';
	return (size_t)n + m->body.len + 1;
}

static size_t test_skipped(uint64_t n, uint8_t *to)
{
	return (size_t)sprintf((char *)to, "S%llu\n", (unsigned long long)n);
}

static const struct tape_format lines = {"lines", test_size, test_encode, test_skipped};
static const struct tape_format others = {"others", test_size, test_encode, test_skipped};

enum { TOPICS = 3, MESSAGES = 20000, SUBSCRIBERS = 24, BODY_MAX = 20000 };

struct sent {
	uint64_t id;
	uint64_t time_ms;
	uint64_t origin;
	size_t len;
};

struct model_topic {
	char name[8];
	struct sent *sent; /* by seq, from 1 */
	uint64_t count;
	uint64_t settled;
};

struct world {
	struct store *store;
	sem_t *woken; /* posted by a store with threads, else NULL */
	struct hub *hub;
	struct model_topic topics[TOPICS];
	struct ticket ticket;
	uint64_t published;
	uint64_t settled;
	uint64_t last_settled;
	uint64_t now;
	bool wake;
	uint64_t origins;
	uint64_t skips;
	uint64_t unknown_skips;
};

struct subscriber {
	struct cursor cursor;
	struct world *world;
	struct model_topic *topic;
	struct since since;
	uint64_t stored;      /* the last id accepted when it came */
	uint64_t since_first; /* seq of the first message after since, 0 when it must not matter */
	uint64_t next;	      /* seq expected */
	uint64_t told;	      /* skipped since the last message */
	bool unknown;	      /* a skip of an unknown number was told */
	size_t allowance;     /* bytes it may write still: how fast it reads */
	bool packets;
	bool publishes;
	uint64_t origin;
	struct buffer got;
};

static bool own(const struct subscriber *s, uint64_t seq)
{
	return s->cursor.origin && s->topic->sent[seq].origin == s->cursor.origin;
}

/* [next, seq) must be its own messages, then `told` skipped ones, then its own. */
static void check_gap(struct subscriber *s, uint64_t seq)
{
	uint64_t from = s->next;

	assert_true(seq >= from);
	uint64_t rest = seq - from;
	assert_true(rest >= s->told);
	rest -= s->told;
	uint64_t front = 0;
	uint64_t back = 0;
	while (front < rest && own(s, from + front))
		front++;
	while (back < rest - front && own(s, seq - 1 - back))
		back++;
	if (front + back != rest)
		print_error("gap %llu..%llu, told %llu, own %llu+%llu\n", (unsigned long long)from,
			(unsigned long long)seq, (unsigned long long)s->told,
			(unsigned long long)front, (unsigned long long)back);
	assert_true(front + back == rest);
	s->told = 0;
}

static void check_message(struct subscriber *s, const unsigned long long v[4], struct bytes body)
{
	uint64_t seq = v[1];

	assert_true(seq >= 1 && seq <= s->topic->count);
	const struct sent *sent = &s->topic->sent[seq];
	if (!s->next) {
		if (s->since.kind == SINCE_ID && !s->unknown)
			assert_true(seq >= s->since_first);
		if (s->since.kind == SINCE_TIME)
			assert_true(sent->time_ms >= s->since.value || sent->id > s->stored);
		/* Where `all` and a time begin is the store's to say. */
		s->unknown |= s->since.kind != SINCE_ID;
		s->next = s->since_first;
	}
	if (s->unknown) {
		s->next = seq;
		s->told = 0;
	}
	s->unknown = false;
	check_gap(s, seq);
	assert_int_equal(v[0], sent->id);
	assert_int_equal(v[2], sent->time_ms);
	assert_int_equal(v[3], sent->origin);
	assert_int_equal(body.len, sent->len);
	for (size_t i = 0; i < body.len; i++)
		if (body.data[i] != (uint8_t)(seq + i))
			assert_int_equal(body.data[i], (uint8_t)(seq + i));
	assert_false(own(s, seq));
	s->next = seq + 1;
}

/* The text up to END, which is in it; NULL when it is not there yet. */
static const char *text_until(struct bytes got, char end, char text[100])
{
	const uint8_t *at = got.len ? memchr(got.data, end, got.len) : NULL;
	size_t len = at ? (size_t)(at - got.data) + 1 : 0;

	assert_true(len < 100);
	memcpy(text, got.data, len);
	text[len] = '\0';
	return at ? text : NULL;
}

/* Takes a line that tells of skipped messages off the stream. */
static bool parse_skip(struct subscriber *s)
{
	char text[100];
	unsigned long long n;

	if (!text_until(buffer_bytes(&s->got), '\n', text))
		return false;
	assert_int_equal(sscanf(text, "S%llu\n", &n), 1);
	s->told += n;
	s->unknown |= n == 0;
	s->world->skips += n > 0;
	s->world->unknown_skips += n == 0;
	buffer_consume(&s->got, strlen(text));
	return true;
}

static bool parse_message(struct subscriber *s)
{
	struct bytes got = buffer_bytes(&s->got);
	char text[100];
	unsigned long long v[4];
	size_t len = 0;

	if (!text_until(got, ':', text))
		return false;
	assert_int_equal(
		sscanf(text, "M%llu,%llu,%llu,%llu,%zu:", v, v + 1, v + 2, v + 3, &len), 5);
	size_t head = strlen(text);
	if (got.len < head + len + 1)
		return false;
	check_message(s, v, bytes_of(got.data + head, len));
	assert_int_equal(got.data[head + len], '\n');
	buffer_consume(&s->got, head + len + 1);
	return true;
}

/* Takes what is whole off the stream. */
static void parse(struct subscriber *s)
{
	while (buffer_len(&s->got) &&
		(*buffer_bytes(&s->got).data == 'S' ? parse_skip(s) : parse_message(s)))
		;
}

/* Writes like a connection: as much as the peer takes. */
static void serve(struct subscriber *s)
{
	struct iovec iov[4];
	size_t n;

	while (s->allowance && (n = s->packets ? cursor_next_message(&s->cursor, iov)
					       : cursor_next(&s->cursor, iov, 1 + rand() % 4))) {
		size_t wrote = 0;
		for (size_t i = 0; i < n && s->allowance; i++) {
			size_t take = iov[i].iov_len < s->allowance ? iov[i].iov_len : s->allowance;
			assert_int_equal(buffer_append(&s->got, iov[i].iov_base, take), 0);
			s->allowance -= take;
			wrote += take;
			if (take < iov[i].iov_len)
				break;
		}
		assert_true(wrote > 0);
		cursor_advance(&s->cursor, wrote);
	}
	assert_int_equal(cursor_error(&s->cursor), 0);
	parse(s);
}

static void ready(struct cursor *c)
{
	serve(container_of(c, struct subscriber, cursor));
}

static void on_wake(struct hub *hub, void *data)
{
	((struct world *)data)->wake = true;
}

static void on_settled(struct ticket *t, int result, uint64_t id)
{
	struct world *w = container_of(t, struct world, ticket);

	assert_int_equal(result, 0);
	assert_true(id > w->last_settled);
	w->last_settled = id;
	w->settled++;
}

static void publish(struct world *w, struct model_topic *t, uint64_t origin)
{
	static uint8_t body[BODY_MAX];
	size_t len = (size_t)rand() % (rand() % 30 ? 100 : BODY_MAX);
	uint64_t seq = ++t->count;

	w->now += rand() % 10 == 0;
	for (size_t i = 0; i < len; i++)
		body[i] = (uint8_t)(seq + i);
	t->sent[seq] = (struct sent){++w->published, w->now, origin, len};
	struct publish p = {
		.message = {.time_ms = w->now,
			.origin = origin,
			.topic = bytes_text(t->name),
			.from = BYTES_LITERAL("someone"),
			.body = bytes_of(body, len)},
		.ticket = &w->ticket,
	};
	assert_int_equal(hub_publish(w->hub, &p), 0);
	assert_true(w->wake);
	if (hub_brimming(w->hub) && rand() % 4) {
		w->wake = false;
		hub_flush(w->hub);
	}
}

static void unsubscribe(struct subscriber *s)
{
	cursor_deinit(&s->cursor);
	buffer_deinit(&s->got);
}

static void subscribe(struct world *w, struct subscriber *s)
{
	uint64_t stored = hub_store_state(w->hub)->last_id;

	*s = (struct subscriber){.world = w, .topic = &w->topics[rand() % TOPICS]};
	s->packets = rand() % 4 == 0;
	s->publishes = rand() % 4 == 0;
	s->origin = ++w->origins;
	s->stored = stored;
	cursor_init(&s->cursor, ready);
	s->since = (struct since){(enum since_kind)(rand() % 4), 0};
	if (s->since.kind == SINCE_ID) {
		s->since.value = stored ? (uint64_t)rand() % (stored + 1) : 0;
		s->since_first = 1;
		while (s->since_first <= s->topic->count &&
			s->topic->sent[s->since_first].id <= s->since.value)
			s->since_first++;
	} else if (s->since.kind == SINCE_TIME) {
		s->since.value = w->now - (uint64_t)rand() % 1000;
	} else if (s->since.kind == SINCE_NOW) {
		uint64_t seq = 1;
		while (seq <= s->topic->count && s->topic->sent[seq].id <= stored)
			seq++;
		s->next = seq;
	}
	assert_int_equal(hub_subscribe(w->hub, bytes_text(s->topic->name),
				 rand() % 3 ? &lines : &others, s->since, &s->cursor),
		0);
}

static void turn(struct world *w)
{
	if (rand() % 2)
		hub_poll(w->hub);
	if (w->wake) {
		w->wake = false;
		hub_flush(w->hub);
	}
}

static void step(struct world *w, struct subscriber *all)
{
	struct subscriber *s = &all[rand() % SUBSCRIBERS];
	int n = rand() % (rand() % 20 ? 20 : 600);

	for (int i = 0; i < n && w->published < MESSAGES; i++) {
		struct subscriber *who = &all[rand() % SUBSCRIBERS];
		if (who->publishes && rand() % 3) {
			cursor_leave_out(&who->cursor, who->origin);
			publish(w, who->topic, who->origin);
		} else {
			publish(w, &w->topics[rand() % TOPICS], rand() % 2);
		}
	}
	for (int i = 0; i < SUBSCRIBERS; i++)
		if (i % 3)
			all[i].allowance += (size_t)rand() % (i % 2 ? 60000 : 6000);
	turn(w);
	s->allowance += (size_t)rand() % 200000;
	serve(s);
	if (rand() % 40 == 0) {
		unsubscribe(s);
		subscribe(w, s);
	}
	if (rand() % 50 == 0)
		hub_tick(w->hub, w->now);
}

static void wait_for(sem_t *woken)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 60;
	assert_int_equal(sem_timedwait(woken, &until), 0);
}

/* Lets everyone read as fast as they can until all have all. */
static void drain(struct world *w, struct subscriber *all)
{
	int behind = 1;

	for (int round = 0; behind; round++) {
		assert_true(round < 100000);
		if (w->woken && round)
			wait_for(w->woken);
		hub_poll(w->hub);
		hub_flush(w->hub);
		behind = w->settled < w->published;
		for (int k = 0; k < SUBSCRIBERS; k++) {
			all[k].allowance = SIZE_MAX / 2;
			serve(&all[k]);
			behind += !cursor_up_to_date(&all[k].cursor);
		}
	}
}

static void finish(struct world *w, struct subscriber *all)
{
	drain(w, all);
	assert_int_equal(w->settled, w->published);
	for (int k = 0; k < SUBSCRIBERS; k++) {
		struct subscriber *s = &all[k];
		assert_int_equal(buffer_len(&s->got), 0);
		if (s->next && !s->unknown)
			check_gap(s, s->topic->count + 1);
		unsubscribe(s);
	}
	const struct hub_counters *c = hub_counters(w->hub);
	assert_int_equal(c->messages_in, w->published);
	assert_int_equal(c->subscribers, 0);
	assert_int_equal(c->topics, 0);
	assert_int_equal(c->replaying, 0);
	assert_int_equal(c->tape_bytes, 0);
	assert_int_equal(c->replay_bytes, 0);
}

static void run_with(struct store *store, unsigned seed, size_t tape_bytes, sem_t *woken)
{
	struct world *w = calloc(1, sizeof(*w));
	struct subscriber *all = calloc(SUBSCRIBERS, sizeof(*all));
	struct hub_options options = {
		.tape_bytes = tape_bytes, .replay_bytes = 20000, .wake = on_wake, .data = w};

	assert_non_null(store);
	assert_non_null(w);
	assert_non_null(all);
	const char *extra = getenv("FERRY_SEED"); /* other runs than the usual one */
	srand(seed + (extra ? (unsigned)atoi(extra) : 0));
	w->now = 1000000;
	w->origins = 1;
	w->ticket.settled = on_settled;
	w->store = store;
	w->woken = woken;
	w->hub = hub_new(store, &options);
	for (int i = 0; i < TOPICS; i++) {
		sprintf(w->topics[i].name, "topic-%d", i);
		w->topics[i].sent = calloc(MESSAGES + 1, sizeof(struct sent));
	}
	for (int i = 0; i < SUBSCRIBERS; i++)
		subscribe(w, &all[i]);
	while (w->published < MESSAGES)
		step(w, all);
	finish(w, all);
	print_message("%llu exact skips, %llu unknown, %llu replays\n",
		(unsigned long long)w->skips, (unsigned long long)w->unknown_skips,
		(unsigned long long)hub_counters(w->hub)->replays);
	assert_true(hub_counters(w->hub)->replays > 20);
	hub_free(w->hub);
	store_free(store);
	for (int i = 0; i < TOPICS; i++)
		free(w->topics[i].sent);
	free(all);
	free(w);
}

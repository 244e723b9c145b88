/*
 * A topic's messages are found by its runs: whatever the topics' messages lie between, a read of
 * any size gives what was put in, in order, also after drops and a restart.
 */

#include "sqlite_world.h"

enum { TOPICS = 6, MESSAGES = 3000 };

struct reading {
	struct store_read read;
	uint64_t ids[MESSAGES];
	uint64_t seqs[MESSAGES];
	size_t n;
	bool done;
};

/* What was put in: message ID is of topics[ID]. */
static unsigned topics[MESSAGES + 1];

static void on_message(struct store_read *r, const struct message *m)
{
	struct reading *reading = container_of(r, struct reading, read);

	reading->ids[reading->n] = m->id;
	reading->seqs[reading->n++] = m->seq;
}

static void on_done(struct store_read *r, int result)
{
	assert_int_equal(result, 0);
	container_of(r, struct reading, read)->done = true;
}

static const char *topic_name(unsigned topic, char name[8])
{
	snprintf(name, 8, "t%u", topic);
	return name;
}

/* A linear congruential generator, the same in every run. */
static unsigned pick(unsigned *seed, unsigned below)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 16) % below;
}

/* One of six topics: two that come often, one for a while, and ones that are rare. */
static unsigned pick_topic(unsigned *seed, int i)
{
	unsigned n = pick(seed, 200);

	if (i / 500 % 2)
		return 2;
	return n < 1 ? 5 : n < 3 ? 4 : n < 8 ? 3 : n % 2;
}

/* Reads all of TOPIC, in batches of a random size, and compares. */
static void expect_all(struct world *w, unsigned topic, unsigned *seed)
{
	static struct reading r;
	uint64_t after = pick(seed, MESSAGES / 2), id = after, seq = 0, last_id = 0;
	char name[8];

	if (after < w->store->state.first_id)
		id = w->store->state.first_id - 1;
	for (uint64_t i = 1; i <= MESSAGES; i++)
		if (topics[i] == topic) {
			seq += i <= id;
			last_id = i;
		}
	do {
		r = (struct reading){.read = {.topic = bytes_text(topic_name(topic, name)),
					     .after_id = after,
					     .max_bytes = 1 + pick(seed, 3000),
					     .message = on_message,
					     .done = on_done}};
		store_read(w->store, &r.read);
		while (!r.done)
			wait_and_poll(w);
		for (size_t i = 0; i < r.n; i++) {
			while (topics[++id] != topic)
				assert_true(id < MESSAGES);
			assert_int_equal(r.ids[i], id);
			assert_int_equal(r.seqs[i], ++seq);
		}
		assert_int_equal(r.read.upto_seq, seq);
		after = r.read.upto;
	} while (after < MESSAGES);
	assert_true(id >= last_id);
}

static void finds_every_topic(struct store_sqlite_options options)
{
	struct world w;
	unsigned seed = 1;
	char name[8];

	begin(&w);
	open_store(&w, options);
	for (int i = 0; i < MESSAGES; i++) {
		topics[i + 1] = pick_topic(&seed, i);
		put(&w, topic_name(topics[i + 1], name), "x", NULL, 10, NULL);
		if (!pick(&seed, 20))
			settle(&w);
		if (!pick(&seed, 700)) {
			store_free(w.store);
			open_store(&w, options);
		}
		w.text[0] = '\0';
	}
	settle(&w);
	assert_true(!options.max_messages || w.store->state.first_id > MESSAGES / 3);
	for (int round = 0; round < 5; round++)
		for (unsigned topic = 0; topic < TOPICS; topic++)
			expect_all(&w, topic, &seed);
	end(&w);
}

static void whatever_lies_between(void **state)
{
	finds_every_topic((struct store_sqlite_options){0});
}

static void when_the_oldest_have_gone(void **state)
{
	finds_every_topic((struct store_sqlite_options){.max_messages = 1500});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_lies_between),
		cmocka_unit_test(when_the_oldest_have_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "hub/store_memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "test.h"

struct listener {
	struct store_listener listener;
	uint64_t accepted;
	struct message last;
};

static void on_accepted(struct store_listener *l, const struct message *m)
{
	struct listener *to = container_of(l, struct listener, listener);

	to->accepted++;
	to->last = *m;
}

struct answer {
	struct ticket ticket;
	int result;
	uint64_t id;
	int times;
};

static void on_settled(struct ticket *t, int result, uint64_t id)
{
	struct answer *a = container_of(t, struct answer, ticket);

	a->result = result;
	a->id = id;
	a->times++;
}

static int put(struct store *s, const char *topic, const char *body, const char *key,
	uint64_t time_ms, uint64_t *id)
{
	struct answer a = {.ticket.settled = on_settled};
	struct publish p = {
		.message = {.topic = bytes_text(topic),
			.body = bytes_text(body),
			.from = BYTES_LITERAL("me"),
			.time_ms = time_ms},
		.key = bytes_text(key ? key : ""),
		.ticket = &a.ticket,
	};
	int r = store_append(s, &p);

	assert_int_equal(a.times, r == 0);
	if (id)
		*id = a.id;
	return r;
}

/* Reads a batch and writes down "id.seq=body " of each message. */
struct reading {
	struct store_read read;
	char text[2000];
	int done;
};

static void on_message(struct store_read *r, const struct message *m)
{
	struct reading *to = container_of(r, struct reading, read);
	size_t len = strlen(to->text);

	snprintf(to->text + len, sizeof(to->text) - len, "%d.%d=%.*s ", (int)m->id, (int)m->seq,
		(int)m->body.len, (const char *)m->body.data);
}

static void on_done(struct store_read *r, int result)
{
	container_of(r, struct reading, read)->done++;
	assert_int_equal(result, 0);
}

static struct reading read_all(
	struct store *s, const char *topic, uint64_t after_id, uint64_t since_ms, size_t max_bytes)
{
	struct reading r = {.read = {.topic = bytes_text(topic),
				    .after_id = after_id,
				    .since_ms = since_ms,
				    .max_bytes = max_bytes,
				    .message = on_message,
				    .done = on_done}};

	store_read(s, &r.read);
	assert_int_equal(r.done, 1);
	return r;
}

static void keeps_topics_apart(void **state)
{
	struct store *s = store_memory_new(NULL);
	struct listener l = {.listener.accepted = on_accepted};

	s->listener = &l.listener;
	assert_int_equal(put(s, "a", "one", NULL, 10, NULL), 0);
	assert_int_equal(put(s, "b", "two", NULL, 20, NULL), 0);
	assert_int_equal(put(s, "a", "three", NULL, 25, NULL), 0);
	assert_int_equal(l.accepted, 3);
	assert_int_equal(l.last.id, 3);
	assert_int_equal(l.last.seq, 2);
	assert_int_equal(l.last.time_ms, 25);

	struct reading r = read_all(s, "a", 0, 0, 1000);
	assert_string_equal(r.text, "1.1=one 3.2=three ");
	assert_int_equal(r.read.upto, 3);
	assert_int_equal(r.read.upto_seq, 2);
	assert_false(r.read.lost);
	r = read_all(s, "a", 1, 0, 1000);
	assert_string_equal(r.text, "3.2=three ");
	r = read_all(s, "a", 0, 0, 1);
	assert_string_equal(r.text, "1.1=one ");
	assert_int_equal(r.read.upto, 1);
	assert_int_equal(r.read.upto_seq, 1);
	r = read_all(s, "a", 0, 11, 1000);
	assert_string_equal(r.text, "3.2=three ");
	r = read_all(s, "none", 0, 0, 1000);
	assert_string_equal(r.text, "");
	assert_int_equal(r.read.upto, 3);
	store_free(s);
}

static void drops_the_oldest_by_number(void **state)
{
	struct store_memory_options options = {.max_messages = 3};
	struct store *s = store_memory_new(&options);
	char body[20];

	for (int i = 1; i <= 10; i++) {
		snprintf(body, sizeof(body), "%d", i);
		assert_int_equal(put(s, i % 3 ? "a" : "b", body, NULL, 1, NULL), 0);
	}
	assert_int_equal(s->state.first_id, 8);
	assert_int_equal(s->state.last_id, 10);
	assert_int_equal(s->state.messages, 3);
	assert_int_equal(s->state.dropped, 7);
	struct reading r = read_all(s, "a", 0, 0, 1000);
	assert_string_equal(r.text, "8.6=8 10.7=10 ");
	assert_true(r.read.lost);
	r = read_all(s, "a", 7, 0, 1000);
	assert_false(r.read.lost);
	r = read_all(s, "a", 6, 0, 1000);
	assert_true(r.read.lost);
	store_free(s);
}

static void drops_the_oldest_by_bytes(void **state)
{
	struct store_memory_options options = {.max_bytes = 100000};
	struct store *s = store_memory_new(&options);
	static char body[5001];
	static char too_large[100001];

	memset(body, 'x', 5000);
	memset(too_large, 'x', 100000);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(put(s, "a", body + i, NULL, 1, NULL), 0);
	assert_true(s->state.bytes <= 100000);
	assert_true(s->state.messages >= 20);
	assert_int_equal(put(s, "a", too_large, NULL, 1, NULL), -EMSGSIZE);
	assert_int_equal(s->state.failed, 0);
	assert_int_equal(s->state.last_id, 1000);
	store_free(s);
}

static void drops_the_oldest_by_age(void **state)
{
	struct store_memory_options options = {.max_age_ms = 1000};
	struct store *s = store_memory_new(&options);

	put(s, "a", "1", NULL, 5000, NULL);
	put(s, "a", "2", NULL, 5500, NULL);
	store_tick(s, 6000);
	assert_int_equal(s->state.messages, 2);
	store_tick(s, 6001);
	assert_int_equal(s->state.first_id, 2);
	store_tick(s, 9000);
	assert_int_equal(s->state.messages, 0);
	assert_int_equal(s->state.bytes, 0);
	assert_int_equal(s->state.first_id, 0);
	struct reading r = read_all(s, "a", 1, 0, 1000);
	assert_string_equal(r.text, "");
	assert_true(r.read.lost);
	assert_int_equal(r.read.upto_seq, 2);
	put(s, "a", "3", NULL, 9000, NULL);
	r = read_all(s, "a", 0, 0, 1000);
	assert_string_equal(r.text, "3.3=3 ");
	assert_int_equal(s->state.first_id, 3);
	store_free(s);
}

static void repeats_are_harmless(void **state)
{
	struct store_memory_options options = {.max_keys = 2};
	struct store *s = store_memory_new(&options);
	uint64_t id;

	assert_int_equal(put(s, "a", "1", "k", 1, &id), 0);
	assert_int_equal(id, 1);
	assert_int_equal(put(s, "a", "1", "k", 1, &id), 0);
	assert_int_equal(id, 1);
	assert_int_equal(put(s, "a", "other", "k", 1, &id), -EEXIST);
	assert_int_equal(put(s, "b", "1", "k", 1, &id), 0);
	assert_int_equal(id, 2);
	assert_int_equal(s->state.repeats, 1);
	assert_int_equal(s->state.messages, 2);
	assert_int_equal(put(s, "b", "1", "l", 1, &id), 0); /* the first key is forgotten */
	assert_int_equal(put(s, "a", "1", "k", 1, &id), 0);
	assert_int_equal(id, 4);
	store_free(s);
}

static void bounds_its_topics(void **state)
{
	struct store_memory_options options = {.max_topics = 3, .max_messages = 3};
	struct store *s = store_memory_new(&options);

	assert_int_equal(put(s, "a", "1", NULL, 1, NULL), 0);
	assert_int_equal(put(s, "b", "1", NULL, 1, NULL), 0);
	assert_int_equal(put(s, "c", "1", NULL, 1, NULL), 0);
	assert_int_equal(put(s, "d", "1", NULL, 1, NULL), -EDQUOT);
	assert_int_equal(put(s, "c", "2", NULL, 1, NULL), 0); /* `a` is empty now */
	assert_int_equal(put(s, "d", "1", NULL, 1, NULL), 0);
	assert_int_equal(s->state.topics, 3);
	struct reading r = read_all(s, "a", 0, 0, 1000);
	assert_true(r.read.lost);
	store_free(s);
}

static void count_topic(void *data, const struct store_topic *t)
{
	uint64_t *sum = data;

	assert_true(bytes_equal(t->name, bytes_text("a")));
	*sum += t->messages * 100 + t->last_id;
}

static void lists_topics(void **state)
{
	struct store *s = store_memory_new(NULL);
	uint64_t sum = 0;

	put(s, "a", "1", NULL, 1, NULL);
	put(s, "a", "2", NULL, 1, NULL);
	store_topics(s, count_topic, &sum);
	assert_int_equal(sum, 202);
	store_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_topics_apart),
		cmocka_unit_test(drops_the_oldest_by_number),
		cmocka_unit_test(drops_the_oldest_by_bytes),
		cmocka_unit_test(drops_the_oldest_by_age),
		cmocka_unit_test(repeats_are_harmless),
		cmocka_unit_test(bounds_its_topics),
		cmocka_unit_test(lists_topics),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

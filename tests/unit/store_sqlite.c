#include "sqlite_world.h"

struct reading {
	struct store_read read;
	struct world *world;
};

static void on_message(struct store_read *r, const struct message *m)
{
	note(container_of(r, struct reading, read)->world, m);
}

static void on_done(struct store_read *r, int result)
{
	assert_int_equal(result, 0);
	container_of(r, struct reading, read)->world->read_done = 1;
}

/* Reads a batch into w->text. */
static struct store_read read_all(
	struct world *w, const char *topic, uint64_t after_id, uint64_t since_ms, size_t max_bytes)
{
	struct reading r = {.read = {.topic = bytes_text(topic),
				    .after_id = after_id,
				    .since_ms = since_ms,
				    .max_bytes = max_bytes,
				    .message = on_message,
				    .done = on_done},
		.world = w};

	w->text[0] = '\0';
	w->read_done = 0;
	store_read(w->store, &r.read);
	while (!w->read_done)
		wait_and_poll(w);
	return r.read;
}

static void tells_after_the_commit(void **state)
{
	struct world w;
	struct answer a[3];

	begin(&w);
	open_store(&w, (struct store_sqlite_options){0});
	assert_int_equal(put(&w, "a", "one", NULL, 10, &a[0]), 0);
	assert_int_equal(put(&w, "b", "two", NULL, 20, &a[1]), 0);
	assert_int_equal(put(&w, "a", "three", NULL, 30, &a[2]), 0);
	assert_int_equal(w.store->state.pending, 3);
	assert_int_equal(a[0].ticket.pending, 1);
	assert_int_equal(w.accepted, 0);
	settle(&w);
	assert_string_equal(w.text, "1.1=one 2.1=two 3.2=three ");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(a[i].times, 1);
		assert_int_equal(a[i].result, 0);
		assert_int_equal(a[i].id, i + 1);
		assert_int_equal(a[i].ticket.pending, 0);
	}
	assert_int_equal(w.store->state.pending_bytes, 0);
	assert_int_equal(w.store->state.commits, 1);
	end(&w);
}

static void forgets_a_ticket(void **state)
{
	struct world w;
	struct answer a;
	struct answer b;

	begin(&w);
	open_store(&w, (struct store_sqlite_options){0});
	put(&w, "a", "one", NULL, 10, &a);
	put(&w, "a", "two", NULL, 10, &b);
	store_forget(w.store, &a.ticket);
	settle(&w);
	assert_int_equal(a.times, 0);
	assert_int_equal(b.times, 1);
	assert_int_equal(w.accepted, 2);
	end(&w);
}

static void reads_by_id_and_by_time(void **state)
{
	struct world w;

	begin(&w);
	open_store(&w, (struct store_sqlite_options){0});
	put(&w, "a", "one", NULL, 10, NULL);
	put(&w, "b", "two", NULL, 20, NULL);
	put(&w, "a", "three", NULL, 30, NULL);
	put(&w, "a", "", NULL, 40, NULL);
	settle(&w);
	struct store_read r = read_all(&w, "a", 0, 0, 10000);
	assert_string_equal(w.text, "1.1=one 3.2=three 4.3= ");
	assert_int_equal(r.upto, 4);
	assert_int_equal(r.upto_seq, 3);
	assert_false(r.lost);
	read_all(&w, "a", 1, 0, 10000);
	assert_string_equal(w.text, "3.2=three 4.3= ");
	r = read_all(&w, "a", 0, 0, 1);
	assert_string_equal(w.text, "1.1=one ");
	assert_int_equal(r.upto, 1);
	assert_int_equal(r.upto_seq, 1);
	read_all(&w, "a", 0, 11, 10000);
	assert_string_equal(w.text, "3.2=three 4.3= ");
	read_all(&w, "a", 0, 41, 10000);
	assert_string_equal(w.text, "");
	r = read_all(&w, "none", 0, 0, 10000);
	assert_string_equal(w.text, "");
	assert_int_equal(r.upto, 4);
	end(&w);
}

static void goes_on_after_a_restart(void **state)
{
	struct world w;
	struct answer a;

	begin(&w);
	open_store(&w, (struct store_sqlite_options){0});
	put(&w, "a", "one", "key", 10, NULL);
	put(&w, "b", "two", NULL, 20, NULL);
	settle(&w);
	store_free(w.store);
	open_store(&w, (struct store_sqlite_options){0});
	assert_int_equal(w.store->state.last_id, 2);
	assert_int_equal(w.store->state.first_id, 1);
	assert_int_equal(w.store->state.messages, 2);
	put(&w, "a", "one", "key", 30, &a);
	put(&w, "b", "not again", "key", 30, NULL);
	settle(&w);
	assert_int_equal(a.result, 0);
	assert_int_equal(a.id, 1);
	assert_int_equal(w.store->state.repeats, 1);
	put(&w, "a", "three", NULL, 30, &a);
	settle(&w);
	assert_int_equal(a.id, 4);
	read_all(&w, "a", 0, 0, 10000);
	assert_string_equal(w.text, "1.1=one 4.2=three ");
	end(&w);
}

static void a_key_is_for_one_body(void **state)
{
	struct world w;
	struct answer a[4];

	begin(&w);
	for (int i = 0; i < 2; i++) {
		open_store(&w, (struct store_sqlite_options){0});
		put(&w, "a", "one", "key", 10, &a[0]);
		put(&w, "a", "other", "key", 10, &a[1]);
		put(&w, "b", "other", "key", 10, &a[2]);
		put(&w, "a", "one", "key", 10, &a[3]);
		settle(&w);
		assert_int_equal(a[0].result, 0);
		assert_int_equal(a[1].result, -EEXIST);
		assert_int_equal(a[1].id, 0);
		assert_int_equal(a[2].result, 0);
		assert_int_equal(a[3].result, 0);
		assert_int_equal(a[3].id, a[0].id);
		assert_int_equal(w.store->state.error, 0);
		assert_int_equal(w.store->state.messages, 2);
		w.store = store_free(w.store);
	}
	end(&w);
}

static void what_is_pending_is_written_at_the_end(void **state)
{
	struct world w;

	begin(&w);
	open_store(&w, (struct store_sqlite_options){0});
	put(&w, "a", "one", NULL, 10, NULL);
	store_free(w.store);
	open_store(&w, (struct store_sqlite_options){0});
	read_all(&w, "a", 0, 0, 10000);
	assert_string_equal(w.text, "1.1=one ");
	end(&w);
}

static void keeps_what_is_to_be_kept(void **state)
{
	struct world w;
	char body[20];

	begin(&w);
	open_store(&w, (struct store_sqlite_options){.max_messages = 3});
	for (int i = 1; i <= 10; i++) {
		snprintf(body, sizeof(body), "%d", i);
		put(&w, i % 3 ? "a" : "b", body, NULL, 10, NULL);
		settle(&w);
	}
	put(&w, "b", "11", NULL, 10, NULL); /* what the hub has not heard of is not dropped */
	settle(&w);
	assert_int_equal(w.store->state.last_id, 11);
	assert_int_equal(w.store->state.messages, 3);
	assert_int_equal(w.store->state.first_id, 9);
	assert_int_equal(w.store->state.dropped, 8);
	struct store_read r = read_all(&w, "a", 0, 0, 10000);
	assert_string_equal(w.text, "10.7=10 ");
	assert_true(r.lost);
	r = read_all(&w, "a", 8, 0, 10000);
	assert_false(r.lost);
	store_free(w.store);

	open_store(&w, (struct store_sqlite_options){.max_age_ms = 1000});
	store_tick(w.store, 1010);
	put(&w, "b", "12", NULL, 1010, NULL);
	settle(&w);
	assert_int_equal(w.store->state.messages, 4);
	store_tick(w.store, 1011);
	wait_and_poll(&w);
	assert_int_equal(w.store->state.messages, 1);
	r = read_all(&w, "a", 8, 0, 10000);
	assert_string_equal(w.text, "");
	assert_true(r.lost);
	assert_int_equal(r.upto_seq, 7);
	end(&w);
}

static void a_smaller_bound_is_reached_in_time(void **state)
{
	struct world w;

	begin(&w);
	open_store(&w, (struct store_sqlite_options){0});
	for (int i = 0; i < 30000; i++)
		assert_int_equal(put(&w, "a", "body", NULL, 10, NULL), 0);
	settle(&w);
	store_free(w.store);
	open_store(&w, (struct store_sqlite_options){.max_bytes = 7000});
	while (w.store->state.messages > 100) {
		store_tick(w.store, 20);
		wait_and_poll(&w);
	}
	assert_int_equal(w.store->state.messages, 100);
	assert_int_equal(w.store->state.bytes, 7000);
	end(&w);
}

static void takes_no_more_than_it_can_write(void **state)
{
	struct world w;
	int r;

	begin(&w);
	open_store(&w, (struct store_sqlite_options){.max_pending = 10000});
	for (int i = 0; (r = put(&w, "a", "body", NULL, 10, NULL)) == 0; i++)
		assert_true(i < 1000);
	assert_int_equal(r, -EAGAIN);
	assert_int_equal(w.drained, 0);
	settle(&w);
	assert_int_equal(w.drained, 1);
	assert_int_equal(put(&w, "a", "body", NULL, 10, NULL), 0);
	end(&w);
}

static void bounds_its_topics(void **state)
{
	struct world w;
	struct answer a[3];

	begin(&w);
	open_store(&w, (struct store_sqlite_options){.max_topics = 2, .max_messages = 1});
	put(&w, "a", "1", NULL, 10, &a[0]);
	put(&w, "b", "2", NULL, 10, &a[1]);
	put(&w, "c", "3", NULL, 10, &a[2]);
	settle(&w);
	assert_int_equal(a[1].result, 0);
	assert_int_equal(a[2].result, -EDQUOT);
	put(&w, "b", "4", NULL, 10, NULL);
	settle(&w);
	store_free(w.store);
	open_store(&w, (struct store_sqlite_options){.max_topics = 2}); /* `a` is empty */
	put(&w, "c", "5", NULL, 10, &a[2]);
	settle(&w);
	assert_int_equal(a[2].result, 0);
	struct store_read r = read_all(&w, "a", 0, 0, 10000);
	assert_true(r.lost);
	end(&w);
}

static void count_topic(void *data, const struct store_topic *t)
{
	uint64_t *sum = data;

	*sum += t->messages * 100 + t->last_id;
}

static void lists_topics(void **state)
{
	struct world w;
	uint64_t sum = 0;

	begin(&w);
	open_store(&w, (struct store_sqlite_options){0});
	put(&w, "a", "1", NULL, 10, NULL);
	put(&w, "b", "2", NULL, 10, NULL);
	settle(&w);
	store_topics(w.store, count_topic, &sum);
	assert_int_equal(sum, 203);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_after_the_commit),
		cmocka_unit_test(forgets_a_ticket),
		cmocka_unit_test(reads_by_id_and_by_time),
		cmocka_unit_test(goes_on_after_a_restart),
		cmocka_unit_test(a_key_is_for_one_body),
		cmocka_unit_test(what_is_pending_is_written_at_the_end),
		cmocka_unit_test(keeps_what_is_to_be_kept),
		cmocka_unit_test(a_smaller_bound_is_reached_in_time),
		cmocka_unit_test(takes_no_more_than_it_can_write),
		cmocka_unit_test(bounds_its_topics),
		cmocka_unit_test(lists_topics),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

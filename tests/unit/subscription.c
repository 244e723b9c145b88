/* The corners of subscribing that tests at random do not name. */

#include <errno.h>
#include <stdio.h>

#include "hub/hub.h"
#include "hub/store_memory.h"
#include "test.h"

static size_t plain_size(const struct message *m)
{
	return m->body.len + 1;
}

static size_t plain_encode(const struct message *m, uint8_t *to)
{
	memcpy(to, m->body.data, m->body.len);
	to[m->body.len] = ' ';
	return m->body.len + 1;
}

static size_t plain_skipped(uint64_t n, uint8_t *to)
{
	return (size_t)sprintf((char *)to, "-%d ", (int)n);
}

static const struct tape_format plain = {"plain", plain_size, plain_encode, plain_skipped};

struct reader {
	struct cursor cursor;
	struct reader *ends; /* unsubscribed by this one's `ready` */
	bool writes;
	int called;
	char text[1000];
};

static void write_all(struct reader *r)
{
	struct iovec iov[2];

	for (size_t n; (n = cursor_next(&r->cursor, iov, 2));) {
		size_t wrote = 0;
		for (size_t i = 0; i < n; i++) {
			strncat(r->text, iov[i].iov_base, iov[i].iov_len);
			wrote += iov[i].iov_len;
		}
		cursor_advance(&r->cursor, wrote);
	}
}

static void on_ready(struct cursor *c)
{
	struct reader *r = container_of(c, struct reader, cursor);

	r->called++;
	if (r->ends)
		cursor_deinit(&r->ends->cursor);
	if (r->cursor.tape && r->writes)
		write_all(r);
}

struct world {
	struct store *store;
	struct hub *hub;
	int wakes;
};

static void on_wake(struct hub *hub, void *data)
{
	((struct world *)data)->wakes++;
}

static void begin(struct world *w, const struct store_memory_options *memory)
{
	struct hub_options options = {.wake = on_wake, .data = w};

	*w = (struct world){.store = store_memory_new(memory)};
	w->hub = hub_new(w->store, &options);
}

static void end(struct world *w)
{
	hub_free(w->hub);
	store_free(w->store);
}

static int put(struct world *w, const char *topic, const char *body)
{
	struct publish p = {.message = {.topic = bytes_text(topic), .body = bytes_text(body)}};

	return hub_publish(w->hub, &p);
}

static void join(struct world *w, struct reader *r, struct since since)
{
	*r = (struct reader){.writes = true};
	cursor_init(&r->cursor, on_ready);
	assert_int_equal(
		hub_subscribe(w->hub, BYTES_LITERAL("lobby"), &plain, since, &r->cursor), 0);
}

static void one_wake_and_one_call_a_turn(void **state)
{
	struct world w;
	struct reader r;

	begin(&w, NULL);
	join(&w, &r, SINCE_NONE);
	put(&w, "lobby", "one");
	put(&w, "other", "not-here");
	put(&w, "lobby", "two");
	assert_int_equal(w.wakes, 1);
	assert_int_equal(r.called, 0);
	hub_flush(w.hub);
	assert_int_equal(r.called, 1);
	assert_string_equal(r.text, "one two ");
	hub_flush(w.hub);
	assert_int_equal(r.called, 1);
	assert_int_equal(hub_counters(w.hub)->messages_out, 2);
	assert_int_equal(hub_counters(w.hub)->bytes_out, 8);
	cursor_deinit(&r.cursor);
	cursor_deinit(&r.cursor);
	end(&w);
}

static void refuses_what_is_wrong(void **state)
{
	struct world w;
	struct cursor c;

	begin(&w, NULL);
	cursor_init(&c, on_ready);
	assert_int_equal(put(&w, "", "x"), -EINVAL);
	assert_int_equal(put(&w, "a/b", "x"), -EINVAL);
	assert_int_equal(
		hub_subscribe(w.hub, BYTES_LITERAL("a b"), &plain, SINCE_NONE, &c), -EINVAL);
	assert_int_equal(hub_counters(w.hub)->refused, 2);
	assert_int_equal(w.wakes, 0);
	end(&w);
}

static void a_call_may_end_any_cursor(void **state)
{
	struct world w;
	struct reader r[4];

	begin(&w, NULL);
	for (int i = 0; i < 4; i++)
		join(&w, &r[i], SINCE_NONE);
	r[0].ends = &r[1];
	r[2].ends = &r[2];
	r[3].ends = &r[0];
	put(&w, "lobby", "x");
	hub_flush(w.hub);
	assert_int_equal(r[0].called, 1);
	assert_int_equal(r[1].called, 0);
	assert_int_equal(r[2].called, 1);
	assert_int_equal(r[3].called, 1);
	assert_int_equal(hub_counters(w.hub)->subscribers, 1);
	r[3].ends = &r[3];
	put(&w, "lobby", "x");
	hub_flush(w.hub);
	assert_int_equal(hub_counters(w.hub)->topics, 0);
	assert_int_equal(hub_counters(w.hub)->tape_bytes, 0);
	end(&w);
}

static void history_comes_before_the_present(void **state)
{
	struct world w;
	struct reader all;
	struct reader after;
	struct reader now;

	begin(&w, NULL);
	put(&w, "lobby", "1");
	put(&w, "lobby", "2");
	join(&w, &all, (struct since){SINCE_ALL, 0});
	join(&w, &after, (struct since){SINCE_ID, 1});
	join(&w, &now, SINCE_NONE);
	assert_false(cursor_up_to_date(&all.cursor));
	assert_true(cursor_up_to_date(&now.cursor));
	put(&w, "lobby", "3");
	hub_flush(w.hub);
	assert_string_equal(all.text, "1 2 3 ");
	assert_string_equal(after.text, "2 3 ");
	assert_string_equal(now.text, "3 ");
	assert_true(cursor_up_to_date(&all.cursor));
	assert_int_equal(hub_counters(w.hub)->replaying, 0);
	end(&w);
}

static void an_id_of_another_store_is_before_all(void **state)
{
	struct world w;
	struct reader r;

	begin(&w, NULL);
	put(&w, "lobby", "1");
	join(&w, &r, (struct since){SINCE_ID, 1000});
	write_all(&r);
	assert_string_equal(r.text, "-0 1 ");
	end(&w);
}

static void what_the_store_dropped_is_told(void **state)
{
	struct store_memory_options memory = {.max_messages = 2};
	struct world w;
	struct reader r;
	struct reader resumed;
	char body[3001];

	memset(body, 'x', 3000);
	body[3000] = '\0';
	begin(&w, &memory);
	join(&w, &r, SINCE_NONE);
	r.writes = false;
	for (int i = 0; i < 10000; i++) {
		put(&w, "lobby", i < 9998 ? body : "last");
		hub_flush(w.hub);
	}
	write_all(&r);
	assert_string_equal(r.text, "-9998 last last ");
	assert_int_equal(hub_counters(w.hub)->skipped, 9998);
	join(&w, &resumed, (struct since){SINCE_ID, 5});
	write_all(&resumed);
	assert_string_equal(resumed.text, "-0 last last ");
	end(&w);
}

static void a_message_is_never_cut(void **state)
{
	struct store_memory_options memory = {.max_messages = 2};
	struct world w;
	struct reader r;
	struct iovec iov;
	char body[3001];

	memset(body, 'x', 3000);
	body[3000] = '\0';
	begin(&w, &memory);
	join(&w, &r, SINCE_NONE);
	r.writes = false;
	put(&w, "lobby", "begun");
	hub_flush(w.hub);
	assert_int_equal(cursor_next(&r.cursor, &iov, 1), 1);
	cursor_advance(&r.cursor, 2);
	for (int i = 0; i < 10000; i++)
		put(&w, "lobby", i < 9998 ? body : "last");
	assert_true(hub_brimming(w.hub));
	hub_flush(w.hub);
	assert_false(hub_brimming(w.hub));
	write_all(&r);
	assert_string_equal(r.text, "gun -9998 last last ");
	end(&w);
}

static void an_idle_tape_gives_its_memory_back(void **state)
{
	struct world w;
	struct reader r;

	begin(&w, NULL);
	join(&w, &r, SINCE_NONE);
	put(&w, "lobby", "1");
	hub_flush(w.hub);
	assert_true(hub_counters(w.hub)->tape_bytes > 0);
	hub_tick(w.hub, 0);
	hub_tick(w.hub, 0);
	assert_int_equal(hub_counters(w.hub)->tape_bytes, 0);
	put(&w, "lobby", "2");
	hub_flush(w.hub);
	assert_string_equal(r.text, "1 2 ");
	end(&w);
}

struct listed {
	char text[200];
};

static void on_topic(void *data, const struct hub_topic_info *t)
{
	struct listed *l = data;
	size_t len = strlen(l->text);

	snprintf(l->text + len, sizeof(l->text) - len, "%.*s:%d:%d:%d ", (int)t->name.len,
		(const char *)t->name.data, (int)t->messages, (int)t->last_id, (int)t->subscribers);
}

static void lists_what_is_stored_and_what_is_followed(void **state)
{
	struct world w;
	struct reader r;
	struct listed l = {""};

	begin(&w, NULL);
	join(&w, &r, SINCE_NONE);
	hub_topics(w.hub, on_topic, &l);
	assert_string_equal(l.text, "lobby:0:0:1 ");
	put(&w, "lobby", "x");
	l.text[0] = '\0';
	hub_topics(w.hub, on_topic, &l);
	assert_string_equal(l.text, "lobby:1:1:1 ");
	cursor_deinit(&r.cursor);
	l.text[0] = '\0';
	hub_topics(w.hub, on_topic, &l);
	assert_string_equal(l.text, "lobby:1:1:0 ");
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_wake_and_one_call_a_turn),
		cmocka_unit_test(refuses_what_is_wrong),
		cmocka_unit_test(a_call_may_end_any_cursor),
		cmocka_unit_test(history_comes_before_the_present),
		cmocka_unit_test(an_id_of_another_store_is_before_all),
		cmocka_unit_test(what_the_store_dropped_is_told),
		cmocka_unit_test(a_message_is_never_cut),
		cmocka_unit_test(an_idle_tape_gives_its_memory_back),
		cmocka_unit_test(lists_what_is_stored_and_what_is_followed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

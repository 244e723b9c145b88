/* The order, numbers and bounds of what waits to be stored. */

#include "client/outbox.h"
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct settled {
	int count;
	int error;
	uint64_t id;
	struct outbox *push_again;
};

static void note(void *data, int error, uint64_t id)
{
	struct settled *s = data;

	s->count++;
	s->error = error;
	s->id = id;
	if (s->push_again)
		assert_int_equal(outbox_push(s->push_again, bytes_text("again"), NULL, NULL), 0);
}

static void expect_next(struct outbox *o, const char *text)
{
	struct bytes body;

	assert_true(outbox_next(o, &body));
	assert_true(bytes_equal(body, bytes_text(text)));
}

static void keeps_order_and_numbers(void **state)
{
	struct outbox o = OUTBOX_NULL;
	struct settled s = {0};
	struct bytes body;

	assert_int_equal(outbox_next_number(&o), 1);
	assert_false(outbox_next(&o, &body));
	for (int i = 0; i < 100; i++) {
		char text[8];
		snprintf(text, sizeof(text), "%d", i);
		assert_int_equal(outbox_push(&o, bytes_text(text), note, &s), 0);
	}
	expect_next(&o, "0");
	expect_next(&o, "1");
	assert_int_equal(outbox_next_number(&o), 3);
	outbox_settle(&o, 0, 70);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.id, 70);
	expect_next(&o, "2");
	assert_int_equal(o.count, 99);
	outbox_rewind(&o);
	assert_int_equal(outbox_next_number(&o), 2);
	expect_next(&o, "1");
	while (o.count)
		outbox_settle(&o, -EPIPE, 0);
	assert_int_equal(s.count, 100);
	assert_int_equal(s.error, -EPIPE);
	assert_int_equal(o.settled, 100);
	assert_int_equal(outbox_next_number(&o), 101);
	outbox_deinit(&o);
}

static void an_empty_body_is_a_message(void **state)
{
	struct outbox o = OUTBOX_NULL;

	assert_int_equal(outbox_push(&o, BYTES_NULL, NULL, NULL), 0);
	expect_next(&o, "");
	outbox_settle(&o, 0, 1);
	assert_int_equal(o.count, 0);
	outbox_deinit(&o);
}

static void is_bounded_but_takes_any_one_message(void **state)
{
	struct outbox o = OUTBOX_NULL;
	size_t large = OUTBOX_LIMIT + 1;
	uint8_t *data = calloc(1, large);
	struct bytes body;

	assert_int_equal(outbox_push(&o, bytes_of(data, large), NULL, NULL), 0);
	assert_int_equal(outbox_push(&o, bytes_of(data, 1), NULL, NULL), -EAGAIN);
	assert_true(outbox_next(&o, &body));
	assert_int_equal(body.len, large);
	outbox_settle(&o, 0, 1);
	assert_int_equal(outbox_push(&o, bytes_of(data, 1), NULL, NULL), 0);
	outbox_deinit(&o);
	free(data);
}

static void may_be_pushed_to_while_it_settles(void **state)
{
	struct outbox o = OUTBOX_NULL;
	struct settled s = {.push_again = &o};

	assert_int_equal(outbox_push(&o, bytes_text("first"), note, &s), 0);
	expect_next(&o, "first");
	outbox_settle(&o, 0, 1);
	expect_next(&o, "again");
	assert_int_equal(outbox_next_number(&o), 3);
	outbox_deinit(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_order_and_numbers),
		cmocka_unit_test(an_empty_body_is_a_message),
		cmocka_unit_test(is_bounded_but_takes_any_one_message),
		cmocka_unit_test(may_be_pushed_to_while_it_settles),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

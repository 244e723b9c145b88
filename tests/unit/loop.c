#include "net/deadline.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "test.h"

struct seen {
	struct loop loop;
	struct source a, b;
	int calls, again;
	struct ending ending;
	int endings;
	struct deadlines deadlines;
	struct deadline first, second;
	int expired;
};

static int setup(void **state)
{
	struct seen *s = calloc(1, sizeof(*s));
	*state = s;
	return loop_init(&s->loop);
}

static int teardown(void **state)
{
	struct seen *s = *state;
	loop_deinit(&s->loop);
	free(s);
	return 0;
}

static void count_a(struct source *source, uint32_t events)
{
	struct seen *s = container_of(source, struct seen, a);
	s->calls++;
	if (s->again-- > 0)
		source_again(&s->loop, source, EPOLLIN);
	ending_ask(&s->loop, &s->ending);
	ending_ask(&s->loop, &s->ending);
}

static void count_ending(struct ending *e)
{
	container_of(e, struct seen, ending)->endings++;
}

static void readiness_is_told_once_and_again_when_asked(void **state)
{
	struct seen *s = *state;
	int fd = eventfd(1, EFD_NONBLOCK);

	ending_init(&s->ending, count_ending);
	assert_int_equal(source_add(&s->loop, &s->a, fd, count_a), 0);
	loop_turn(&s->loop, true);
	loop_turn(&s->loop, false);
	assert_int_equal(s->calls, 1);
	assert_int_equal(s->endings, 1);
	s->again = 2;
	source_again(&s->loop, &s->a, EPOLLIN);
	for (int i = 0; i < 5; i++)
		loop_turn(&s->loop, false);
	assert_int_equal(s->calls, 4);
	source_remove(&s->loop, &s->a);
	source_remove(&s->loop, &s->a);
	close(fd);
}

static struct seen *pair;

static void remove_both(struct source *source, uint32_t events)
{
	pair->calls++;
	source_remove(&pair->loop, &pair->a);
	source_remove(&pair->loop, &pair->b);
}

static void a_removed_source_is_not_called(void **state)
{
	struct seen *s = *state;
	int a = eventfd(1, EFD_NONBLOCK), b = eventfd(1, EFD_NONBLOCK);

	pair = s;
	source_add(&s->loop, &s->a, a, remove_both);
	source_add(&s->loop, &s->b, b, remove_both);
	loop_turn(&s->loop, true);
	loop_turn(&s->loop, false);
	assert_int_equal(s->calls, 1);
	close(a);
	close(b);
}

static void count_expired(struct deadlines *d, struct deadline *which)
{
	struct seen *s = container_of(d, struct seen, deadlines);
	s->expired = s->expired * 10 + (which == &s->first ? 1 : 2);
	if (s->expired > 9)
		loop_stop(&s->loop);
}

static void deadlines_come_in_order(void **state)
{
	struct seen *s = *state;
	int never = eventfd(0, EFD_NONBLOCK);

	source_add(&s->loop, &s->a, never, count_a);
	assert_int_equal(deadlines_init(&s->deadlines, &s->loop, 2, count_expired), 0);
	deadline_init(&s->first);
	deadline_init(&s->second);
	deadline_set(&s->deadlines, &s->first);
	deadline_set(&s->deadlines, &s->second);
	deadline_set(&s->deadlines, &s->first); /* starts again, behind the other */
	loop_run(&s->loop);
	assert_int_equal(s->expired, 21);
	deadline_set(&s->deadlines, &s->first);
	assert_true(deadline_is_set(&s->first));
	deadline_clear(&s->first);
	assert_false(deadline_is_set(&s->first));
	deadlines_deinit(&s->deadlines);
	source_remove(&s->loop, &s->a);
	close(never);
}

static void count_all(struct deadlines *d, struct deadline *which)
{
	container_of(d, struct seen, deadlines)->expired++;
}

static void many_deadlines_are_spread_over_turns(void **state)
{
	struct seen *s = *state;
	struct deadline many[2 * DEADLINES_A_TURN + 1];
	int count = sizeof(many) / sizeof(*many);

	assert_int_equal(deadlines_init(&s->deadlines, &s->loop, 1, count_all), 0);
	for (int i = 0; i < count; i++) {
		deadline_init(&many[i]);
		deadline_set(&s->deadlines, &many[i]);
	}
	for (int before = 0; s->expired < count; before = s->expired) {
		loop_turn(&s->loop, true);
		assert_true(s->expired - before <= DEADLINES_A_TURN);
	}
	assert_int_equal(s->expired, count);
	deadlines_deinit(&s->deadlines);
}

static void a_turn_returns_after_a_timer_or_an_ending(void **state)
{
	struct seen *s = *state;

	assert_int_equal(deadlines_init(&s->deadlines, &s->loop, 1, count_expired), 0);
	deadline_init(&s->first);
	deadline_set(&s->deadlines, &s->first);
	while (!s->expired)
		loop_turn(&s->loop, true);
	deadlines_deinit(&s->deadlines);
	loop_turn(&s->loop, false);

	ending_init(&s->ending, count_ending);
	ending_ask(&s->loop, &s->ending);
	loop_turn(&s->loop, true);
	assert_int_equal(s->endings, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			readiness_is_told_once_and_again_when_asked, setup, teardown),
		cmocka_unit_test_setup_teardown(a_removed_source_is_not_called, setup, teardown),
		cmocka_unit_test_setup_teardown(deadlines_come_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(
			many_deadlines_are_spread_over_turns, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_turn_returns_after_a_timer_or_an_ending, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Who meets whom, when nobody does, and that nobody is told twice. */

#include "hub/service.h"
#include "test.h"

#include <stdlib.h>

enum { QUEUE = 4, ALL = 6 };

static const struct bytes up = BYTES_INIT("up");
static const struct bytes down = BYTES_INIT("down");

struct asker {
	struct call call;
	struct taker *server; /* that was given it */
	int failures;
	enum call_failure how;
};

static void note_given(struct call *c, struct taker *t)
{
	struct asker *a = container_of(c, struct asker, call);

	assert_null(a->server);
	assert_int_equal(a->failures, 0);
	a->server = t;
}

static void note_failed(struct call *c, enum call_failure how)
{
	struct asker *a = container_of(c, struct asker, call);

	assert_null(c->service);
	assert_int_equal(a->failures++, 0);
	a->how = how;
}

static int idle;

static void note_idle(struct taker *t)
{
	assert_null(t->service);
	idle++;
}

static const struct services_options options = {
	.max_queue = QUEUE,
	.max_queued = ALL,
	.given = note_given,
	.failed = note_failed,
	.idle = note_idle,
};

static int ask(struct services *s, struct asker *a, struct bytes name, uint64_t now, uint64_t due)
{
	*a = (struct asker){0};
	call_init(&a->call);
	return call_start(s, &a->call, name, now, due);
}

static void serve(struct services *s, struct taker *t, struct bytes name, uint64_t now)
{
	taker_init(t);
	assert_int_equal(taker_wait(s, t, name, now, UINT64_MAX), 0);
}

static void both_wait_in_order(void **state)
{
	struct services s;
	struct asker a[4];
	struct taker t[4];

	services_init(&s, &options);
	for (int i = 0; i < 4; i++)
		serve(&s, &t[i], up, 1);
	taker_leave(&s, &t[1], 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ask(&s, &a[i], up, 1, 100), 0);
	assert_ptr_equal(a[0].server, &t[0]);
	assert_ptr_equal(a[1].server, &t[2]);
	assert_ptr_equal(a[2].server, &t[3]);
	assert_int_equal(ask(&s, &a[3], up, 2, 100), 0);
	assert_null(a[3].server);
	call_end(&s, &a[0].call, 3, false);
	serve(&s, &t[0], up, 3);
	assert_ptr_equal(a[3].server, &t[0]);
	assert_int_equal(s.counters.running, 3);
	for (int i = 1; i < 4; i++)
		call_end(&s, &a[i].call, 4, false);
	call_end(&s, &a[3].call, 4, false);
	assert_int_equal(s.counters.running, 0);
	assert_int_equal(s.counters.takers, 0);
	services_deinit(&s);
}

static void is_served_a_while_behind_an_answer(void **state)
{
	struct services s;
	struct asker a, b, c;
	struct taker t;

	services_init(&s, &options);
	assert_int_equal(ask(&s, &a, up, 1, 9000), CALL_UNSERVED);
	serve(&s, &t, up, 1);
	assert_int_equal(ask(&s, &a, up, 1, 9000), 0);
	call_end(&s, &a.call, 1000, false);
	assert_int_equal(ask(&s, &b, up, 1001, 9000), 0);
	assert_int_equal(ask(&s, &c, down, 1001, 9000), CALL_UNSERVED);
	assert_int_equal(services_next_due(&s), 1000 + SERVICES_GRACE_MS);
	services_expire(&s, 999 + SERVICES_GRACE_MS);
	assert_int_equal(b.failures, 0);
	services_expire(&s, 1000 + SERVICES_GRACE_MS);
	assert_int_equal(b.how, CALL_UNSERVED);
	assert_int_equal(s.names.count, 0);
	assert_int_equal(services_next_due(&s), UINT64_MAX);
	services_deinit(&s);
}

static void a_lost_server_is_none(void **state)
{
	struct services s;
	struct asker a, b;
	struct taker t;

	services_init(&s, &options);
	serve(&s, &t, up, 1);
	assert_int_equal(ask(&s, &a, up, 1, 9000), 0);
	assert_int_equal(ask(&s, &b, up, 1, 9000), 0);
	call_end(&s, &a.call, 5, true);
	assert_int_equal(b.how, CALL_UNSERVED);
	assert_int_equal(ask(&s, &b, up, 5, 9000), CALL_UNSERVED);
	services_deinit(&s);
}

static void time_runs_out_until_the_answer_begins(void **state)
{
	struct services s;
	struct asker a, b, c;
	struct taker t, u;

	services_init(&s, &options);
	serve(&s, &t, up, 1);
	serve(&s, &u, up, 1);
	assert_int_equal(ask(&s, &a, up, 1, 300), 0);
	assert_int_equal(ask(&s, &b, up, 1, 100), 0);
	assert_int_equal(ask(&s, &c, up, 1, 200), 0);
	assert_int_equal(services_next_due(&s), 100);
	call_begin_answer(&b.call);
	assert_int_equal(services_next_due(&s), 200);
	services_expire(&s, 250);
	assert_int_equal(c.how, CALL_LATE);
	services_expire(&s, 300);
	assert_int_equal(a.how, CALL_LATE);
	assert_int_equal(b.failures, 0);
	assert_null(call_find(&s, up, bytes_text(a.call.id)));
	call_end(&s, &b.call, 300, false);
	assert_int_equal(s.counters.late, 2);
	services_deinit(&s);
}

static void queues_are_bounded(void **state)
{
	struct services s;
	struct asker a[QUEUE + 1], b[ALL];
	struct taker t, u;

	services_init(&s, &options);
	serve(&s, &t, up, 1);
	serve(&s, &u, down, 1);
	for (int i = 0; i <= QUEUE; i++)
		assert_int_equal(ask(&s, &a[i], up, 1, 9), 0);
	assert_int_equal(ask(&s, &b[0], up, 1, 9), CALL_FULL);
	for (int i = 0; i <= ALL - QUEUE; i++)
		assert_int_equal(ask(&s, &b[i], down, 1, 9), 0);
	assert_int_equal(ask(&s, &b[ALL - 1], down, 1, 9), CALL_FULL);
	call_end(&s, &a[2].call, 1, false);
	assert_int_equal(ask(&s, &b[ALL - 1], down, 1, 9), 0);
	services_expire(&s, 9);
	assert_int_equal(s.counters.queued, 0);
	assert_int_equal(s.counters.running, 0);
	services_deinit(&s);
}

static void an_id_opens_its_own_service_only(void **state)
{
	struct services s;
	struct asker a, b;
	struct taker t, u;

	services_init(&s, &options);
	serve(&s, &t, up, 1);
	serve(&s, &u, down, 1);
	assert_int_equal(ask(&s, &a, up, 1, 9), 0);
	assert_int_equal(ask(&s, &b, up, 1, 9), 0);
	assert_ptr_equal(call_find(&s, up, bytes_text(a.call.id)), &a.call);
	assert_null(call_find(&s, down, bytes_text(a.call.id)));
	assert_null(call_find(&s, up, bytes_text(b.call.id))); /* not given yet */
	call_end(&s, &a.call, 1, false);
	assert_null(call_find(&s, up, bytes_text(a.call.id)));
	call_end(&s, &b.call, 1, false);
	taker_leave(&s, &u, 1);
	services_deinit(&s);
}

enum { ASKERS = 200, SERVERS = 8, STEPS = 50000 };

/* Every call that was let in ends in one way, and the counters agree with what is there. */
static void nobody_is_forgotten_or_told_twice(void **state)
{
	static struct asker askers[ASKERS];
	static struct taker takers[SERVERS];
	struct services_options many = options;
	struct services s;
	size_t queued, running;

	srandom(7);
	many.max_queue = 50;
	many.max_queued = 70;
	services_init(&s, &many);
	for (int i = 0; i < ASKERS; i++)
		call_init(&askers[i].call);
	for (int i = 0; i < SERVERS; i++)
		taker_init(&takers[i]);
	for (uint64_t now = 1; now < STEPS; now++) {
		struct asker *a = &askers[random() % ASKERS];
		struct taker *t = &takers[random() % SERVERS];
		struct bytes name = random() % 2 ? up : down;
		if (a->call.service && a->call.given && random() % 4 == 0) {
			a->server = NULL;
			assert_int_equal(call_again(&s, &a->call, now), 0);
		} else if (a->call.service)
			call_end(&s, &a->call, now, random() % 4 == 0);
		else
			ask(&s, a, name, now, now + (uint64_t)random() % 300);
		if (!t->service)
			assert_int_equal(
				taker_wait(&s, t, name, now, now + (uint64_t)random() % 300), 0);
		else if (random() % 8 == 0)
			taker_leave(&s, t, now);
		services_expire(&s, now);
		queued = running = 0;
		for (int i = 0; i < ASKERS; i++) {
			queued += askers[i].call.service && !askers[i].call.given;
			running += askers[i].call.service && askers[i].call.given;
		}
		assert_int_equal(s.counters.queued, queued);
		assert_int_equal(s.counters.running, running);
		assert_int_equal(s.ids.count, queued + running);
	}
	for (int i = 0; i < ASKERS; i++)
		call_end(&s, &askers[i].call, STEPS, false);
	for (int i = 0; i < SERVERS; i++)
		taker_leave(&s, &takers[i], STEPS);
	services_expire(&s, STEPS + SERVICES_GRACE_MS);
	assert_int_equal(s.names.count, 0);
	services_deinit(&s);
}

static void a_lost_call_is_given_before_all_others(void **state)
{
	struct services s;
	struct asker a, b;
	struct taker t[3];
	char id[CALL_ID_SIZE];

	services_init(&s, &options);
	serve(&s, &t[0], up, 1);
	assert_int_equal(ask(&s, &a, up, 1, 100), 0);
	assert_int_equal(ask(&s, &b, up, 1, 100), 0);
	memcpy(id, a.call.id, sizeof(id));
	a.server = NULL;
	assert_int_equal(call_again(&s, &a.call, 2), 0);
	assert_null(call_find(&s, up, bytes_text(id)));
	serve(&s, &t[1], up, 3);
	assert_ptr_equal(a.server, &t[1]);
	assert_null(call_find(&s, up, bytes_text(id)));
	serve(&s, &t[2], up, 3);
	assert_ptr_equal(b.server, &t[2]);
	call_end(&s, &a.call, 4, true);
	call_end(&s, &b.call, 4, true);
	/* With nobody there it waits for as long as one may be on the way. */
	serve(&s, &t[0], down, 10);
	assert_int_equal(ask(&s, &a, down, 10, 100000), 0);
	a.server = NULL;
	assert_int_equal(call_again(&s, &a.call, 11), 0);
	services_expire(&s, 10 + SERVICES_GRACE_MS);
	assert_int_equal(a.failures, 0);
	services_expire(&s, 11 + SERVICES_GRACE_MS);
	assert_int_equal(a.failures, 1);
	assert_int_equal(a.how, CALL_UNSERVED);
	services_expire(&s, 100 + SERVICES_GRACE_MS);
	services_deinit(&s);
}

static void a_server_waits_as_long_as_it_wants(void **state)
{
	struct services s;
	struct asker a;
	struct taker t[2];

	idle = 0;
	services_init(&s, &options);
	for (int i = 0; i < 2; i++) {
		taker_init(&t[i]);
		assert_int_equal(taker_wait(&s, &t[i], up, 1, 20 - (uint64_t)i), 0);
	}
	assert_int_equal(services_next_due(&s), 19);
	services_expire(&s, 19);
	assert_int_equal(idle, 1);
	assert_null(t[1].service);
	assert_int_equal(ask(&s, &a, up, 19, 100), 0);
	assert_ptr_equal(a.server, &t[0]);
	services_expire(&s, 50); /* it has one */
	assert_int_equal(idle, 1);
	call_end(&s, &a.call, 50, false);
	services_expire(&s, 50 + SERVICES_GRACE_MS);
	assert_int_equal(s.names.count, 0);
	services_deinit(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_wait_in_order),
		cmocka_unit_test(is_served_a_while_behind_an_answer),
		cmocka_unit_test(a_lost_server_is_none),
		cmocka_unit_test(time_runs_out_until_the_answer_begins),
		cmocka_unit_test(queues_are_bounded),
		cmocka_unit_test(an_id_opens_its_own_service_only),
		cmocka_unit_test(a_lost_call_is_given_before_all_others),
		cmocka_unit_test(a_server_waits_as_long_as_it_wants),
		cmocka_unit_test(nobody_is_forgotten_or_told_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

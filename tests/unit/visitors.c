#include "server/visitors.h"
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static struct endpoint from(const char *text)
{
	struct sockaddr_in four = {.sin_family = AF_INET};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	struct endpoint e = {0};

	if (inet_pton(AF_INET, text, &four.sin_addr) == 1) {
		memcpy(&e.addr, &four, sizeof(four));
		e.len = sizeof(four);
	} else if (inet_pton(AF_INET6, text, &six.sin6_addr) == 1) {
		memcpy(&e.addr, &six, sizeof(six));
		e.len = sizeof(six);
	}
	return e;
}

static bool has_room(const struct visitors *v, const char *text)
{
	struct endpoint e = from(text);

	return visitors_has_room(v, &e);
}

static struct visitor *enter(struct visitors *v, const char *text)
{
	struct endpoint e = from(text);

	return visitors_enter(v, &e);
}

static void counts_by_address(void **state)
{
	struct visitors v;

	visitors_init(&v, 2, false, false);
	struct visitor *a = enter(&v, "192.0.2.1"), *b = enter(&v, "::ffff:192.0.2.1");
	assert_true(a && a == b);
	assert_true(!has_room(&v, "192.0.2.1"));
	assert_true(has_room(&v, "192.0.2.2"));
	visitors_leave(&v, b, 0);
	assert_true(has_room(&v, "192.0.2.1"));
	visitors_leave(&v, a, 0);
	visitors_deinit(&v);
}

static void a_network_is_one_address(void **state)
{
	struct visitors v;

	visitors_init(&v, 1, false, false);
	struct visitor *a = enter(&v, "2001:db8:1:2::1");
	assert_true(!has_room(&v, "2001:db8:1:2:ffff::9"));
	assert_true(has_room(&v, "2001:db8:1:3::1"));
	visitors_leave(&v, a, 0);
	visitors_deinit(&v);
}

static void this_machine_only_when_told(void **state)
{
	struct visitors v;

	visitors_init(&v, 1, false, false);
	struct visitor *a = enter(&v, "127.0.0.1");
	assert_true(has_room(&v, "127.0.0.1"));
	v.limits_locals = true;
	assert_true(!has_room(&v, "127.0.0.1"));
	visitors_leave(&v, a, 0);
	visitors_deinit(&v);
}

static void who_comes_again_owes_what_it_owed(void **state)
{
	const struct rate_options o = {.messages = 1};
	struct visitors v;

	visitors_init(&v, 10, false, true);
	struct visitor *a = enter(&v, "192.0.2.1");
	rate_count(&a->rate, &o, 1, 1, 1000);
	assert_true(rate_is_over(&a->rate, 1000));
	visitors_leave(&v, a, 1000);
	struct visitor *b = enter(&v, "192.0.2.1");
	assert_true(rate_is_over(&b->rate, 1000));
	visitors_leave(&v, b, 1500);
	visitors_tidy(&v, 1500);
	assert_true(v.table.count == 1);
	visitors_tidy(&v, 2000);
	assert_true(v.table.count == 0);
	visitors_deinit(&v);
}

static void without_an_address(void **state)
{
	struct visitors v;

	visitors_init(&v, 1, true, false);
	assert_true(!enter(&v, ""));
	assert_true(has_room(&v, ""));
	v.accounts = true;
	struct visitor *a = enter(&v, ""), *b = enter(&v, "");
	assert_true(a && b && a != b);
	visitors_leave(&v, a, 0);
	visitors_leave(&v, b, 0);
	visitors_deinit(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_by_address),
		cmocka_unit_test(a_network_is_one_address),
		cmocka_unit_test(this_machine_only_when_told),
		cmocka_unit_test(who_comes_again_owes_what_it_owed),
		cmocka_unit_test(without_an_address),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "net/resolve.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "test.h"

static int set_up(void **state)
{
	struct loop *l = calloc(1, sizeof(*l));

	*state = l;
	return loop_init(l);
}

static int tear_down(void **state)
{
	loop_deinit(*state);
	free(*state);
	return 0;
}

static int look_up(const char *text, struct resolved *found, struct fault *why)
{
	struct address a;

	assert_int_equal(address_parse(&a, text, why), 0);
	int r = resolve_wait(found, &a, why);
	address_deinit(&a);
	return r;
}

/* Each is answered without a look-up. */
static void knows_what_needs_no_look_up(void **state)
{
	static const struct {
		const char *text;
		const char *first;
		const char *second;
	} known[] = {
		{"tcp:localhost:80", "127.0.0.1:80", "[::1]:80"},
		{"tcp4:localhost:80", "127.0.0.1:80", NULL},
		{"tcp6:localhost:80", "[::1]:80", NULL},
		{"tcp:*:80", "[::]:80", "0.0.0.0:80"},
		{"udp:10.1.2.3:0", "10.1.2.3:0", NULL},
		{"[2001:db8::7]:65535", "[2001:db8::7]:65535", NULL},
		{"[fe80::1%lo]:1", "[fe80::1%lo]:1", NULL},
		{"[fe80::1%1]:1", "[fe80::1%lo]:1", NULL},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		struct resolved found;
		char text[ENDPOINT_TEXT_SIZE];

		assert_int_equal(look_up(known[i].text, &found, NULL), 0);
		assert_int_equal(found.count, known[i].second ? 2 : 1);
		endpoint_format(&found.endpoints[0], text);
		assert_string_equal(text, known[i].first);
		if (known[i].second) {
			endpoint_format(&found.endpoints[1], text);
			assert_string_equal(text, known[i].second);
		}
	}
}

static void keeps_the_kind_of_socket(void **state)
{
	struct resolved found;

	assert_int_equal(look_up("sctp:localhost:1", &found, NULL), 0);
	assert_int_equal(found.endpoints[1].type, SOCK_STREAM);
	assert_int_equal(found.endpoints[1].protocol, IPPROTO_SCTP);
	assert_int_equal(look_up("udp:127.1:1", &found, NULL), 0);
	assert_int_equal(found.endpoints[0].type, SOCK_DGRAM);
	assert_int_equal(found.endpoints[0].protocol, IPPROTO_UDP);
}

/* A label of 64 bytes is no name at all, so no server is asked. */
static const char impossible[] =
	"tcp:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b:1";

static void says_which_host(void **state)
{
	struct resolved found;
	struct fault why = FAULT_NULL;

	assert_int_equal(look_up(impossible, &found, &why), -EHOSTUNREACH);
	assert_non_null(strstr(why.text, "'aaaa"));
	assert_int_equal(look_up("[fe80::1%no-such-if]:1", &found, &why), -ENODEV);
	assert_string_equal(why.text, "no network interface is called 'no-such-if'");
}

struct answer {
	int calls;
	int error;
	struct resolved found;
};

static void on_done(void *arg, int error, const struct resolved *found, const struct fault *why)
{
	struct answer *answer = arg;

	answer->calls++;
	answer->error = error;
	answer->found = *found;
	assert_true(!error == !why->error);
}

static void answers_in_a_later_turn(void **state)
{
	/* The second goes through a worker thread: it is numeric only for getaddrinfo(3). */
	const char *const texts[] = {"tcp:localhost:7", "tcp:127.1:7", impossible};

	for (size_t i = 0; i < 3; i++) {
		struct answer answer = {0};
		struct resolve *r;
		struct address a;
		char text[ENDPOINT_TEXT_SIZE];

		assert_int_equal(address_parse(&a, texts[i], NULL), 0);
		assert_int_equal(resolve_start(&r, *state, &a, on_done, &answer), 0);
		address_deinit(&a);
		assert_int_equal(answer.calls, 0);
		while (!answer.calls)
			loop_turn(*state, true);
		assert_int_equal(answer.error, i == 2 ? -EHOSTUNREACH : 0);
		if (i == 2)
			continue;
		endpoint_format(&answer.found.endpoints[0], text);
		assert_string_equal(text, "127.0.0.1:7");
	}
}

static void can_be_cancelled(void **state)
{
	const char *const texts[] = {"tcp:localhost:7", "tcp:127.1:7"};

	for (size_t i = 0; i < 2; i++) {
		struct answer answer = {0};
		struct resolve *r;
		struct address a;

		assert_int_equal(address_parse(&a, texts[i], NULL), 0);
		assert_int_equal(resolve_start(&r, *state, &a, on_done, &answer), 0);
		address_deinit(&a);
		assert_null(resolve_cancel(r));
		for (int turn = 0; turn < 5; turn++)
			loop_turn(*state, false);
		assert_int_equal(answer.calls, 0);
	}
	assert_null(resolve_cancel(NULL));
}

/* Who asks for a name that is being looked up waits for the same answer; who leaves leaves alone.
 */
static void one_look_up_serves_all_who_ask(void **state)
{
	struct loop *l = *state;
	struct answer answers[3] = {0};
	struct resolve *r[3];
	struct address a;

	assert_int_equal(address_parse(&a, "tcp:127.1:7", NULL), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(resolve_start(&r[i], l, &a, on_done, &answers[i]), 0);
	address_deinit(&a);
	assert_ptr_equal(l->lookups.next->next, &l->lookups);
	resolve_cancel(r[0]);
	while (!answers[2].calls)
		loop_turn(l, true);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(answers[i].calls, i > 0);
	assert_true(list_empty(&l->lookups));
}

static void assert_order(const char *before, const char *after)
{
	struct resolved found = {.count = strlen(before)};

	for (size_t i = 0; i < found.count; i++) {
		bool six = before[i] >= 'A' && before[i] <= 'Z';
		found.endpoints[i].addr.ss_family = six ? AF_INET6 : AF_INET;
		found.endpoints[i].protocol = (uint8_t)before[i];
	}
	resolved_interleave(&found);
	for (size_t i = 0; i < found.count; i++)
		assert_int_equal(found.endpoints[i].protocol, after[i]);
}

/* Capitals are of one family, small letters of the other. */
static void alternates_the_families(void **state)
{
	assert_order("", "");
	assert_order("A", "A");
	assert_order("ABC", "ABC");
	assert_order("ABab", "AaBb");
	assert_order("aAB", "aAB");
	assert_order("ABCa", "AaBC");
	assert_order("Aabc", "Aabc");
	assert_order("AabBCc", "AaBbCc");
}

#define WITH_LOOP(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_LOOP(knows_what_needs_no_look_up),
		WITH_LOOP(keeps_the_kind_of_socket),
		WITH_LOOP(says_which_host),
		WITH_LOOP(answers_in_a_later_turn),
		WITH_LOOP(can_be_cancelled),
		WITH_LOOP(one_look_up_serves_all_who_ask),
		cmocka_unit_test(alternates_the_families),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Sessions over the plain wire; the test holds the other end of a socket pair. */

#include "client.h"
#include "net/trust.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

struct pair {
	struct told *told;
	int peer;
};

static struct pair pair_new(int type, struct session_options options)
{
	char address[32];
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds), 0);
	snprintf(address, sizeof(address), "fd:%d", fds[0]);
	options.address = address;
	options.wire = "plain";
	struct pair p = {told_new(&options), fds[1]};
	told_until(p.told, p.told->opened);
	return p;
}

static void pair_free(struct pair *p)
{
	if (p->peer >= 0)
		close(p->peer);
	told_free(p->told);
}

static void expect_peer_reads(struct pair *p, const char *text)
{
	char got[256] = "";
	size_t len = 0;

	while (len < strlen(text)) {
		loop_turn(&p->told->loop, false);
		ssize_t n = recv(p->peer, got + len, sizeof(got) - len - 1, MSG_DONTWAIT);
		if (n > 0)
			len += (size_t)n;
		else
			assert_true(n < 0 && errno == EAGAIN);
	}
	assert_string_equal(got, text);
}

/* What is there may be no hub: it has to be wanted. */
static void a_token_is_shown_when_that_is_wanted(void **state)
{
	for (int wanted = 0; wanted < 2; wanted++) {
		struct trust_options options = {.token = "t0ken", .token_in_plain = wanted};
		struct trust *trust = trust_new(&options, NULL);
		struct pair p = pair_new(SOCK_STREAM, (struct session_options){.trust = trust});
		told_publish(p.told, "hi");
		expect_peer_reads(&p, wanted ? "login t0ken\nhi\n" : "hi\n");
		pair_free(&p);
		trust_free(trust);
	}
}

static void expect_peer_reads_end(struct pair *p)
{
	char byte;
	ssize_t n;

	while ((n = recv(p->peer, &byte, 1, MSG_DONTWAIT)) < 0)
		loop_turn(&p->told->loop, false);
	assert_int_equal(n, 0);
}

static void lines_go_both_ways(void **state)
{
	struct pair p = pair_new(SOCK_STREAM, (struct session_options){.follow = true});

	told_publish(p.told, "one");
	told_publish(p.told, "two");
	expect_peer_reads(&p, "one\ntwo\n");
	assert_true(is_text(&p.told->settled, "0:0;0:0;"));
	assert_int_equal(write(p.peer, "anna: hi\r\nbert", 14), 14);
	told_until_text(p.told, messages, "|anna: hi;|bert;"); /* its end may be left out */
	pair_free(&p);
}

static void announces_itself_when_asked(void **state)
{
	struct pair p =
		pair_new(SOCK_STREAM, (struct session_options){.follow = true, .announce = true});

	expect_peer_reads(&p, "\n");
	pair_free(&p);
}

static void finishing_half_closes_and_awaits_the_end(void **state)
{
	struct pair p = pair_new(SOCK_STREAM, (struct session_options){.follow = true});

	told_publish(p.told, "last");
	session_finish(p.told->session);
	assert_int_equal(session_publish(p.told->session, bytes_text("x"), NULL, NULL), -EPIPE);
	expect_peer_reads(&p, "last\n");
	expect_peer_reads_end(&p);
	assert_int_equal(p.told->closed, 0);
	assert_int_equal(write(p.peer, "answer\n", 7), 7);
	close(p.peer);
	p.peer = -1;
	told_until(p.told, p.told->closed);
	assert_int_equal(p.told->why.error, 0);
	assert_true(is_text(&p.told->messages, "|answer;"));
	pair_free(&p);
}

static void a_peer_that_does_not_end_runs_out_of_time(void **state)
{
	struct pair p = pair_new(SOCK_STREAM, (struct session_options){.farewell_ms = 5});

	session_finish(p.told->session);
	told_until(p.told, p.told->closed);
	assert_int_equal(p.told->why.error, -ETIMEDOUT);
	pair_free(&p);
}

static void the_peers_end_ends_who_follows(void **state)
{
	struct pair p = pair_new(SOCK_STREAM, (struct session_options){.follow = true});

	assert_int_equal(write(p.peer, "rest", 4), 4);
	close(p.peer);
	p.peer = -1;
	told_until(p.told, p.told->closed);
	assert_int_equal(p.told->why.error, 0);
	assert_true(is_text(&p.told->messages, "|rest;"));
	assert_int_equal(session_publish(p.told->session, bytes_text("x"), NULL, NULL), -EPIPE);
	pair_free(&p);
}

static void who_only_publishes_goes_on_after_the_peers_end(void **state)
{
	struct pair p = pair_new(SOCK_STREAM, (struct session_options){0});

	shutdown(p.peer, SHUT_WR);
	told_publish(p.told, "still");
	expect_peer_reads(&p, "still\n");
	assert_int_equal(p.told->closed, 0);
	session_finish(p.told->session);
	told_until(p.told, p.told->closed);
	assert_int_equal(p.told->why.error, 0);
	pair_free(&p);
}

static void packets_are_messages(void **state)
{
	struct pair p = pair_new(
		SOCK_SEQPACKET, (struct session_options){.follow = true, .announce = true});
	char got[16] = "";

	told_publish(p.told, "one");
	told_publish(p.told, "two");
	told_until_text(p.told, settled, "0:0;0:0;");
	assert_int_equal(recv(p.peer, got, sizeof(got), 0), 3);
	assert_int_equal(recv(p.peer, got, sizeof(got), 0), 3);
	assert_string_equal(got, "two");
	assert_int_equal(send(p.peer, "a: 1\n", 5, 0), 5);
	assert_int_equal(send(p.peer, "b: 2", 4, 0), 4);
	told_until_text(p.told, messages, "|a: 1;|b: 2;");
	pair_free(&p);
}

static void says_when_it_is_full_and_when_it_takes_more(void **state)
{
	struct pair p = pair_new(SOCK_STREAM, (struct session_options){0});
	size_t len = 1 << 20, total = 0, got = 0;
	char *block = calloc(1, len);
	int r;

	memset(block, 'x', len);
	while ((r = session_publish(p.told->session, bytes_of(block, len), NULL, NULL)) == 0) {
		total += len + 1;
		loop_turn(&p.told->loop, false);
	}
	assert_int_equal(r, -EAGAIN);
	while (!p.told->writable) {
		ssize_t n = recv(p.peer, block, len, MSG_DONTWAIT);
		got += n > 0 ? (size_t)n : 0;
		loop_turn(&p.told->loop, false);
	}
	session_finish(p.told->session);
	for (;;) {
		ssize_t n = recv(p.peer, block, len, MSG_DONTWAIT);
		if (n == 0)
			break;
		got += n > 0 ? (size_t)n : 0;
		loop_turn(&p.told->loop, false);
	}
	assert_int_equal(got, total);
	free(block);
	pair_free(&p);
}

static void a_pause_holds_messages_back(void **state)
{
	struct pair p = pair_new(SOCK_STREAM, (struct session_options){.follow = true});

	session_pause(p.told->session);
	assert_int_equal(write(p.peer, "one\n", 4), 4);
	loop_turn(&p.told->loop, true);
	assert_int_equal(buffer_len(&p.told->messages), 0);
	session_resume(p.told->session);
	told_until_text(p.told, messages, "|one;");
	pair_free(&p);
}

static void a_refused_connection_ends_it_with_a_reason(void **state)
{
	struct told *t = told_new(&(struct session_options){
		.address = "unix:@nobody-listens-here?wire=plain", .reconnect = true});

	told_publish(t, "lost");
	told_until(t, t->closed);
	assert_int_equal(t->why.error, -ECONNREFUSED);
	assert_true(strlen(t->why.text) > 0);
	char expected[32];
	snprintf(expected, sizeof(expected), "%d:0;", -ECONNREFUSED);
	assert_true(is_text(&t->settled, expected));
	assert_int_equal(t->opened, 0);
	told_free(t);
}

static void options_that_the_wire_lacks_are_refused(void **state)
{
	const struct session_options wrong[] = {
		{.address = "tcp:localhost:1", .wire = "carrier-pigeon"},
		{.address = "nonsense:1:2"},
		{.address = "udp:localhost:1", .wire = "http"},
		{.address = "1?wire=plain", .topic = "other"},
		{.address = "1?wire=plain&topic=other"},
		{.address = "1", .wire = "plain", .name = "anna"},
		{.address = "1", .wire = "plain", .since = "all"},
	};
	struct loop loop;

	assert_int_equal(loop_init(&loop), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct fault why = FAULT_NULL;
		assert_null(session_new(&loop, &wrong[i], &told_handler, NULL, &why));
		assert_int_equal(why.error, -EINVAL);
	}
	loop_deinit(&loop);
}

static void free_session(struct session *s, const struct message *m)
{
	struct told *t = session_data(s);

	t->closed++;
	t->session = session_free(s);
}

static void may_be_freed_from_its_own_callback(void **state)
{
	static const struct session_handler handler = {.message = free_session};
	struct told t = {0};
	char address[32];
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	snprintf(address, sizeof(address), "fd:%d?wire=plain", fds[0]);
	assert_int_equal(loop_init(&t.loop), 0);
	struct session_options options = {.address = address, .follow = true};
	t.session = session_new(&t.loop, &options, &handler, &t, &t.why);
	assert_non_null(t.session);
	assert_int_equal(write(fds[1], "one\ntwo\nthree", 13), 13);
	told_until(&t, t.closed);
	loop_turn(&t.loop, false);
	assert_int_equal(t.closed, 1);
	loop_deinit(&t.loop);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_is_shown_when_that_is_wanted),
		cmocka_unit_test(lines_go_both_ways),
		cmocka_unit_test(announces_itself_when_asked),
		cmocka_unit_test(finishing_half_closes_and_awaits_the_end),
		cmocka_unit_test(a_peer_that_does_not_end_runs_out_of_time),
		cmocka_unit_test(the_peers_end_ends_who_follows),
		cmocka_unit_test(who_only_publishes_goes_on_after_the_peers_end),
		cmocka_unit_test(packets_are_messages),
		cmocka_unit_test(says_when_it_is_full_and_when_it_takes_more),
		cmocka_unit_test(a_pause_holds_messages_back),
		cmocka_unit_test(a_refused_connection_ends_it_with_a_reason),
		cmocka_unit_test(options_that_the_wire_lacks_are_refused),
		cmocka_unit_test(may_be_freed_from_its_own_callback),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

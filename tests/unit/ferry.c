/* The library as a program sees it: ferry.h and libferry, nothing else. */

#include "test.h"

#include <ferry.h>

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Enough for anything here; only a test that fails waits so long. */
enum { PATIENCE_MS = 20000 };

struct seen {
	struct ferry *ferry;
	char messages[256];
	char settled[64];
	int fd;
	int error;
	bool opened;
	bool closed;
	bool dialed;
};

static void on_opened(void *data)
{
	((struct seen *)data)->opened = true;
}

static void on_message(void *data, const struct ferry_message *m)
{
	struct seen *seen = data;
	size_t len = strlen(seen->messages);

	assert_int_equal(strlen(m->body), m->body_len);
	snprintf(seen->messages + len, sizeof(seen->messages) - len, "%s|%s|%s;", m->topic, m->from,
		(const char *)m->body);
}

static void on_stored(void *data, int error, uint64_t id)
{
	struct seen *seen = data;
	size_t len = strlen(seen->settled);

	snprintf(seen->settled + len, sizeof(seen->settled) - len, "%d;", error);
}

static void on_closed(void *data, int error)
{
	struct seen *seen = data;

	seen->closed = true;
	seen->error = error;
}

static void on_dialed(void *data, int fd)
{
	struct seen *seen = data;

	seen->dialed = true;
	seen->fd = fd;
}

static void on_accepted(void *data, int fd, const char *peer)
{
	struct seen *seen = data;

	assert_true(strlen(peer) > 0);
	seen->fd = fd;
}

#define dispatch_until(f, condition)                                                               \
	do {                                                                                       \
		while (!(condition))                                                               \
			assert_int_equal(ferry_dispatch(f, PATIENCE_MS), 0);                       \
	} while (0)

static struct ferry_listener *listen_here(struct ferry *f)
{
	struct ferry_listener *l = ferry_listen(f, "tcp4:127.0.0.1:0", NULL, NULL);

	if (!l)
		fail_msg("%s", ferry_why(f));
	assert_null(strstr(ferry_listener_address(l), ":0"));
	return l;
}

static struct ferry_options plain(struct seen *seen)
{
	struct ferry_options options = ferry_options();

	options.wire = "plain";
	options.opened = on_opened;
	options.closed = on_closed;
	options.data = seen;
	options.follow = 1;
	return options;
}

static void expect_read(int fd, const char *text)
{
	char got[64] = "";
	size_t len = 0;

	while (len < strlen(text)) {
		ssize_t n = read(fd, got + len, sizeof(got) - 1 - len);
		assert_true(n > 0);
		len += (size_t)n;
	}
	assert_string_equal(got, text);
}

static void addresses_have_one_form(void **state)
{
	struct ferry *f = ferry_new();
	char *text;

	assert_int_equal(ferry_address(f, "12345", &text), 0);
	assert_string_equal(text, "tcp:localhost:12345");
	free(text);
	assert_int_equal(ferry_address(f, "tcp:localhost:123456", &text), -EINVAL);
	assert_non_null(strstr(ferry_why(f), "123456"));
	ferry_free(f);
}

static void dials_and_accepts(void **state)
{
	struct ferry *f = ferry_new();
	struct ferry_listener *l = listen_here(f);

	int client = ferry_dial(f, ferry_listener_address(l), PATIENCE_MS);
	assert_true(client >= 0);
	int server = ferry_accept(l, PATIENCE_MS);
	assert_true(server >= 0);
	assert_non_null(strstr(ferry_listener_peer(l), "127.0.0.1:"));
	assert_int_equal(write(client, "hi", 2), 2);
	expect_read(server, "hi"); /* it blocks, so nothing is missed */
	assert_int_equal(ferry_accept(l, 0), -ETIMEDOUT);
	close(client);
	close(server);
	ferry_listener_free(l);
	ferry_free(f);
}

static void dials_and_accepts_by_callback(void **state)
{
	struct ferry *f = ferry_new();
	struct seen server = {.fd = -1}, client = {.fd = -1};
	struct ferry_listener *l = ferry_listen(f, "tcp4:127.0.0.1:0", on_accepted, &server);

	assert_non_null(ferry_dial_start(f, ferry_listener_address(l), 0, on_dialed, &client));
	dispatch_until(f, client.dialed && server.fd >= 0);
	assert_int_equal(write(client.fd, "hi", 2), 2);
	expect_read(server.fd, "hi");
	close(client.fd);
	close(server.fd);
	ferry_free(f); /* the listener with it */
}

static void a_dial_that_fails_says_why(void **state)
{
	struct ferry *f = ferry_new();
	struct seen seen = {0};

	assert_int_equal(ferry_dial(f, "unix:@nobody-is-here", PATIENCE_MS), -ECONNREFUSED);
	assert_non_null(strstr(ferry_why(f), "nobody-is-here"));
	assert_non_null(ferry_dial_start(f, "unix:@nobody-is-here", 0, on_dialed, &seen));
	dispatch_until(f, seen.dialed);
	assert_int_equal(seen.fd, -ECONNREFUSED);
	assert_null(ferry_dial_start(f, "tcp:", 0, on_dialed, &seen));
	assert_null(ferry_dial_cancel(
		ferry_dial_start(f, "unix:@nobody-is-here", 0, on_dialed, &seen)));
	ferry_free(f);
}

static void datagrams_cannot_be_accepted(void **state)
{
	struct ferry *f = ferry_new();

	assert_null(ferry_listen(f, "udp:localhost:0", NULL, NULL));
	assert_non_null(strstr(ferry_why(f), "datagrams"));
	ferry_free(f);
}

static void a_descriptor_speaks_no_tls(void **state)
{
	struct ferry *f = ferry_new();

	assert_int_equal(ferry_dial(f, "tls:localhost:1", PATIENCE_MS), -EPROTONOSUPPORT);
	assert_non_null(strstr(ferry_why(f), "TLS is for sessions"));
	assert_null(ferry_listen(f, "tls:localhost:0", NULL, NULL));
	assert_non_null(strstr(ferry_why(f), "TLS is for sessions"));
	ferry_free(f);
}

static void trust_is_said_once(void **state)
{
	struct ferry *f = ferry_new();
	struct ferry_trust_options options = ferry_trust_options();

	assert_int_equal(options.size, sizeof(options));
	assert_int_equal(ferry_trust(f, &options), 0);
	assert_int_equal(ferry_trust(f, &options), -EBUSY);
	ferry_free(f);
}

static void publishes_and_follows_by_waiting(void **state)
{
	struct ferry *f = ferry_new();
	struct ferry_listener *l = listen_here(f);
	struct seen seen = {0};
	struct ferry_options options = plain(&seen);
	struct ferry_message m;

	struct ferry_session *s = ferry_open(f, ferry_listener_address(l), &options);
	assert_non_null(s);
	int server = ferry_accept(l, PATIENCE_MS);
	assert_int_equal(ferry_publish_wait(s, "one", 3, NULL, PATIENCE_MS), 0);
	expect_read(server, "\none\n");
	assert_true(seen.opened);
	assert_int_equal(write(server, "anna: hi\nbert: ho\n", 18), 18);
	assert_int_equal(ferry_next(s, &m, PATIENCE_MS), 1);
	assert_string_equal(m.body, "anna: hi");
	assert_string_equal(m.topic, "lobby");
	assert_string_equal(m.from, "");
	assert_int_equal(ferry_next(s, &m, PATIENCE_MS), 1);
	assert_string_equal(m.body, "bert: ho");
	assert_int_equal(ferry_next(s, &m, 0), -ETIMEDOUT);
	close(server);
	assert_int_equal(ferry_next(s, &m, PATIENCE_MS), 0);
	assert_true(seen.closed);
	assert_int_equal(ferry_publish(s, "x", 1, NULL, NULL), -EPIPE);
	ferry_close(s);
	ferry_free(f);
}

static void publishes_and_follows_by_callback(void **state)
{
	struct ferry *f = ferry_new();
	struct ferry_listener *l = listen_here(f);
	struct seen seen = {.ferry = f};
	struct ferry_options options = plain(&seen);

	options.message = on_message;
	struct ferry_session *s = ferry_open(f, ferry_listener_address(l), &options);
	assert_int_equal(ferry_publish(s, "one", 3, on_stored, &seen), 0);
	assert_int_equal(ferry_publish(s, "two", 3, on_stored, &seen), 0);
	int server = ferry_accept(l, PATIENCE_MS);
	assert_int_equal(ferry_flush(s, PATIENCE_MS), 0);
	assert_string_equal(seen.settled, "0;0;");
	expect_read(server, "\none\ntwo\n");
	assert_int_equal(write(server, "hi\n", 3), 3);
	dispatch_until(f, *seen.messages);
	assert_string_equal(seen.messages, "lobby||hi;");
	ferry_finish(s);
	dispatch_until(f, ferry_publish(s, "x", 1, NULL, NULL) < 0);
	close(server);
	dispatch_until(f, seen.closed);
	assert_int_equal(seen.error, 0);
	ferry_close(s);
	ferry_free(f);
}

static void nobody_there_is_told_by_whatever_waits(void **state)
{
	struct ferry *f = ferry_new();
	struct seen seen = {0};
	struct ferry_options options = plain(&seen);
	struct ferry_message m;

	struct ferry_session *s = ferry_open(f, "unix:@nobody-is-here", &options);
	assert_non_null(s);
	assert_int_equal(ferry_publish(s, "x", 1, on_stored, &seen), 0);
	assert_int_equal(ferry_flush(s, PATIENCE_MS), -ECONNREFUSED);
	assert_int_equal(ferry_next(s, &m, PATIENCE_MS), -ECONNREFUSED);
	assert_non_null(strstr(ferry_why(f), "nobody-is-here"));
	assert_int_equal(ferry_publish_wait(s, "x", 1, NULL, PATIENCE_MS), -ECONNREFUSED);
	assert_true(seen.closed);
	assert_int_equal(seen.error, -ECONNREFUSED);
	ferry_close(s);
	ferry_free(f);
}

static void bad_options_open_nothing(void **state)
{
	struct ferry *f = ferry_new();
	struct ferry_options options = ferry_options();

	options.wire = "smoke";
	assert_null(ferry_open(f, "12345", &options));
	assert_non_null(strstr(ferry_why(f), "smoke"));
	ferry_free(f);
}

/* What a program built with an older library would pass. */
static void an_older_structure_is_taken(void **state)
{
	struct ferry *f = ferry_new();
	struct ferry_options options;
	size_t old = offsetof(struct ferry_options, wire);

	memset(&options, 0xff, sizeof(options));
	ferry_options_init(&options, old);
	/* what is behind is neither written nor looked at */
	assert_int_equal(options.reconnect, -1);
	struct ferry_session *s = ferry_open(f, "unix:@nobody-is-here", &options);
	assert_non_null(s);
	ferry_close(s);
	ferry_free(f);
}

/* Another event loop sees by one descriptor all that is to be done: what was asked for, what comes,
 * and time that passes. */
static void lives_in_another_loop(void **state)
{
	struct ferry *f = ferry_new();
	struct ferry_listener *l = listen_here(f);
	struct seen seen = {0};
	struct ferry_options options = plain(&seen);
	struct pollfd ready = {.fd = ferry_fd(f), .events = POLLIN};

	assert_true(ready.fd >= 0);
	assert_int_equal(ferry_fd(f), ready.fd);
	options.timeout_ms = 30;
	options.wire = "http"; /* which nobody will answer */
	struct ferry_session *s = ferry_open(f, ferry_listener_address(l), &options);
	assert_non_null(s);
	while (!seen.closed) {
		assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
		assert_int_equal(ferry_dispatch(f, 0), 0);
	}
	assert_int_equal(seen.error, -ETIMEDOUT);
	ferry_close(s);
	/* and when there is nothing to do, it is quiet */
	ferry_dispatch(f, 0);
	assert_int_equal(poll(&ready, 1, 0), 0);
	ferry_free(f);
}

static void wait_in_callback(void *data, int fd)
{
	struct seen *seen = data;

	seen->dialed = true;
	seen->error = ferry_dispatch(seen->ferry, -1);
	assert_int_equal(ferry_dial(seen->ferry, "1", -1), -EDEADLK);
}

static void a_callback_cannot_wait(void **state)
{
	struct ferry *f = ferry_new();
	struct seen seen = {.ferry = f};

	ferry_dial_start(f, "unix:@nobody-is-here", 0, wait_in_callback, &seen);
	dispatch_until(f, seen.dialed);
	assert_int_equal(seen.error, -EDEADLK);
	ferry_free(f);
}

struct closing {
	struct ferry_session *session;
	bool done;
};

static void close_session(void *data, const struct ferry_message *m)
{
	struct closing *c = data;

	c->session = ferry_close(c->session);
	c->done = true;
}

static void a_callback_may_close_its_session(void **state)
{
	struct ferry *f = ferry_new();
	struct ferry_listener *l = listen_here(f);
	struct closing closing = {0};
	struct ferry_options options = ferry_options();

	options.wire = "plain";
	options.follow = 1;
	options.message = close_session;
	options.data = &closing;
	closing.session = ferry_open(f, ferry_listener_address(l), &options);
	int server = ferry_accept(l, PATIENCE_MS);
	assert_int_equal(write(server, "one\ntwo\n", 8), 8);
	dispatch_until(f, closing.done);
	assert_null(closing.session);
	close(server);
	ferry_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_have_one_form),
		cmocka_unit_test(dials_and_accepts),
		cmocka_unit_test(dials_and_accepts_by_callback),
		cmocka_unit_test(a_dial_that_fails_says_why),
		cmocka_unit_test(datagrams_cannot_be_accepted),
		cmocka_unit_test(a_descriptor_speaks_no_tls),
		cmocka_unit_test(trust_is_said_once),
		cmocka_unit_test(publishes_and_follows_by_waiting),
		cmocka_unit_test(publishes_and_follows_by_callback),
		cmocka_unit_test(nobody_there_is_told_by_whatever_waits),
		cmocka_unit_test(bad_options_open_nothing),
		cmocka_unit_test(an_older_structure_is_taken),
		cmocka_unit_test(lives_in_another_loop),
		cmocka_unit_test(a_callback_cannot_wait),
		cmocka_unit_test(a_callback_may_close_its_session),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

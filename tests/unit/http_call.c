/* One call after the other over a connection that is kept; the test is the other side. */

#include "client/http_call.h"
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct world {
	struct loop loop;
	struct http_call call;
	struct address address;
	int listener;
	int peer;
	int dialed;	   /* connections so far */
	char told[256];	   /* what the call told */
	char asked[1024];  /* what has come at the other side */
	const char *again; /* the target of a call that `ended` begins */
};

static struct world *world_of(struct http_call *c)
{
	return container_of(c, struct world, call);
}

static void tell(struct http_call *c, const char *what, struct bytes text)
{
	struct world *w = world_of(c);
	size_t len = strlen(w->told);

	snprintf(w->told + len, sizeof(w->told) - len, "%s%.*s;", what, (int)text.len,
		(const char *)text.data);
	loop_stop(&w->loop);
}

static void ask(struct world *w, const char *target, const char *body)
{
	struct http_writer head;

	http_call_begin(&w->call, &head, body ? HTTP_POST : HTTP_GET, bytes_text(target));
	assert_int_equal(http_call_start(&w->call, &head, body ? strlen(body) : 0, 0), 0);
	if (body)
		assert_int_equal(http_call_write(&w->call, bytes_text(body)), 0);
}

static void on_head(struct http_call *c, const struct http_response *r)
{
	tell(c, "head ", r->reason);
}

static void on_interim(struct http_call *c, const struct http_response *r)
{
	tell(c, "interim ", r->reason);
}

static void on_body(struct http_call *c, struct bytes piece)
{
	tell(c, "body ", piece);
}

static void on_ended(struct http_call *c)
{
	struct world *w = world_of(c);
	const char *again = w->again;

	tell(c, "ended", BYTES_LITERAL(""));
	w->again = NULL;
	if (again)
		ask(w, again, NULL);
}

static void on_failed(struct http_call *c, const struct fault *why)
{
	tell(c, http_call_is_stale(c) ? "stale" : "failed", BYTES_LITERAL(""));
}

static const struct http_call_handler handler = {
	.head = on_head,
	.body = on_body,
	.ended = on_ended,
	.failed = on_failed,
	.interim = on_interim,
};

static int world_setup(void **state)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(name);
	struct world *w = calloc(1, sizeof(*w));
	struct fault why;
	char text[64];

	w->peer = -1;
	w->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(w->listener, (struct sockaddr *)&name, sizeof(sa_family_t)), 0);
	assert_int_equal(listen(w->listener, 4), 0);
	getsockname(w->listener, (struct sockaddr *)&name, &len);
	snprintf(text, sizeof(text), "unix:@%.5s", name.sun_path + 1);
	assert_int_equal(address_parse(&w->address, text, &why), 0);
	assert_int_equal(loop_init(&w->loop), 0);
	assert_int_equal(http_call_init(&w->call, &w->loop, &w->address, NULL, &handler), 0);
	*state = w;
	return 0;
}

static int world_teardown(void **state)
{
	struct world *w = *state;

	http_call_deinit(&w->call);
	loop_deinit(&w->loop);
	address_deinit(&w->address);
	if (w->peer >= 0)
		close(w->peer);
	close(w->listener);
	free(w);
	return 0;
}

static void world_take(struct world *w)
{
	size_t len = strlen(w->asked);
	int fd = accept4(w->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0) {
		w->dialed++;
		if (w->peer >= 0)
			close(w->peer);
		w->peer = fd;
	}
	if (w->peer < 0)
		return;
	ssize_t n = recv(w->peer, w->asked + len, sizeof(w->asked) - 1 - len, MSG_DONTWAIT);
	w->asked[len + (n > 0 ? (size_t)n : 0)] = '\0';
}

/* The next request has come: its first line begins with LINE, it ends with END. */
static void expect_asked(struct world *w, const char *line, const char *end)
{
	w->asked[0] = '\0';
	while (strlen(w->asked) < strlen(end) ||
		strcmp(w->asked + strlen(w->asked) - strlen(end), end)) {
		loop_turn(&w->loop, false);
		world_take(w);
	}
	assert_memory_equal(w->asked, line, strlen(line));
}

static void answer(struct world *w, const char *text)
{
	assert_int_equal(send(w->peer, text, strlen(text), 0), strlen(text));
}

static void expect_told(struct world *w, const char *text)
{
	while (!strstr(w->told, "ended;") && !strstr(w->told, "failed;") &&
		!strstr(w->told, "stale;"))
		loop_turn(&w->loop, true);
	assert_string_equal(w->told, text);
	w->told[0] = '\0';
}

#define OK "HTTP/1.1 200 OK\r\n"

static void the_connection_is_kept(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 3; i++) {
		ask(w, "/a", "body");
		expect_asked(w, "POST /a HTTP/1.1\r\n", "Content-Length: 4\r\n\r\nbody");
		answer(w, OK "Content-Length: 2\r\n\r\nhi");
		expect_told(w, "head OK;body hi;ended;");
		ask(w, "/b", NULL);
		expect_asked(w, "GET /b HTTP/1.1\r\n", "\r\n\r\n");
		assert_null(strstr(w->asked, "Content-Length"));
		answer(w, OK "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
		expect_told(w, "head OK;ended;");
	}
	assert_int_equal(w->dialed, 1);
}

static void the_next_call_begins_within_ended(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 2; i++) {
		const char *close = i ? OK "Connection: close\r\nContent-Length: 0\r\n\r\n"
				      : OK "Content-Length: 0\r\n\r\n";
		w->again = "/b";
		ask(w, "/a", NULL);
		expect_asked(w, "GET /a ", "\r\n\r\n");
		answer(w, close);
		expect_told(w, "head OK;ended;");
		expect_asked(w, "GET /b ", "\r\n\r\n");
		answer(w, OK "Content-Length: 1\r\n\r\nx");
		expect_told(w, "head OK;body x;ended;");
	}
	assert_int_equal(w->dialed, 2);
}

static void interim_answers_are_told(void **state)
{
	struct world *w = *state;

	ask(w, "/", NULL);
	expect_asked(w, "GET / ", "\r\n\r\n");
	answer(w, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" OK
		  "Content-Length: 0\r\n\r\n");
	expect_told(w, "interim Continue;interim Early Hints;head OK;ended;");
}

/* Each of these leaves a connection that cannot be used again. */
static void a_connection_is_not_kept(void **state)
{
	static const char *const answers[] = {
		OK "Connection: close\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
		OK "Content-Length: 0\r\n\r\nmore",
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		ask(w, "/", NULL);
		expect_asked(w, "GET / ", "\r\n\r\n");
		assert_int_equal(w->dialed, i + 1);
		answer(w, answers[i]);
		expect_told(w, "head OK;ended;");
	}
	ask(w, "/", NULL);
	expect_asked(w, "GET / ", "\r\n\r\n");
	answer(w, OK "\r\nall of it");
	shutdown(w->peer, SHUT_WR);
	expect_told(w, "head OK;body all of it;ended;");
	ask(w, "/", NULL);
	expect_asked(w, "GET / ", "\r\n\r\n");
	assert_int_equal(w->dialed, 5);
}

static void an_answer_before_the_request_has_ended(void **state)
{
	struct world *w = *state;
	struct http_writer head;

	http_call_begin(&w->call, &head, HTTP_POST, bytes_text("/"));
	assert_int_equal(http_call_start(&w->call, &head, HTTP_LENGTH_UNKNOWN, 0), 0);
	assert_int_equal(http_call_write(&w->call, bytes_text("be")), 0);
	expect_asked(w, "POST / ", "\r\n2\r\nbe\r\n");
	answer(w, OK "Content-Length: 0\r\n\r\n");
	expect_told(w, "head OK;ended;");
	assert_int_equal(http_call_write(&w->call, bytes_text("dropped")), 0);
	ask(w, "/", NULL);
	expect_asked(w, "GET / ", "\r\n\r\n");
	assert_int_equal(w->dialed, 2);
}

static void one_that_ended_meanwhile_is_replaced(void **state)
{
	struct world *w = *state;

	ask(w, "/", NULL);
	expect_asked(w, "GET / ", "\r\n\r\n");
	answer(w, OK "Content-Length: 0\r\n\r\n");
	expect_told(w, "head OK;ended;");
	close(w->peer);
	w->peer = -1;
	ask(w, "/", NULL); /* before the end was seen: who may ask again is told so */
	expect_told(w, "stale;");
	ask(w, "/", NULL);
	expect_asked(w, "GET / ", "\r\n\r\n");
	close(w->peer);
	w->peer = -1;
	expect_told(w, "failed;");
	assert_int_equal(w->dialed, 2);
}

static void nothing_comes_after_a_break(void **state)
{
	struct world *w = *state;

	ask(w, "/a", NULL);
	expect_asked(w, "GET /a ", "\r\n\r\n");
	answer(w, OK "Content-Length: 9\r\n\r\nhi");
	while (!strstr(w->told, "hi"))
		loop_turn(&w->loop, true);
	ask(w, "/b", NULL); /* breaks it off */
	w->told[0] = '\0';
	expect_asked(w, "GET /b ", "\r\n\r\n");
	http_call_break(&w->call);
	loop_turn(&w->loop, false);
	assert_string_equal(w->told, "");
	assert_int_equal(w->dialed, 2);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		CASE(the_connection_is_kept),
		CASE(the_next_call_begins_within_ended),
		CASE(interim_answers_are_told),
		CASE(a_connection_is_not_kept),
		CASE(an_answer_before_the_request_has_ended),
		CASE(one_that_ended_meanwhile_is_replaced),
		CASE(nothing_comes_after_a_break),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

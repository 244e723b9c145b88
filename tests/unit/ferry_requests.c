/* Asking and serving as a program does it: by ferry.h and libferry, beside a hub. */

#include "ferry_world.h"

/* ---- tests ---- */

static void on_request_echo(void *data, struct ferry_request *r)
{
	assert_int_equal(strlen(r->body), r->body_len);
	assert_int_equal(strlen(r->id), 32);
	assert_string_equal(r->user, "");
	assert_memory_equal(r->peer, "127.0.0.1:", 10);
	assert_in_range(r->timeout_ms, 1, 30000);
	assert_null(ferry_request_header(r, "No-Such-Field"));
	assert_int_equal(ferry_reply(r, r->body, r->body_len, 7), 0);
}

static void a_request_is_replied_to(void **state)
{
	struct world *w = *state;
	struct ferry_serve_options options = keeps(w);

	options.request = on_request_echo;
	serve(w, &options);
	for (int i = 0; i < 3; i++) {
		ask(w, "up", "hello");
		expect_reply(w, "7 text/plain hello;");
	}
	ask(w, "up", "");
	expect_reply(w, "7 text/plain ;");
}

static void a_reply_comes_later(void **state)
{
	struct world *w = *state;
	struct ferry_serve_options options = keeps(w);

	options.gone = on_gone; /* so the reply begins at once */
	for (int i = 0; i < 2; i++) {
		serve(w, &options);
		ask(w, "up", "hello");
		until(w, w->request);
		assert_int_equal(ferry_reply_write(w->request, "one, ", 5), 0);
		assert_int_equal(ferry_reply_write(w->request, "two", 3), 0);
		assert_int_equal(ferry_reply_end(w->request, 3), 0);
		expect_reply(w, "3 text/plain one, two;");
		ferry_service_free(w->service);
		w->request = NULL;
		options.gone = NULL;
	}
}

static void an_asker_that_leaves_is_told_of(void **state)
{
	struct world *w = *state;
	struct ferry_serve_options options = keeps(w);

	options.gone = on_gone;
	serve(w, &options);
	ask(w, "up", "hello");
	until(w, w->request);
	ferry_ask_cancel(w->asking);
	until(w, w->gone);
	assert_int_equal(ferry_reply(w->request, "x", 1, 0), -EPIPE);
	w->request = NULL;
	ask(w, "up", "again");
	until(w, w->request);
	assert_int_equal(ferry_reply(w->request, "y", 1, 0), 0);
	expect_reply(w, "0 text/plain y;");
}

static void a_dropped_request_fails(void **state)
{
	struct world *w = *state;
	struct ferry_serve_options options = keeps(w);

	serve(w, &options);
	ask(w, "up", "hello");
	until(w, w->request);
	ferry_request_drop(w->request);
	until(w, w->over);
	assert_int_equal(w->error, -EPROTO);
}

static void no_one_answers(void **state)
{
	struct world *w = *state;
	struct ferry_reply reply;

	assert_int_equal(
		ferry_ask(w->asker, w->hub, "up", "", 0, &reply, PATIENCE_MS), -ECONNREFUSED);
	assert_non_null(strstr(ferry_why(w->asker), "no one serves this"));
	assert_int_equal(
		ferry_ask(w->asker, "unix:@ferry-nobody", "up", "", 0, &reply, PATIENCE_MS),
		-ECONNREFUSED);
	assert_int_equal(ferry_ask(w->asker, "a b:c", "up", "", 0, &reply, 0), -EINVAL);
}

static void time_runs_out(void **state)
{
	struct world *w = *state;
	struct ferry_serve_options options = keeps(w);
	struct ferry_reply reply;

	serve(w, &options);
	assert_int_equal(ferry_ask(w->asker, w->hub, "up", "", 0, &reply, 20), -ETIMEDOUT);
}

static void a_service_that_cannot_be(void **state)
{
	struct world *w = *state;
	struct ferry_serve_options options = ferry_serve_options();
	struct ferry_request *r;

	struct ferry_service *s = ferry_serve(w->server, w->hub, "a name", &options);
	assert_int_equal(ferry_take(s, &r, PATIENCE_MS), -EINVAL);
	assert_non_null(strstr(ferry_why(w->server), "a name"));
	s = ferry_serve(w->server, "unix:@ferry-nobody", "up", &options);
	assert_int_equal(ferry_take(s, &r, PATIENCE_MS), -ECONNREFUSED);
	options.workers = 0;
	assert_null(ferry_serve(w->server, w->hub, "up", &options));
}

/* Blocking, on either side: a program of its own asks. */
static void take_and_reply(void **state)
{
	struct world *w = *state;
	struct ferry_serve_options options = ferry_serve_options();
	struct ferry_request *r;
	char text[32];

	struct ferry_service *s = ferry_serve(w->server, w->hub, "up", &options);
	assert_int_equal(ferry_take(s, &r, 0), -ETIMEDOUT);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct ferry *f = ferry_new();
		struct ferry_reply reply;
		int wrong = 0;
		for (int i = 0; i < 20; i++) {
			int len = snprintf(text, sizeof(text), "hello %d", i);
			int e;
			do /* until it is served */
				e = ferry_ask(
					f, w->hub, "up", text, (size_t)len, &reply, PATIENCE_MS);
			while (e == -ECONNREFUSED && i == 0);
			wrong += e || reply.exit_status != i || strcmp(reply.body, text) != 0;
		}
		ferry_free(f);
		_exit(wrong);
	}
	for (int i = 0; i < 20; i++) {
		if (ferry_take(s, &r, PATIENCE_MS) < 0)
			fail_msg("%s", ferry_why(w->server));
		snprintf(text, sizeof(text), "hello %d", i);
		assert_string_equal(r->body, text);
		assert_int_equal(ferry_reply(r, r->body, r->body_len, i), 0);
	}
	assert_int_equal(ferry_service_finish(s, PATIENCE_MS), 0);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* ---- the end ---- */

enum { ASKERS = 4 };

struct rush {
	int given;
	int replied;
	int lost;
};

static void on_request_rush(void *data, struct ferry_request *r)
{
	((struct rush *)data)->given++;
	assert_int_equal(ferry_reply(r, "", 0, 0), 0);
}

static void on_rush_done(void *data, int error, const struct ferry_reply *r)
{
	struct rush *rush = data;

	rush->replied += !error;
	rush->lost += error != 0;
}

/* Others wait when a service ends: what it was given it replies to, the rest is the next one's. */
static void no_request_is_lost_at_the_end(void **state)
{
	struct world *w = *state;
	struct ferry_serve_options options = keeps(w);
	struct ferry_ask_options asks = ferry_ask_options();
	struct rush rush = {0};

	options.request = on_request_rush;
	options.data = &rush;
	asks.done = on_rush_done;
	asks.data = &rush;
	serve(w, &options);
	rush.given = 0;
	for (int i = 0; i < ASKERS; i++)
		assert_non_null(ferry_ask_start(w->asker, w->hub, "up", "", 0, &asks));
	until(w, rush.given);
	assert_int_equal(ferry_service_finish(w->service, PATIENCE_MS), 0);
	ferry_service_free(w->service);
	serve(w, &options);
	until(w, rush.replied + rush.lost == ASKERS);
	assert_int_equal(rush.lost, 0);
}

static void a_service_ends_while_it_waits(void **state)
{
	struct world *w = *state;
	struct ferry_serve_options options = keeps(w);

	options.request = on_request_echo;
	for (int i = 0; i < 2; i++) {
		serve(w, &options);
		for (int asked = 0; asked < i; asked++) {
			ask(w, "up", "hello");
			expect_reply(w, "7 text/plain hello;");
		}
		assert_int_equal(ferry_service_finish(w->service, PATIENCE_MS), 0);
		ferry_service_free(w->service);
	}
}

/* ---- a hub that lets in few ---- */

static void on_request_user(void *data, struct ferry_request *r)
{
	assert_int_equal(ferry_reply(r, r->user, strlen(r->user), 0), 0);
}

static void a_token_is_shown(void **state)
{
	struct world *w = *state;
	struct ferry_serve_options options = keeps(w);
	struct ferry_reply reply;
	char path[] = "/tmp/ferry-test-XXXXXX", option[64];
	struct ferry_trust_options trust = ferry_trust_options();

	hub_stop(w);
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	trust.token = "0123456789abcdef0123456789abcdef";
	dprintf(fd, "anna %s ask,serve\n", trust.token);
	close(fd);
	snprintf(option, sizeof(option), "--token-file=%s", path);
	hub_start(w, "tcp4:127.0.0.1:0", option);
	unlink(path);
	options.request = on_request_user;
	assert_int_equal(ferry_ask(w->asker, w->hub, "up", "", 0, &reply, PATIENCE_MS), -EACCES);
	assert_int_equal(ferry_trust(w->server, &trust), 0);
	struct ferry *known = ferry_new();
	struct ferry *unknown = w->asker;
	assert_int_equal(ferry_trust(known, &trust), 0);
	assert_int_equal(ferry_trust(known, &trust), -EBUSY);
	w->asker = known;
	serve(w, &options);
	ask(w, "up", "who am I?");
	expect_reply(w, "0 text/plain anna;");
	w->asker = unknown;
	ferry_free(known);
}

/* ---- streams ---- */

static void on_piece_back(void *data, struct ferry_request *r, const void *bytes, size_t len)
{
	struct world *w = data;

	w->got += len;
	if (!len)
		assert_int_equal(ferry_reply_end(r, 1), 0);
	else if (ferry_reply_write(r, bytes, len) > 0)
		ferry_request_pause(r);
}

static void on_back_writable(void *data, struct ferry_request *r)
{
	ferry_request_resume(r);
}

static void on_piece(void *data, const void *bytes, size_t len)
{
	((struct world *)data)->sent += len;
}

static void on_begun(void *data, const struct ferry_reply *r)
{
	tell(data, r->type);
}

static void write_on(void *data)
{
	static const char block[64 * 1024];
	struct world *w = data;

	while (w->asking && w->got < LARGE) {
		w->got += sizeof(block);
		if (ferry_ask_write(w->asking, block, sizeof(block)) > 0)
			break;
	}
	if (w->asking && w->got == LARGE) {
		w->got++;
		ferry_ask_end(w->asking);
	}
}

static void bodies_stream(void **state)
{
	struct world *w = *state, server = {0};
	struct ferry_serve_options options = keeps(w);
	struct ferry_ask_options asks = ferry_ask_options();

	options.piece = on_piece_back;
	options.writable = on_back_writable;
	options.data = &server;
	w->service = ferry_serve(w->server, w->hub, "up", &options);
	asks.streamed = 1;
	asks.begun = on_begun;
	asks.piece = on_piece;
	asks.writable = write_on;
	asks.done = on_done;
	asks.data = w;
	do { /* until it is served */
		w->over = false;
		w->sent = w->got = 0;
		w->asking = ferry_ask_start(w->asker, w->hub, "up", NULL, 0, &asks);
		until(w, w->over);
	} while (w->error == -ECONNREFUSED);
	if (w->error)
		fail_msg("%s", ferry_why(w->asker));
	assert_int_equal(server.got, LARGE);
	assert_int_equal(w->sent, LARGE);
	assert_string_equal(w->told, "text/plain;1 text/plain ;");
}

static void a_request_that_is_too_large(void **state)
{
	struct world *w = *state;
	struct ferry_serve_options options = keeps(w);

	options.max_body = 20;
	serve(w, &options);
	ask(w, "up", "a request of 24 bytes ...");
	until(w, w->over);
	assert_null(w->request);
	assert_non_null(strstr(w->told, "1 text/plain the request is too large"));
}

/* ---- the hub goes and comes ---- */

static void on_hub(void *data, int error)
{
	tell(data, error ? "away" : "there");
}

static void a_hub_that_goes_is_found_again(void **state)
{
	struct world *w = *state;
	struct ferry_serve_options options = keeps(w);
	char address[64];

	options.request = on_request_echo;
	options.hub = on_hub;
	options.workers = 3;
	serve(w, &options);
	memcpy(address, w->hub, sizeof(address));
	hub_stop(w);
	until(w, strstr(w->told, "away;"));
	hub_start(w, address, NULL);
	until(w, strstr(w->told, "there;"));
	assert_string_equal(w->told, "away;there;");
	do {
		ask(w, "up", "hello");
		until(w, w->over);
	} while (w->error);
	assert_string_equal(w->told, "7 text/plain hello;");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_request_is_replied_to),
		CASE(a_reply_comes_later),
		CASE(an_asker_that_leaves_is_told_of),
		CASE(a_dropped_request_fails),
		CASE(no_one_answers),
		CASE(time_runs_out),
		CASE(a_service_that_cannot_be),
		CASE(take_and_reply),
		CASE(no_request_is_lost_at_the_end),
		CASE(a_service_ends_while_it_waits),
		CASE(a_token_is_shown),
		CASE(bodies_stream),
		CASE(a_request_that_is_too_large),
		CASE(a_hub_that_goes_is_found_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

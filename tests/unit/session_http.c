/* Sessions that only publish, over HTTP; the test is the hub. */

#include "net/trust.h"
#include "scripted_hub.h"

static void hub_answer(struct hub *h, const char *status, const char *fields, const char *body)
{
	char answer[512];

	int len = snprintf(answer, sizeof(answer), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n%s",
		status, strlen(body), fields, body);
	hub_write(h, answer, (size_t)len);
}

#define JSON	"Content-Type: application/json\r\n"
#define PROBLEM "Content-Type: application/problem+json\r\n"

static void hub_greet(struct hub *h)
{
	static const char greeting[] = "HTTP/1.1 204 No Content\r\nAllow: GET, POST\r\n\r\n";
	struct http_request request;

	hub_accept(h, &request);
	assert_int_equal(request.method, HTTP_OPTIONS);
	buffer_consume(&h->in, request.len);
	hub_write(h, greeting, strlen(greeting));
}

static struct hub *hub_new(struct session_options options)
{
	struct hub *h = hub_start(options);

	hub_greet(h);
	told_until(h->told, h->told->opened);
	return h;
}

/* A batch comes with these lines; its key, behind the client's token, is put into KEY. */
static void hub_expect(struct hub *h, const char *lines, char key[64])
{
	struct http_request request;

	hub_next(h, &request);
	assert_int_equal(request.method, HTTP_POST);
	assert_int_equal(request.content_length, strlen(lines));
	struct bytes full = http_fields_get_only(&request.fields, "Idempotency-Key");
	assert_in_range(full.len, 34, 63);
	memcpy(key, full.data, full.len);
	key[full.len] = '\0';
	buffer_consume(&h->in, request.len);
	while (buffer_len(&h->in) < strlen(lines))
		hub_read(h);
	assert_memory_equal(h->in.data + h->in.start, lines, strlen(lines));
	buffer_consume(&h->in, strlen(lines));
}

static void a_turn_is_a_batch(void **state)
{
	struct hub *h = hub_new((struct session_options){.name = "anna"});
	char key[64];

	told_publish(h->told, "one");
	told_publish(h->told, "t\"o");
	told_publish(h->told, "\xff");
	hub_expect(h, "{\"text\":\"one\"}\n{\"text\":\"t\\\"o\"}\n{\"base64\":\"/w==\"}\n", key);
	assert_true(hub_was_asked(h, "name", "anna"));
	assert_string_equal(key + 32, "-1");
	hub_answer(h, "200 OK", JSON, "{\"id\":9,\"count\":3}");
	told_until_text(h->told, settled, "0:0;0:0;0:9;");
	told_publish(h->told, "alone");
	hub_expect(h, "{\"text\":\"alone\"}\n", key);
	assert_string_equal(key + 32, "-4");
	hub_answer(h, "200 OK", JSON, "{\"id\":10,\"count\":1}");
	told_until_text(h->told, settled, "0:0;0:0;0:9;0:10;");
	hub_free(h);
}

static void some_batches_are_under_way_at_a_time(void **state)
{
	struct hub *h = hub_new((struct session_options){0});
	char key[64], text[2];

	for (char c = 'a'; c < 'g'; c++) {
		snprintf(text, sizeof(text), "%c", c);
		told_publish(h->told, text);
		loop_turn(&h->told->loop, false);
	}
	hub_expect(h, "{\"text\":\"a\"}\n", key);
	hub_expect(h, "{\"text\":\"b\"}\n", key);
	hub_expect(h, "{\"text\":\"c\"}\n", key);
	hub_expect(h, "{\"text\":\"d\"}\n", key);
	loop_turn(&h->told->loop, false);
	assert_int_equal(recv(h->peer, text, 1, MSG_DONTWAIT), -1); /* no more yet */
	hub_answer(h, "200 OK", JSON, "{\"id\":1}");
	hub_expect(h, "{\"text\":\"e\"}\n{\"text\":\"f\"}\n", key);
	assert_string_equal(key + 32, "-5");
	hub_free(h);
}

static void a_batch_is_repeated_as_it_was(void **state)
{
	struct hub *h = hub_new((struct session_options){.reconnect = true});
	char first[64], again[64];

	told_publish(h->told, "a");
	told_publish(h->told, "b");
	hub_expect(h, "{\"text\":\"a\"}\n{\"text\":\"b\"}\n", first);
	told_publish(h->told, "c");
	hub_expect(h, "{\"text\":\"c\"}\n", again);
	told_publish(h->told, "d");
	hub_drop(h);
	hub_greet(h);
	hub_expect(h, "{\"text\":\"a\"}\n{\"text\":\"b\"}\n", again);
	assert_string_equal(again, first);
	hub_answer(h, "200 OK", JSON, "{\"id\":2}");
	hub_expect(h, "{\"text\":\"c\"}\n", again);
	hub_expect(h, "{\"text\":\"d\"}\n", again);
	hub_answer(h, "200 OK", JSON, "{\"id\":3}");
	hub_answer(h, "200 OK", JSON, "{\"id\":4}");
	told_until_text(h->told, settled, "0:0;0:2;0:3;0:4;");
	hub_free(h);
}

static void a_busy_hub_is_asked_again(void **state)
{
	struct hub *h = hub_new((struct session_options){.reconnect = true});
	char first[64], again[64];

	told_publish(h->told, "a");
	hub_expect(h, "{\"text\":\"a\"}\n", first);
	hub_answer(h, "503 Service Unavailable", PROBLEM, "{\"detail\":\"no room now\"}");
	told_until(h->told, h->told->lost);
	assert_non_null(strstr(h->told->why.text, "no room now"));
	hub_greet(h);
	hub_expect(h, "{\"text\":\"a\"}\n", again);
	assert_string_equal(again, first);
	hub_free(h);
}

static void a_hub_that_stays_busy_is_asked_less_often(void **state)
{
	struct hub *h = hub_new((struct session_options){.reconnect = true});
	char key[64];

	told_publish(h->told, "a");
	for (int i = 1; i <= 3; i++) {
		hub_expect(h, "{\"text\":\"a\"}\n", key);
		hub_answer(h, "503 Service Unavailable", PROBLEM, "{\"detail\":\"broken\"}");
		told_until(h->told, h->told->lost == i);
		assert_in_range(h->told->retry_ms, 125 << (i - 1), 250 << (i - 1));
		hub_greet(h);
	}
	hub_expect(h, "{\"text\":\"a\"}\n", key);
	hub_answer(h, "200 OK", JSON, "{\"id\":1}");
	told_until_text(h->told, settled, "0:1;");
	hub_drop(h);
	told_until(h->told, h->told->lost == 4);
	assert_in_range(h->told->retry_ms, 125, 250);
	hub_free(h);
}

static void a_refused_batch_does_not_end_it(void **state)
{
	struct hub *h = hub_new((struct session_options){0});
	char key[64];

	told_publish(h->told, "a");
	hub_expect(h, "{\"text\":\"a\"}\n", key);
	hub_answer(h, "413 Content Too Large", PROBLEM, "{\"detail\":\"too large\"}");
	told_until(h->told, buffer_len(&h->told->settled));
	assert_non_null(strstr(h->told->why.text, "too large"));
	told_publish(h->told, "b");
	hub_expect(h, "{\"text\":\"b\"}\n", key);
	hub_answer(h, "200 OK", JSON, "{\"id\":1}");
	told_until_text(h->told, settled, "-90:0;0:1;");
	hub_free(h);
}

static void ends_when_all_is_stored(void **state)
{
	struct hub *h = hub_new((struct session_options){0});
	char key[64];

	told_publish(h->told, "a");
	session_finish(h->told->session);
	hub_expect(h, "{\"text\":\"a\"}\n", key);
	assert_int_equal(h->told->closed, 0);
	hub_answer(h, "200 OK", JSON, "{\"id\":1}");
	told_until(h->told, h->told->closed);
	assert_int_equal(h->told->why.error, 0);
	assert_true(is_text(&h->told->settled, "0:1;"));
	hub_free(h);
}

static void an_unasked_answer_is_a_broken_protocol(void **state)
{
	struct hub *h = hub_new((struct session_options){.reconnect = true});

	hub_answer(h, "200 OK", JSON, "{\"id\":1}");
	told_until(h->told, h->told->closed);
	assert_int_equal(h->told->why.error, -EPROTO);
	hub_free(h);
}

static void what_takes_no_post_is_no_hub(void **state)
{
	struct hub *h = hub_start((struct session_options){.reconnect = true});
	struct http_request request;

	hub_accept(h, &request);
	hub_answer(h, "200 OK", "Allow: GET\r\n", "");
	told_until(h->told, h->told->closed);
	assert_int_equal(h->told->why.error, -EPROTO);
	assert_non_null(strstr(h->told->why.text, "--wire plain"));
	hub_free(h);
}

static void the_hub_is_shown_the_token(void **state)
{
	struct trust *trust = trust_new(&(struct trust_options){.token = "t0/k+en="}, NULL);
	struct hub *h = hub_start((struct session_options){.trust = trust});
	struct http_request request;

	hub_accept(h, &request);
	struct bytes shown = http_fields_get_only(&request.fields, "Authorization");
	assert_true(bytes_equal(shown, BYTES_LITERAL("Bearer t0/k+en=")));
	hub_answer(h, "401 Unauthorized", PROBLEM, "{\"detail\":\"none of mine\"}");
	told_until(h->told, h->told->closed);
	assert_int_equal(h->told->why.error, -EACCES);
	assert_non_null(strstr(h->told->why.text, "none of mine"));
	assert_null(strstr(h->told->why.text, "t0/k"));
	hub_free(h);
	trust_free(trust);
}

static void what_may_not_write_ends(void **state)
{
	struct hub *h = hub_new((struct session_options){.reconnect = true});
	char key[64];

	told_publish(h->told, "a");
	hub_expect(h, "{\"text\":\"a\"}\n", key);
	hub_answer(h, "403 Forbidden", PROBLEM, "{\"detail\":\"you may not write\"}");
	told_until(h->told, h->told->closed);
	assert_int_equal(h->told->why.error, -EACCES);
	hub_free(h);
}

static void a_token_is_one_word(void **state)
{
	static const char *const wrong[] = {"two words", "line\n", "\r\nX: y", "\x7f", "\xc3\xa4"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct fault why = FAULT_NULL;
		assert_null(trust_new(&(struct trust_options){.token = wrong[i]}, &why));
		assert_int_equal(why.error, -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_turn_is_a_batch),
		cmocka_unit_test(some_batches_are_under_way_at_a_time),
		cmocka_unit_test(a_batch_is_repeated_as_it_was),
		cmocka_unit_test(a_busy_hub_is_asked_again),
		cmocka_unit_test(a_hub_that_stays_busy_is_asked_less_often),
		cmocka_unit_test(a_refused_batch_does_not_end_it),
		cmocka_unit_test(ends_when_all_is_stored),
		cmocka_unit_test(an_unasked_answer_is_a_broken_protocol),
		cmocka_unit_test(what_takes_no_post_is_no_hub),
		cmocka_unit_test(the_hub_is_shown_the_token),
		cmocka_unit_test(what_may_not_write_ends),
		cmocka_unit_test(a_token_is_one_word),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

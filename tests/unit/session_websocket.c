/* Sessions that follow, over WebSocket; the test is the hub, and says what a hub would. */

#include "scripted_hub.h"

#include <errno.h>

static void hub_shake_hands(struct hub *h, const char *fields)
{
	struct http_request request;
	char accept[HANDSHAKE_ACCEPT_LEN], head[512];

	hub_accept(h, &request);
	assert_int_equal(handshake_check(&request).status, 0);
	assert_int_equal(handshake_accept(handshake_key(&request), accept), 0);
	buffer_consume(&h->in, request.len);
	int len = snprintf(head, sizeof(head),
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Accept: %.*s\r\n%s\r\n",
		HANDSHAKE_ACCEPT_LEN, accept, fields);
	hub_write(h, head, (size_t)len);
	websocket_deinit(&h->frames);
	websocket_init(&h->frames, WEBSOCKET_SERVER);
}

static void hub_say(struct hub *h, const char *text)
{
	uint8_t frame[512];

	hub_write(h, frame, websocket_frame(frame, WEBSOCKET_OPCODE_TEXT, bytes_text(text), NULL));
}

static void hub_close(struct hub *h, uint16_t code, const char *reason)
{
	uint8_t frame[WEBSOCKET_CONTROL_MAX];

	hub_write(h, frame, websocket_close(frame, code, bytes_text(reason), NULL));
}

/* The next frame of the client is a message with this body, or an event with this payload. */
static void hub_expect(struct hub *h, int what, const char *payload)
{
	struct websocket_event event;
	struct bytes in;
	int r;

	for (;;) {
		in = buffer_bytes(&h->in);
		size_t before = in.len;
		r = websocket_next(&h->frames, &in, 1 << 20, &event);
		if (r)
			assert_int_equal(r, what);
		if (r && payload)
			assert_true(bytes_equal(event.payload, bytes_text(payload)));
		buffer_consume(&h->in, before - in.len);
		if (r)
			return;
		hub_read(h);
	}
}

static struct hub *hub_new(struct session_options options, const char *fields)
{
	options.follow = true;
	struct hub *h = hub_start(options);
	hub_shake_hands(h, fields);
	told_until(h->told, h->told->opened);
	return h;
}

static void asks_for_what_the_options_say(void **state)
{
	struct hub *h = hub_new(
		(struct session_options){.topic = "t", .name = "anna b", .since = "all"}, "");

	assert_true(hub_was_asked(h, "format", "json"));
	assert_true(hub_was_asked(h, "name", "anna b"));
	assert_true(hub_was_asked(h, "since", "all"));
	assert_true(hub_was_asked(h, "first", "1"));
	hub_free(h);
}

static void messages_and_receipts(void **state)
{
	struct hub *h = hub_new((struct session_options){0}, "");

	told_publish(h->told, "one");
	told_publish(h->told, "t\xffo");
	hub_expect(h, WEBSOCKET_MESSAGE, "one");
	hub_expect(h, WEBSOCKET_MESSAGE, "t\xffo");
	hub_say(h, "{\"id\":6,\"from\":\"anna\",\"text\":\"hi\"}");
	hub_say(h, "{\"stored\":1,\"id\":7}");
	hub_say(h, "{\"refused\":2,\"status\":507}");
	hub_say(h, "{\"id\":8,\"from\":\"b\",\"base64\":\"AP8=\"}");
	hub_say(h, "{\"skipped\":3}");
	told_until(h->told, h->told->skipped == 3);
	assert_true(
		bytes_equal(buffer_bytes(&h->told->messages), BYTES_LITERAL("anna|hi;b|\0\xff;")));
	assert_true(is_text(&h->told->settled, "0:7;-28:0;"));
	assert_int_equal(session_unsettled(h->told->session), 0);
	hub_free(h);
}

static void a_ping_is_answered(void **state)
{
	struct hub *h = hub_new((struct session_options){0}, "");
	uint8_t frame[32];

	hub_write(h, frame,
		websocket_frame(frame, WEBSOCKET_OPCODE_PING, bytes_text("there?"), NULL));
	hub_expect(h, WEBSOCKET_PONG, "there?");
	hub_free(h);
}

static void goes_on_behind_the_last_message(void **state)
{
	struct hub *h = hub_new((struct session_options){.reconnect = true}, "");

	hub_say(h, "{\"id\":41,\"from\":\"a\",\"text\":\"1\"}");
	hub_say(h, "{\"id\":42,\"from\":\"a\",\"text\":\"2\"}");
	told_until_text(h->told, messages, "a|1;a|2;");
	hub_drop(h);
	told_until(h->told, h->told->lost);
	hub_shake_hands(h, "Ferry-Last-Id: 43\r\n");
	assert_true(hub_was_asked(h, "since", "42"));
	hub_say(h, "{\"id\":42,\"from\":\"a\",\"text\":\"2\"}"); /* a hub that counts otherwise */
	hub_say(h, "{\"id\":43,\"from\":\"a\",\"text\":\"3\"}");
	told_until_text(h->told, messages, "a|1;a|2;a|3;");
	assert_int_equal(h->told->opened, 2);
	hub_free(h);
}

static void goes_on_where_now_was(void **state)
{
	struct hub *h =
		hub_new((struct session_options){.reconnect = true}, "Ferry-Last-Id: 17\r\n");

	assert_true(hub_was_asked(h, "since", NULL));
	hub_drop(h);
	hub_shake_hands(h, "Ferry-Last-Id: 19\r\n");
	assert_true(hub_was_asked(h, "since", "17"));
	hub_free(h);
}

static void a_span_of_time_grows_with_the_session(void **state)
{
	struct hub *h = hub_new((struct session_options){.reconnect = true, .since = "10m"}, "");
	char text[32];
	struct bytes found;

	hub_drop(h);
	hub_shake_hands(h, "");
	assert_int_equal(
		uri_query_get(buffer_bytes(&h->query), "since", text, sizeof(text) - 1, &found), 0);
	text[found.len] = '\0';
	assert_true(strtoull(text, NULL, 10) >= 10 * 60 * 1000 + 100); /* the least back-off */
	assert_non_null(strstr(text, "ms"));
	hub_free(h);
}

static void a_hub_with_another_store_is_heard(void **state)
{
	struct hub *h = hub_new((struct session_options){.reconnect = true}, "");

	hub_say(h, "{\"id\":1000,\"from\":\"a\",\"text\":\"old\"}");
	told_until_text(h->told, messages, "a|old;");
	hub_drop(h);
	hub_shake_hands(h, "Ferry-Last-Id: 2\r\n");
	hub_say(h, "{\"id\":1,\"from\":\"a\",\"text\":\"new\"}");
	told_until_text(h->told, messages, "a|old;a|new;");
	hub_free(h);
}

static void what_had_no_receipt_is_sent_again(void **state)
{
	struct hub *h = hub_new((struct session_options){.reconnect = true}, "");
	char token[64];
	struct bytes found;

	assert_int_equal(
		uri_query_get(buffer_bytes(&h->query), "client", token, sizeof(token), &found), 0);
	token[found.len] = '\0';
	told_publish(h->told, "one");
	told_publish(h->told, "two");
	told_publish(h->told, "three");
	hub_expect(h, WEBSOCKET_MESSAGE, "one");
	hub_say(h, "{\"stored\":1,\"id\":7}");
	told_until_text(h->told, settled, "0:7;");
	hub_drop(h);
	hub_shake_hands(h, "");
	assert_true(hub_was_asked(h, "client", token));
	assert_true(hub_was_asked(h, "first", "2"));
	hub_expect(h, WEBSOCKET_MESSAGE, "two");
	hub_expect(h, WEBSOCKET_MESSAGE, "three");
	hub_say(h, "{\"stored\":2,\"id\":8}");
	hub_say(h, "{\"stored\":3,\"id\":9}");
	told_until_text(h->told, settled, "0:7;0:8;0:9;");
	hub_free(h);
}

static void one_receipt_may_be_for_several(void **state)
{
	struct hub *h = hub_new((struct session_options){0}, "");

	for (int i = 0; i < 5; i++)
		told_publish(h->told, "x");
	for (int i = 0; i < 5; i++)
		hub_expect(h, WEBSOCKET_MESSAGE, "x");
	hub_say(h, "{\"stored\":1,\"id\":10}");
	hub_say(h, "{\"stored\":4,\"id\":22,\"count\":3}");
	hub_say(h, "{\"stored\":4,\"id\":22,\"count\":3}"); /* said before */
	hub_say(h, "{\"stored\":5,\"id\":30}");
	told_until_text(h->told, settled, "0:10;0:20;0:21;0:22;0:30;");
	hub_free(h);
}

static void a_missing_receipt_is_not_made_up(void **state)
{
	struct hub *h = hub_new((struct session_options){0}, "");

	told_publish(h->told, "one");
	told_publish(h->told, "two");
	hub_expect(h, WEBSOCKET_MESSAGE, "one");
	hub_expect(h, WEBSOCKET_MESSAGE, "two");
	hub_say(h, "{\"stored\":2,\"id\":10}");
	told_until(h->told, h->told->closed);
	assert_int_equal(h->told->why.error, -EPROTO);
	assert_true(is_text(&h->told->settled, "-71:0;-71:0;"));
	hub_free(h);
}

static void the_message_that_is_too_large_is_found(void **state)
{
	struct hub *h = hub_new((struct session_options){.reconnect = true}, "");

	told_publish(h->told, "one");
	told_publish(h->told, "large");
	told_publish(h->told, "three");
	hub_expect(h, WEBSOCKET_MESSAGE, "one");
	hub_close(h, WEBSOCKET_CODE_TOO_BIG, "");
	hub_expect(h, WEBSOCKET_MESSAGE, "large");
	hub_shake_hands(h, "");
	hub_expect(h, WEBSOCKET_MESSAGE, "one");
	hub_say(h, "{\"stored\":1,\"id\":1}");
	hub_expect(h, WEBSOCKET_MESSAGE, "large");
	hub_close(h, WEBSOCKET_CODE_TOO_BIG, "");
	hub_shake_hands(h, "");
	assert_true(hub_was_asked(h, "first", "3"));
	hub_expect(h, WEBSOCKET_MESSAGE, "three");
	hub_say(h, "{\"stored\":3,\"id\":2}");
	told_until_text(h->told, settled, "0:1;-90:0;0:2;");
	hub_free(h);
}

static void says_goodbye_when_all_is_stored(void **state)
{
	struct hub *h = hub_new((struct session_options){.reconnect = true}, "");

	told_publish(h->told, "last");
	session_finish(h->told->session);
	hub_expect(h, WEBSOCKET_MESSAGE, "last");
	loop_turn(&h->told->loop, false);
	assert_int_equal(buffer_len(&h->in), 0); /* not before the receipt */
	hub_say(h, "{\"stored\":1,\"id\":7}");
	hub_expect(h, WEBSOCKET_CLOSE, NULL);
	hub_close(h, WEBSOCKET_CODE_NORMAL, "");
	told_until(h->told, h->told->closed);
	assert_int_equal(h->told->why.error, 0);
	hub_free(h);
}

static void without_reconnect_the_end_is_the_end(void **state)
{
	struct hub *h = hub_new((struct session_options){0}, "");

	told_publish(h->told, "lost");
	hub_expect(h, WEBSOCKET_MESSAGE, "lost");
	hub_close(h, WEBSOCKET_CODE_GOING_AWAY, "the hub stops");
	told_until(h->told, h->told->closed);
	assert_int_equal(h->told->why.error, -ECONNRESET);
	assert_non_null(strstr(h->told->why.text, "the hub stops"));
	assert_true(is_text(&h->told->settled, "-104:0;"));
	hub_free(h);
}

/* What answers otherwise than a hub; all of it names the way out. */
static const struct {
	const char *answer;
	int error;
	const char *text;
} strangers[] = {
	{"220 mail.example ESMTP\r\n", -EPROTO, "--wire plain"},
	{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", -EPROTO, "--wire plain"},
	{"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", -EPROTO, "--wire plain"},
	{"HTTP/1.0 404 Not Found\r\n\r\n<h1>no</h1>", -EPROTO, "--wire plain"},
	{"", -ECONNRESET, "--wire plain"},
	{"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	 "Sec-WebSocket-Accept: c3VyZWx5IG5vdCB0aGUgcmlnaHQ=\r\n\r\n",
		-EPROTO, ""},
	{"HTTP/1.1 403 Forbidden\r\nContent-Type: application/problem+json\r\n"
	 "Content-Length: 25\r\n\r\n{\"detail\":\"not you here\"}",
		-EACCES, "the hub says: not you here"},
	{"HTTP/1.1 503 Busy\r\nContent-Type: application/problem+json\r\n"
	 "Content-Length: 21\r\n\r\n{\"detail\":\"too busy\"}",
		-EAGAIN, "the hub says: too busy"},
};

static void strangers_are_told_from_hubs(void **state)
{
	for (size_t i = 0; i < sizeof(strangers) / sizeof(*strangers); i++) {
		struct hub *h =
			hub_start((struct session_options){.follow = true, .reconnect = true});
		struct http_request request;
		hub_accept(h, &request);
		hub_write(h, strangers[i].answer, strlen(strangers[i].answer));
		shutdown(h->peer, SHUT_WR);
		told_until(h->told, h->told->closed);
		if (h->told->why.error != strangers[i].error ||
			!strstr(h->told->why.text, strangers[i].text))
			fail_msg("%s: gave %d, %s", strangers[i].answer, h->told->why.error,
				h->told->why.text);
		hub_free(h);
	}
}

static void who_does_not_answer_runs_out_of_time(void **state)
{
	struct hub h;
	struct http_request request;

	hub_listen(&h);
	h.told = told_new(
		&(struct session_options){.address = h.address, .follow = true, .timeout_ms = 50});
	hub_accept(&h, &request);
	told_until(h.told, h.told->closed);
	assert_int_equal(h.told->why.error, -ETIMEDOUT);
	assert_non_null(strstr(h.told->why.text, "--wire plain"));
	told_free(h.told);
	close(h.peer);
	close(h.listener);
	buffer_deinit(&h.in);
	buffer_deinit(&h.query);
}

static void what_is_no_message_ends_it(void **state)
{
	struct hub *h = hub_new((struct session_options){.reconnect = true}, "");

	hub_say(h, "hi");
	told_until(h->told, h->told->closed);
	assert_int_equal(h->told->why.error, -EBADMSG);
	hub_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_for_what_the_options_say),
		cmocka_unit_test(messages_and_receipts),
		cmocka_unit_test(a_ping_is_answered),
		cmocka_unit_test(goes_on_behind_the_last_message),
		cmocka_unit_test(goes_on_where_now_was),
		cmocka_unit_test(a_span_of_time_grows_with_the_session),
		cmocka_unit_test(a_hub_with_another_store_is_heard),
		cmocka_unit_test(what_had_no_receipt_is_sent_again),
		cmocka_unit_test(one_receipt_may_be_for_several),
		cmocka_unit_test(a_missing_receipt_is_not_made_up),
		cmocka_unit_test(the_message_that_is_too_large_is_found),
		cmocka_unit_test(says_goodbye_when_all_is_stored),
		cmocka_unit_test(without_reconnect_the_end_is_the_end),
		cmocka_unit_test(strangers_are_told_from_hubs),
		cmocka_unit_test(who_does_not_answer_runs_out_of_time),
		cmocka_unit_test(what_is_no_message_ends_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

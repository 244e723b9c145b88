#include "wire/handshake.h"

#include <errno.h>

#include "test.h"

/* The example of RFC 6455 section 1.3. */
#define KEY    "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

#define UPGRADE	   "Upgrade: websocket\r\n"
#define CONNECTION "Connection: Upgrade\r\n"
#define VERSION	   "Sec-WebSocket-Version: 13\r\n"
#define KEYED	   "Sec-WebSocket-Key: " KEY "\r\n"

static const struct {
	const char *line;
	const char *fields;
	int status; /* -1: no WebSocket is asked for */
} requests[] = {
	{"GET / HTTP/1.1", UPGRADE CONNECTION VERSION KEYED, 0},
	{"GET /topics/lobby?since=7 HTTP/1.1", KEYED VERSION CONNECTION UPGRADE, 0},
	{"GET / HTTP/1.1",
		"upgrade: foo, WebSocket\r\nconnection: keep-alive, upgrade\r\n" VERSION KEYED, 0},
	{"GET / HTTP/1.1", "Upgrade: foo\r\n" UPGRADE CONNECTION VERSION KEYED, 0},
	{"GET / HTTP/1.1",
		UPGRADE CONNECTION VERSION KEYED
		"Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Protocol: a, b\r\n",
		0},

	{"GET / HTTP/1.1", CONNECTION VERSION KEYED, -1},
	{"GET / HTTP/1.1", "Upgrade: h2c\r\n" CONNECTION, -1},
	{"GET / HTTP/1.1", "Upgrade: websockets\r\n" CONNECTION, -1},
	{"POST / HTTP/1.1", UPGRADE CONNECTION VERSION KEYED "Content-Length: 0\r\n", -1},
	{"HEAD / HTTP/1.1", UPGRADE CONNECTION VERSION KEYED, -1},

	{"GET / HTTP/1.0", UPGRADE CONNECTION VERSION KEYED, 400},
	{"GET / HTTP/1.1", UPGRADE VERSION KEYED, 400},
	{"GET / HTTP/1.1", UPGRADE "Connection: keep-alive\r\n" VERSION KEYED, 400},
	{"GET / HTTP/1.1", UPGRADE CONNECTION VERSION KEYED "Content-Length: 7\r\n", 400},
	{"GET / HTTP/1.1", UPGRADE CONNECTION KEYED, 426},
	{"GET / HTTP/1.1", UPGRADE CONNECTION KEYED "Sec-WebSocket-Version: 8\r\n", 426},
	{"GET / HTTP/1.1", UPGRADE CONNECTION KEYED "Sec-WebSocket-Version: 13, 8\r\n", 426},
	{"GET / HTTP/1.1", UPGRADE CONNECTION KEYED VERSION VERSION, 426},
	{"GET / HTTP/1.1", UPGRADE CONNECTION VERSION, 400},
	{"GET / HTTP/1.1", UPGRADE CONNECTION VERSION KEYED KEYED, 400},
	{"GET / HTTP/1.1", UPGRADE CONNECTION VERSION "Sec-WebSocket-Key: short==\r\n", 400},
	{"GET / HTTP/1.1",
		UPGRADE CONNECTION VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZTE=\r\n", 400},
	{"GET / HTTP/1.1",
		UPGRADE CONNECTION VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ-=\r\n", 400},
};

static void judges_requests(void **state)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		struct buffer head = BUFFER_NULL;
		struct http_scan scan = HTTP_SCAN_NULL;
		struct http_request request;

		buffer_print(&head, "%s\r\nHost: localhost\r\n%s\r\n", requests[i].line,
			requests[i].fields);
		assert_int_equal(http_request_parse(&request, &scan, buffer_bytes(&head)), 0);
		bool asked = handshake_is_asked(&request);
		struct http_refusal refusal = handshake_check(&request);
		if (asked != (requests[i].status >= 0) ||
			(asked && refusal.status != requests[i].status))
			fail_msg("%.*s: asked %d, gave %d %s", (int)buffer_len(&head),
				(const char *)head.data, asked, refusal.status,
				refusal.detail ? refusal.detail : "");
		assert_int_equal(!refusal.status, !refusal.detail);
		if (asked && !refusal.status)
			assert_true(bytes_equal(handshake_key(&request), bytes_text(KEY)));
		buffer_deinit(&head);
	}
}

static const struct {
	const char *fields;
	int result;
} answers[] = {
	{UPGRADE CONNECTION "Sec-WebSocket-Accept: " ACCEPT "\r\n", 0},
	{"upgrade: WebSocket\r\nconnection: upgrade\r\nsec-websocket-accept: " ACCEPT "\r\n", 0},
	{CONNECTION "Sec-WebSocket-Accept: " ACCEPT "\r\n", -EPROTO},
	{UPGRADE "Sec-WebSocket-Accept: " ACCEPT "\r\n", -EPROTO},
	{UPGRADE CONNECTION, -EPROTO},
	{UPGRADE CONNECTION "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", -EPROTO},
	{UPGRADE CONNECTION "Sec-WebSocket-Accept: " ACCEPT
			    "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n",
		-EPROTO},
	{UPGRADE CONNECTION "Sec-WebSocket-Accept: " ACCEPT "\r\nSec-WebSocket-Protocol: a\r\n",
		-EPROTO},
};

static void judges_answers(void **state)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		struct buffer head = BUFFER_NULL;
		struct http_scan scan = HTTP_SCAN_NULL;
		struct http_response response;
		struct fault why = FAULT_NULL;

		buffer_print(
			&head, "HTTP/1.1 101 Switching Protocols\r\n%s\r\n", answers[i].fields);
		assert_int_equal(
			http_response_parse(&response, &scan, buffer_bytes(&head), HTTP_GET), 0);
		assert_int_equal(handshake_check_answer(&response, bytes_text(KEY), &why),
			answers[i].result);
		assert_int_equal(why.error, answers[i].result);
		buffer_deinit(&head);
	}
}

static void makes_keys(void **state)
{
	char key[HANDSHAKE_KEY_LEN];
	char accept[HANDSHAKE_ACCEPT_LEN];

	handshake_new_key((const uint8_t *)"the sample nonce", key);
	assert_memory_equal(key, KEY, HANDSHAKE_KEY_LEN);
	assert_int_equal(handshake_accept(bytes_of(key, sizeof(key)), accept), 0);
	assert_memory_equal(accept, ACCEPT, HANDSHAKE_ACCEPT_LEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judges_requests),
		cmocka_unit_test(judges_answers),
		cmocka_unit_test(makes_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

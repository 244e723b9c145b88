#include "ask.h"

#include "../program.h"
#include "connection.h"
#include "pubsub.h"
#include "websocket.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char body[BODY_LEN + 1] =
	"0123456789012345678901234567890123456789012345678901234567890123";

static void open_nothing(int fd, unsigned client)
{
	(void)fd, (void)client;
}

static size_t encode_echo(char *to, unsigned client, const char *argument)
{
	(void)client, (void)argument;
	return (size_t)snprintf(to, REQUEST_MAX, "%s", body);
}

static void open_websocket(int fd, unsigned client)
{
	(void)client;
	websocket_open(fd);
}

static size_t encode_websocket(char *to, unsigned client, const char *argument)
{
	(void)client, (void)argument;
	return websocket_frame(to, WEBSOCKET_PING, body, BODY_LEN);
}

static size_t encode_redis_echo(char *to, unsigned client, const char *argument)
{
	(void)client, (void)argument;
	return (size_t)snprintf(
		to, REQUEST_MAX, "*2\r\n$4\r\nECHO\r\n$%d\r\n%s\r\n", BODY_LEN, body);
}

static size_t encode_redis_publish(char *to, unsigned client, const char *argument)
{
	(void)client, (void)argument;
	return (size_t)snprintf(to, REQUEST_MAX,
		"*3\r\n$7\r\nPUBLISH\r\n$5\r\nlobby\r\n$%d\r\n%s\r\n", BODY_LEN, body);
}

/* Each client subscribes to a subject of its own, and publishes there. */
static void open_nats(int fd, unsigned client)
{
	char text[64];

	connection_receive_until(fd, "\r\n");
	snprintf(text, sizeof(text), "CONNECT {\"verbose\":false}\r\nSUB c%05u 1\r\nPING\r\n",
		client);
	connection_send_text(fd, text);
	connection_receive_until(fd, "PONG\r\n");
}

static size_t encode_nats(char *to, unsigned client, const char *argument)
{
	(void)argument;
	return (size_t)snprintf(to, REQUEST_MAX, "PUB c%05u %d\r\n%s\r\n", client, BODY_LEN, body);
}

static void open_nats_verbose(int fd, unsigned client)
{
	(void)client;
	connection_receive_until(fd, "\r\n");
	connection_send_text(fd, "CONNECT {\"verbose\":true}\r\n");
	connection_receive_until(fd, "+OK\r\n");
}

static size_t encode_nats_publish(char *to, unsigned client, const char *argument)
{
	(void)client, (void)argument;
	return (size_t)snprintf(to, REQUEST_MAX, "PUB lobby %d\r\n%s\r\n", BODY_LEN, body);
}

/* JetStream: the first client makes the stream; an answer is a message to the client's subject. */
static void open_jetstream(int fd, unsigned client)
{
	static const char config[] =
		"{\"name\":\"lobby\",\"subjects\":[\"lobby\"],\"storage\":\"file\"}";
	char text[256];

	open_nats(fd, client);
	if (client)
		return;
	snprintf(text, sizeof(text), "PUB $JS.API.STREAM.CREATE.lobby c00000 %zu\r\n%s\r\n",
		sizeof(config) - 1, config);
	connection_send_text(fd, text);
	connection_receive_until(fd, "\"did_create\":true}\r\n");
}

static size_t encode_jetstream(char *to, unsigned client, const char *argument)
{
	(void)argument;
	return (size_t)snprintf(
		to, REQUEST_MAX, "PUB lobby c%05u %d\r\n%s\r\n", client, BODY_LEN, body);
}

/* A request for whoever answers `up`, which comes to a subject of the client's own. */
static size_t encode_nats_request(char *to, unsigned client, const char *argument)
{
	(void)argument;
	return (size_t)snprintf(
		to, REQUEST_MAX, "PUB up c%05u %d\r\n%s\r\n", client, BODY_LEN, body);
}

/* nng's SP over TCP: eight bytes say which protocol (REQ, REP), then each message is its length in
 * eight bytes, and a request's number in four. */
static void open_nng(int fd, unsigned client)
{
	static const char request[8] = "\0SP\0\0\060\0";
	char reply[8];

	(void)client;
	connection_send(fd, request, sizeof(request));
	connection_receive(fd, reply, sizeof(reply));
}

static size_t encode_nng(char *to, unsigned client, const char *argument)
{
	static const char head[12] = {0, 0, 0, 0, 0, 0, 0, 4 + BODY_LEN, (char)0x80, 0, 0, 1};

	(void)client, (void)argument;
	memcpy(to, head, sizeof(head));
	memcpy(to + sizeof(head), body, BODY_LEN);
	return sizeof(head) + BODY_LEN;
}

static size_t encode_redis_xadd(char *to, unsigned client, const char *argument)
{
	(void)client, (void)argument;
	return (size_t)snprintf(to, REQUEST_MAX,
		"*5\r\n$4\r\nXADD\r\n$5\r\nlobby\r\n$1\r\n*\r\n$1\r\nm\r\n$%d\r\n%s\r\n", BODY_LEN,
		body);
}

static size_t encode_get(char *to, unsigned client, const char *argument)
{
	(void)client;
	return (size_t)snprintf(
		to, REQUEST_MAX, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", argument);
}

static size_t encode_post(char *to, unsigned client, const char *argument)
{
	(void)client;
	return (size_t)snprintf(to, REQUEST_MAX,
		"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", argument,
		BODY_LEN, body);
}

static const struct ask asks[] = {
	{"echo", open_nothing, encode_echo, BODY_LEN, 0},
	{"websocket-ping", open_websocket, encode_websocket, 2 + BODY_LEN, 0},
	{"redis-echo", open_nothing, encode_redis_echo, sizeof("$64\r\n\r\n") - 1 + BODY_LEN, 0},
	{"redis-publish", open_nothing, encode_redis_publish, sizeof(":0\r\n") - 1, 0},
	{"redis-xadd", open_nothing, encode_redis_xadd, 0, 2},
	{"nats-echo", open_nats, encode_nats, sizeof("MSG c00000 1 64\r\n\r\n") - 1 + BODY_LEN, 0},
	{"nats-publish", open_nats_verbose, encode_nats_publish, sizeof("+OK\r\n") - 1, 0},
	{"nats-request", open_nats, encode_nats_request,
		sizeof("MSG c00000 1 64\r\n\r\n") - 1 + BODY_LEN, 0},
	{"nng", open_nng, encode_nng, 12 + BODY_LEN, 0},
	{"jetstream", open_jetstream, encode_jetstream, 0, 2},
	{"http-get", open_nothing, encode_get, 0, 0},
	{"http-post", open_nothing, encode_post, 0, 0},
};

const struct ask *ask_find(const char *name, const char **argument)
{
	size_t len = strcspn(name, ":");

	*argument = name[len] ? name + len + 1 : "";
	for (size_t i = 0; i < sizeof(asks) / sizeof(*asks); i++)
		if (strlen(asks[i].name) == len && !memcmp(asks[i].name, name, len))
			return &asks[i];
	die_because("%s: no such protocol", name);
}

/* Reads on to the end of a response head, and leaves the body's length in s->left. How many bytes
 * of DATA belong to the head; *complete when it is whole. */
static size_t head_read(struct answers *s, const char *data, size_t len, bool *complete)
{
	size_t room = sizeof(s->head) - 1 - s->head_len, before = s->head_len;
	size_t n = len < room ? len : room;

	memcpy(s->head + s->head_len, data, n);
	s->head_len += n;
	s->head[s->head_len] = '\0';
	const char *end = strstr(s->head, "\r\n\r\n");
	*complete = end;
	if (!end) {
		if (n == room)
			die_because("a response head without end");
		return n;
	}
	static const char field[] = "\r\nContent-Length:";
	const char *length = strcasestr(s->head, field);
	if (strncmp(s->head, "HTTP/1.1 2", 10) != 0 || !length || length > end)
		die_because("unexpected response: %.200s", s->head);
	s->left = strtoul(length + sizeof(field) - 1, NULL, 10);
	s->head_len = 0;
	return (size_t)(end + 4 - s->head) - before;
}

static size_t count_sized(size_t size, struct answers *s, size_t len)
{
	size_t answers = 0;

	while (len) {
		if (!s->left)
			s->left = size;
		size_t n = s->left < len ? s->left : len;
		s->left -= n;
		len -= n;
		answers += !s->left;
	}
	return answers;
}

static size_t count_lines(size_t lines, struct answers *s, const char *data, size_t len)
{
	const char *end = data + len;
	size_t ends = 0;

	while ((data = memchr(data, '\n', (size_t)(end - data)))) {
		data++;
		ends++;
	}
	return count_sized(lines, s, ends);
}

static size_t count_http(struct answers *s, const char *data, size_t len)
{
	size_t answers = 0;

	while (len) {
		bool complete = true;
		size_t n = s->left < len ? s->left : len;
		if (s->left)
			s->left -= n;
		else
			n = head_read(s, data, len, &complete);
		answers += complete && !s->left;
		data += n;
		len -= n;
	}
	return answers;
}

size_t ask_count(const struct ask *a, struct answers *s, const char *data, size_t len)
{
	if (a->answer_size)
		return count_sized(a->answer_size, s, len);
	if (a->answer_lines)
		return count_lines(a->answer_lines, s, data, len);
	return count_http(s, data, len);
}

#include "pubsub.h"

#include "../program.h"
#include "connection.h"
#include "websocket.h"
#include "zmtp.h"

#include "base/clock.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void nothing(int fd)
{
	(void)fd;
}

/* Lines: ferry's plain wire, and what limits/fanout.c speaks. An empty line subscribes. */

static void lines_subscribe(int fd)
{
	connection_send_text(fd, "\n");
}

static size_t lines_encode(char *to, const char body[BODY_LEN])
{
	return (size_t)snprintf(to, ENCODED_MAX, "%.*s\n", BODY_LEN, body);
}

/* Redis: RESP2 (redis.io/docs/reference/protocol-spec). */

static void redis_subscribe(int fd)
{
	connection_send_text(fd, "SUBSCRIBE lobby\r\n");
	connection_receive_until(fd, ":1\r\n");
}

static size_t redis_encode(char *to, const char body[BODY_LEN])
{
	return (size_t)snprintf(to, ENCODED_MAX,
		"*3\r\n$7\r\nPUBLISH\r\n$5\r\nlobby\r\n$%d\r\n%.*s\r\n", BODY_LEN, BODY_LEN, body);
}

/* NATS: its client protocol (docs.nats.io/reference/reference-protocols/nats-protocol). */

static void nats_connect(int fd)
{
	connection_receive_until(fd, "\r\n");
	connection_send_text(fd, "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nPING\r\n");
	connection_receive_until(fd, "PONG\r\n");
}

static void nats_subscribe(int fd)
{
	nats_connect(fd);
	connection_send_text(fd, "SUB lobby 1\r\nPING\r\n");
	connection_receive_until(fd, "PONG\r\n");
}

static size_t nats_encode(char *to, const char body[BODY_LEN])
{
	return (size_t)snprintf(
		to, ENCODED_MAX, "PUB lobby %d\r\n%.*s\r\n", BODY_LEN, BODY_LEN, body);
}

static const struct pubsub pubsubs[] = {
	{"lines", lines_subscribe, nothing, lines_encode, 1, "", 0},
	{"websocket", websocket_open, websocket_open, websocket_encode, 0, "\x89\x00", 2},
	{"redis", redis_subscribe, nothing, redis_encode, 2, "", 0},
	{"nats", nats_subscribe, nats_connect, nats_encode, 2, "PING\r\n", 6},
	{"zmtp", zmtp_subscribe, zmtp_publish, zmtp_encode, 0, "", 0},
};

const struct pubsub *pubsub_find(const char *name)
{
	for (size_t i = 0; i < sizeof(pubsubs) / sizeof(*pubsubs); i++)
		if (!strcmp(pubsubs[i].name, name))
			return &pubsubs[i];
	die_because("%s: no such protocol", name);
}

static void body_make(char body[BODY_LEN + 1], const char *text)
{
	snprintf(body, BODY_LEN + 1, "%s %0*d", text, BODY_LEN - 1 - (int)strlen(text), 0);
}

void pubsub_publish(const struct pubsub *p, int fd, const char *text)
{
	char body[BODY_LEN + 1], message[ENCODED_MAX];

	body_make(body, text);
	connection_send(fd, message, p->encode(message, body));
}

/* Publishes until each subscriber has been sent something. */
static void settle_probe(const struct pubsub *p, int publisher, const int *subscribers, size_t n)
{
	uint64_t deadline = clock_monotonic_ms() + WAIT_MS;

	for (size_t i = 0; i < n;) {
		struct pollfd one = {.fd = subscribers[i], .events = POLLIN};
		if (poll(&one, 1, 0) > 0) {
			i++;
			continue;
		}
		if (clock_monotonic_ms() > deadline)
			die_because("subscriber %zu is never sent anything", i);
		pubsub_publish(p, publisher, "probe");
		poll(&one, 1, 50);
	}
}

/* Reads up to the end of the body that begins with TEXT; how many bytes that were. */
static size_t settle_skip(int subscriber, const char *text)
{
	char body[BODY_LEN + 1], window[BODY_LEN] = {0};
	size_t n = 0;

	body_make(body, text);
	for (; memcmp(window, body, BODY_LEN) != 0; n++) {
		memmove(window, window + 1, BODY_LEN - 1);
		connection_receive(subscriber, window + BODY_LEN - 1, 1);
	}
	return n;
}

size_t pubsub_settle(const struct pubsub *p, int publisher, const int *subscribers, size_t n)
{
	char tail[ENCODED_MAX];
	size_t size = SIZE_MAX;

	settle_probe(p, publisher, subscribers, n);
	pubsub_publish(p, publisher, "first");
	pubsub_publish(p, publisher, "second");
	for (size_t i = 0; i < n; i++) {
		settle_skip(subscribers[i], "first");
		size_t one = settle_skip(subscribers[i], "second");
		connection_receive(subscribers[i], tail, p->tail);
		/* The others' may have noise in it. */
		size = one < size ? one : size;
	}
	return size;
}

void pubsub_expect(const struct pubsub *p, int subscriber, size_t size, const char *text)
{
	char body[BODY_LEN + 1], message[ENCODED_MAX];
	size_t noise = p->noise_len;

	connection_receive(subscriber, message, size);
	while (noise && !memcmp(message, p->noise, noise)) {
		memmove(message, message + noise, size - noise);
		connection_receive(subscriber, message + size - noise, noise);
	}
	body_make(body, text);
	if (memcmp(message + size - p->tail - BODY_LEN, body, BODY_LEN) != 0)
		die_because("expected \"%s\", was sent \"%.*s\"", body, (int)size, message);
}

/*
 * The load of history: fills a topic with COUNT messages, and then has all of them sent to one
 * client, as often as that can be done in a second at least. What counts is the second half.
 *
 * Messages are told by the line ends in them, whose number is the same for each.
 */

#include "../program.h"
#include "base/clock.h"
#include "connection.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { BATCH = 10000, AT_LEAST_MS = 1000 };

static const char body[] = "0123456789012345678901234567890123456789012345678901234567890123";

struct history {
	const char *name;
	/* Makes a request of BATCH messages at TO; its length. */
	size_t (*encode)(char *to, size_t cap);
	size_t answer_lines; /* to the request */
	const char *ask;     /* for all of the topic */
	const char *head_end;
	size_t lines; /* of a message */
};

static size_t encode_ferry(char *to, size_t cap)
{
	char line[sizeof(body) + 16];
	size_t len = (size_t)snprintf(line, sizeof(line), "{\"text\":\"%s\"}\n", body);
	size_t at = (size_t)snprintf(to, cap,
		"POST /topics/lobby HTTP/1.1\r\nHost: localhost\r\n"
		"Content-Type: application/x-ndjson\r\nContent-Length: %zu\r\n\r\n",
		len * BATCH);

	for (size_t i = 0; i < BATCH; i++, at += len)
		memcpy(to + at, line, len);
	return at;
}

static size_t encode_redis(char *to, size_t cap)
{
	size_t at = 0;

	for (size_t i = 0; i < BATCH; i++)
		at += (size_t)snprintf(to + at, cap - at,
			"*5\r\n$4\r\nXADD\r\n$5\r\nlobby\r\n$1\r\n*\r\n$1\r\nm\r\n$%zu\r\n%s\r\n",
			sizeof(body) - 1, body);
	return at;
}

/* Without chunks, a line is a message. */
#define ASK_FERRY                                                                                  \
	"GET /topics/lobby?since=all HTTP/1.0\r\nHost: localhost\r\n"                              \
	"Accept: application/x-ndjson\r\n\r\n"

#define ASK_REDIS "*4\r\n$6\r\nXRANGE\r\n$5\r\nlobby\r\n$1\r\n-\r\n$1\r\n+\r\n"

static const struct history histories[] = {
	{"ferry", encode_ferry, 0, ASK_FERRY, "\r\n\r\n", 1},
	{"redis", encode_redis, 2 * BATCH, ASK_REDIS, "\r\n", 8},
};

static void receive_lines(int fd, size_t lines)
{
	static char in[256 << 10];

	while (lines) {
		ssize_t n = recv(fd, in, sizeof(in), 0);
		if (n < 0)
			die("receive");
		if (n == 0)
			die_because("%zu lines are missing", lines);
		const char *at = in, *end = in + n;
		while ((at = memchr(at, '\n', (size_t)(end - at)))) {
			if (!lines--)
				die_because("there is more than was asked for");
			at++;
		}
	}
}

static void fill(const struct history *h, const char *address, uint64_t count)
{
	size_t cap = BATCH * (sizeof(body) + 128);
	char *request = allocate(cap, 1);
	size_t len = h->encode(request, cap);
	int fd = connection_open(address, 0);

	for (uint64_t i = 0; i < count; i += BATCH) {
		connection_send(fd, request, len);
		if (h->answer_lines)
			receive_lines(fd, h->answer_lines);
		else
			connection_receive_until(fd, "}\n");
	}
}

int main(int argc, char **argv)
{
	const struct history *h = histories;
	uint64_t began, now, replayed = 0;

	if (argc != 4 || number(argv[3]) % BATCH)
		die_because("usage: load-replay ferry|redis ADDRESS COUNT (of ten thousands)");
	if (!strcmp(argv[1], "redis"))
		h++;
	uint64_t count = number(argv[3]);
	fill(h, argv[2], count);
	began = clock_monotonic_ms();
	do {
		int fd = connection_open(argv[2], 1);
		connection_send_text(fd, h->ask);
		connection_receive_until(fd, h->head_end);
		receive_lines(fd, count * h->lines);
		shutdown(fd, SHUT_RDWR);
		replayed += count;
		now = clock_monotonic_ms();
	} while (now < began + AT_LEAST_MS);
	printf("{\"rate\": %.0f}\n", (double)replayed * 1000 / (double)(now - began));
}

/*
 * The load of a subscriber that pauses: two subscribers, and a publisher that sends BURST messages
 * every millisecond. One subscriber reads all the time; what counts is how long the last message of
 * each burst takes to reach it. The other is a process of its own, which reads along, or pauses
 * until MESSAGES have been published and then reads all of them while the publisher goes on.
 *
 * Prints one line of JSON, times in microseconds. That the other was not sent every message, to the
 * byte, is a failure.
 */

#include "../program.h"
#include "base/clock.h"
#include "connection.h"
#include "pubsub.h"
#include "times.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BURST = 100, PACE_NS = 1000000, BURSTS_AFTER = 3000 };

static void receive_all(int fd, uint64_t bytes)
{
	static char in[1 << 20];

	while (bytes) {
		ssize_t n = recv(fd, in, bytes < sizeof(in) ? bytes : sizeof(in), 0);
		if (n < 0)
			die("receive");
		if (n == 0)
			die_because("%llu bytes are missing", (unsigned long long)bytes);
		bytes -= (uint64_t)n;
	}
}

/* The other subscriber: begins to read when GO can be read, or has ended. */
static pid_t other_start(int fd, uint64_t bytes, int go)
{
	char byte;

	pid_t child = fork();
	if (child < 0)
		die("fork");
	if (child)
		return child;
	if (read(go, &byte, 1) < 0)
		die("pipe");
	receive_all(fd, bytes);
	exit(0);
}

static void other_end(pid_t child)
{
	int status;

	if (waitpid(child, &status, 0) != child || status)
		die_because("the other subscriber was not sent everything");
}

int main(int argc, char **argv)
{
	static char burst[BURST * ENCODED_MAX];
	char body[BODY_LEN + 1];
	int subscribers[2], go[2];

	if (argc != 5)
		die_because("usage: load-paused PROTOCOL ADDRESS MESSAGES reads|pauses");
	const struct pubsub *p = pubsub_find(argv[1]);
	size_t before = (size_t)number(argv[3]) / BURST, bursts = before + BURSTS_AFTER, len = 0;
	bool pauses = !strcmp(argv[4], "pauses");
	for (unsigned i = 0; i < 2; i++) {
		subscribers[i] = connection_open(argv[2], i + 1);
		p->open_subscriber(subscribers[i]);
	}
	int publisher = connection_open(argv[2], 0);
	p->open_publisher(publisher);
	size_t size = pubsub_settle(p, publisher, subscribers, 2) * BURST;
	snprintf(body, sizeof(body), "%0*d", BODY_LEN, 0);
	for (size_t i = 0; i < BURST; i++)
		len += p->encode(burst + len, body);
	if (pipe(go))
		die("pipe");
	pid_t other = other_start(subscribers[1], (uint64_t)size * bursts, go[0]);
	uint64_t *times = allocate(bursts, sizeof(*times)), next = clock_monotonic_ns();
	for (size_t i = 0; i < bursts; i++) {
		if (i == (pauses ? before : 0) && write(go[1], "", 1) != 1)
			die("pipe");
		sleep_until(next += PACE_NS);
		uint64_t began = clock_monotonic_ns();
		connection_send(publisher, burst, len);
		receive_all(subscribers[0], size);
		times[i] = clock_monotonic_ns() - began;
	}
	other_end(other);
	struct percentiles took = percentiles_of(times, bursts);
	printf("{\"p50\": %.1f, \"p99\": %.1f}\n", took.p50, took.p99);
}

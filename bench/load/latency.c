/*
 * The load of one message at a time, and how long each takes.
 *
 *   publish PROTOCOL PUBLISH-ADDRESS SUBSCRIBE-ADDRESS   from one connection through to another
 *   ask     PROTOCOL ADDRESS                             there and back on one connection
 *
 * Then COUNT, and the PACE in microseconds from the beginning of one to that of the next; 0 sends
 * the next as soon as the last has arrived. Prints one line of JSON, times in microseconds.
 */

#include "../program.h"
#include "ask.h"
#include "connection.h"
#include "pubsub.h"
#include "times.h"

#include "base/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { WARM_UP = 200 };

/* What is sent where, and what comes back where. */
struct path {
	int out;
	int in;
	size_t request_len;
	char request[REQUEST_MAX];
	const struct ask *ask; /* counts the answers, or NULL: messages of SIZE bytes */
	size_t size;
	const char *noise;
	size_t noise_len;
};

static void path_publish(struct path *p, const char *protocol, const char *to, const char *from)
{
	const struct pubsub *pubsub = pubsub_find(protocol);
	char body[BODY_LEN + 1];

	p->in = connection_open(from, 1);
	pubsub->open_subscriber(p->in);
	p->out = connection_open(to, 0);
	pubsub->open_publisher(p->out);
	p->size = pubsub_settle(pubsub, p->out, &p->in, 1);
	p->noise = pubsub->noise;
	p->noise_len = pubsub->noise_len;
	snprintf(body, sizeof(body), "%0*d", BODY_LEN, 0);
	p->request_len = pubsub->encode(p->request, body);
}

static void path_ask(struct path *p, const char *protocol, const char *address)
{
	const char *argument;

	p->ask = ask_find(protocol, &argument);
	p->out = p->in = connection_open(address, 0);
	p->ask->open(p->out, 0);
	p->request_len = p->ask->encode(p->request, 0, argument);
}

/* Waits for what was sent. A ping of the server, before or after it, is dropped. */
static void path_receive(const struct path *p)
{
	struct answers answers = {0};
	char in[4096];
	size_t got = 0;

	for (bool done = false; !done;) {
		ssize_t n = recv(p->in, in + got, sizeof(in) - got, 0);
		if (n <= 0)
			die("receive");
		got += (size_t)n;
		size_t noise = p->noise_len;
		if (noise && got >= noise && !memcmp(in, p->noise, noise)) {
			got -= noise;
			memmove(in, in + noise, got);
		}
		if (p->ask) {
			done = ask_count(p->ask, &answers, in, got);
			got = 0;
		} else {
			done = got >= p->size;
		}
	}
}

/* What the server says to the publisher is not waited for. */
static void path_drain(const struct path *p)
{
	char in[4096];

	if (!p->ask)
		while (recv(p->out, in, sizeof(in), MSG_DONTWAIT) == sizeof(in))
			;
}

static void path_measure(const struct path *p, size_t count, uint64_t pace_ns)
{
	uint64_t *times = allocate(count, sizeof(*times));
	uint64_t next = clock_monotonic_ns();

	for (size_t i = 0; i < count + WARM_UP; i++) {
		next += pace_ns;
		if (pace_ns)
			sleep_until(next);
		uint64_t began = clock_monotonic_ns();
		connection_send(p->out, p->request, p->request_len);
		path_receive(p);
		if (i >= WARM_UP)
			times[i - WARM_UP] = clock_monotonic_ns() - began;
		path_drain(p);
	}
	struct percentiles took = percentiles_of(times, count);
	printf("{\"p50\": %.1f, \"p99\": %.1f}\n", took.p50, took.p99);
	free(times);
}

int main(int argc, char **argv)
{
	struct path p = {0};
	bool publish = argc == 7 && !strcmp(argv[1], "publish");

	if (publish)
		path_publish(&p, argv[2], argv[3], argv[4]);
	else if (argc == 6 && !strcmp(argv[1], "ask"))
		path_ask(&p, argv[2], argv[3]);
	else
		die_because(
			"usage: load-latency publish PROTOCOL PUBLISH-ADDRESS SUBSCRIBE-ADDRESS "
			"COUNT PACE | ask PROTOCOL ADDRESS COUNT PACE");
	path_measure(&p, (size_t)number(argv[argc - 2]), number(argv[argc - 1]) * 1000);
}

/*
 * The load of many round trips: N clients that each keep DEPTH requests under way, and ask again as
 * soon as they are answered, all answers that came together with one write.
 *
 * Prints one line of JSON: answers a second, after a warm-up; with a DEPTH of 1 also how long one
 * took, in microseconds.
 */

#include "../program.h"
#include "ask.h"
#include "connection.h"
#include "times.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { WARM_UP_MS = 500 };

struct client {
	int fd;
	char *requests; /* DEPTH of them */
	size_t request_size;
	struct answers answers;
	uint64_t asked_ns; /* the last time */
};

struct load {
	const struct ask *ask;
	const char *argument;
	size_t depth;
	int epoll;
	uint64_t answered;
	uint64_t *times; /* of a DEPTH of 1, in ns; NULL before they count */
	size_t times_len;
	size_t times_cap;
};

static void client_open(struct client *c, struct load *l, const char *address, unsigned number)
{
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
	char request[REQUEST_MAX];

	c->request_size = l->ask->encode(request, number, l->argument);
	c->requests = allocate(1, c->request_size * l->depth);
	for (size_t i = 0; i < l->depth; i++)
		memcpy(c->requests + i * c->request_size, request, c->request_size);
	c->fd = connection_open(address, number);
	l->ask->open(c->fd, number);
	if (fcntl(c->fd, F_SETFL, O_NONBLOCK) || epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &e))
		die("epoll");
}

/* At most DEPTH small requests are ever under way: the socket takes them. */
static void client_ask(struct client *c, size_t n)
{
	size_t len = n * c->request_size;

	c->asked_ns = clock_monotonic_ns();
	if (len && send(c->fd, c->requests, len, MSG_NOSIGNAL) != (ssize_t)len)
		die("send");
}

static void load_note(struct load *l, uint64_t ns)
{
	if (l->times_len == l->times_cap)
		die_because("more answers than there is room to note");
	l->times[l->times_len++] = ns;
}

static void client_turn(struct client *c, struct load *l)
{
	static char in[64 << 10];
	ssize_t n = recv(c->fd, in, sizeof(in), 0);

	if (n < 0 && errno != EAGAIN)
		die("receive");
	if (n == 0)
		die_because("the server has closed a connection");
	size_t answered = n > 0 ? ask_count(l->ask, &c->answers, in, (size_t)n) : 0;
	if (answered > l->depth)
		die_because("more answers than requests");
	l->answered += answered;
	if (l->times && answered)
		load_note(l, clock_monotonic_ns() - c->asked_ns);
	client_ask(c, answered);
}

static void load_print(struct load *l, double rate)
{
	printf("{\"rate\": %.0f, \"total\": %zu", rate, (size_t)l->answered);
	if (l->times_len) {
		struct percentiles took = percentiles_of(l->times, l->times_len);
		printf(", \"p50\": %.1f, \"p99\": %.1f", took.p50, took.p99);
	}
	printf("}\n");
}

/* Room for a million answers a second. */
static void load_begin_times(struct load *l, uint64_t seconds)
{
	l->times_cap = (size_t)(seconds + 1) * 1000000;
	l->times = allocate(l->times_cap, sizeof(*l->times));
}

static void load_run(struct load *l, uint64_t seconds)
{
	uint64_t began = clock_monotonic_ms(), now = began, last = began, counted_at = 0;
	uint64_t counted = 0, seen = 0;
	struct epoll_event events[256];

	while (now < began + WARM_UP_MS + seconds * 1000) {
		int n = epoll_wait(l->epoll, events, sizeof(events) / sizeof(*events), 100);
		for (int i = 0; i < n; i++)
			client_turn(events[i].data.ptr, l);
		now = clock_monotonic_ms();
		if (!counted_at && now >= began + WARM_UP_MS) {
			counted_at = now;
			counted = l->answered;
			if (l->depth == 1)
				load_begin_times(l, seconds);
		}
		if (l->answered != seen)
			last = now;
		seen = l->answered;
		if (now - last > WAIT_MS)
			die_because("the server has stopped answering");
	}
	if (now == counted_at || !counted_at)
		die_because("no answer came in time to be counted");
	load_print(l, (double)(l->answered - counted) * 1000 / (double)(now - counted_at));
}

int main(int argc, char **argv)
{
	struct load l = {0};

	if (argc != 6) {
		fprintf(stderr, "usage: load-exchange PROTOCOL ADDRESS CLIENTS DEPTH SECONDS\n");
		return 64;
	}
	connection_lift_limit();
	size_t n = (size_t)number(argv[3]);
	static struct client *clients;
	clients = allocate(n, sizeof(*clients));
	l.ask = ask_find(argv[1], &l.argument);
	l.depth = (size_t)number(argv[4]);
	l.epoll = epoll_create1(EPOLL_CLOEXEC);
	for (unsigned i = 0; i < n; i++)
		client_open(&clients[i], &l, argv[2], i);
	for (size_t i = 0; i < n; i++)
		client_ask(&clients[i], l.depth);
	load_run(&l, number(argv[5]));
}

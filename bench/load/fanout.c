/*
 * The load of a fan-out: one publisher that pipelines, N subscribers, messages of 64 bytes.
 *
 * First a hundred numbered messages are read and compared at every subscriber. Then the publisher
 * keeps WINDOW messages under way, counted from the slowest subscriber, so that no server is ever
 * asked to drop any; the window begins small and doubles as long as a full one is delivered within
 * ROUND_MS, so that a slow server is not buried. Subscribers discard what they are sent inside the
 * kernel (MSG_TRUNC), which leaves the load's core fast enough to measure the server and not
 * itself. At the end each subscriber must have been sent every message, to the byte.
 *
 * Prints one line of JSON. Rates are of the time between the warm-up and the last message.
 */

#include "../program.h"
#include "connection.h"
#include "pubsub.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum {
	CHECKED = 100,
	BLOCK = 1024, /* messages encoded once, sent over and over */
	WINDOW_FIRST = 64,
	WINDOW_MAX = 8192,
	ROUND_MS = 50,
	WARM_UP_MS = 500,
	AT_ONCE = 1 << 20, /* bytes discarded by one call */
};

struct load {
	const struct pubsub *protocol;
	int epoll;
	int publisher;
	size_t n;
	int *subscribers;
	uint64_t *received; /* bytes a subscriber was sent since the check */
	size_t size;	    /* of a delivered message */
	char *block;
	size_t sent_size; /* of a published message */
	uint64_t sent;	  /* bytes published since the check */
	uint64_t window;  /* messages */
	uint64_t round_end;
	uint64_t round_began;
};

static uint64_t load_total(const struct load *l)
{
	uint64_t total = 0;

	for (size_t i = 0; i < l->n; i++)
		total += l->received[i];
	return total / l->size;
}

/* How many messages the slowest subscriber was sent. */
static uint64_t load_delivered(const struct load *l)
{
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < l->n; i++)
		least = l->received[i] < least ? l->received[i] : least;
	return least / l->size;
}

static void load_open(struct load *l, const char *publish, const char *subscribe)
{
	char message[ENCODED_MAX], body[BODY_LEN + 1];

	connection_lift_limit();
	l->subscribers = allocate(l->n, sizeof(*l->subscribers));
	l->received = allocate(l->n, sizeof(*l->received));
	for (size_t i = 0; i < l->n; i++) {
		l->subscribers[i] = connection_open(subscribe, (unsigned)i);
		l->protocol->open_subscriber(l->subscribers[i]);
	}
	l->publisher = connection_open(publish, 0);
	l->protocol->open_publisher(l->publisher);

	snprintf(body, sizeof(body), "%0*d", BODY_LEN, 0);
	l->sent_size = l->protocol->encode(message, body);
	l->block = allocate(1, BLOCK * l->sent_size);
	for (size_t i = 0; i < BLOCK; i++)
		memcpy(l->block + i * l->sent_size, message, l->sent_size);
}

/* Numbered messages, each read and compared everywhere. */
static void load_check(struct load *l)
{
	char text[32];

	l->size = pubsub_settle(l->protocol, l->publisher, l->subscribers, l->n);
	for (int m = 0; m < CHECKED; m++) {
		snprintf(text, sizeof(text), "check %d", m);
		pubsub_publish(l->protocol, l->publisher, text);
	}
	for (size_t i = 0; i < l->n; i++) {
		for (int m = 0; m < CHECKED; m++) {
			snprintf(text, sizeof(text), "check %d", m);
			pubsub_expect(l->protocol, l->subscribers[i], l->size, text);
		}
	}
}

static void load_watch(struct load *l)
{
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (size_t i = 0; i <= l->n; i++) {
		bool subscriber = i < l->n;
		int fd = subscriber ? l->subscribers[i] : l->publisher;
		struct epoll_event e = {.data.u64 = i};
		e.events = subscriber ? EPOLLIN : EPOLLIN | EPOLLOUT | EPOLLET;
		if (fcntl(fd, F_SETFL, O_NONBLOCK) || epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e))
			die("epoll");
	}
}

/* Publishes what the window allows and the socket takes; up to the end of a message when LAST. */
static void load_publish(struct load *l, bool last)
{
	size_t block_size = BLOCK * l->sent_size;

	for (;;) {
		uint64_t messages = (l->sent + l->sent_size - 1) / l->sent_size;
		uint64_t limit = last ? messages : load_delivered(l) + l->window;
		if (limit * l->sent_size <= l->sent)
			return;
		size_t at = l->sent % block_size;
		size_t len = limit * l->sent_size - l->sent;
		len = len < block_size - at ? len : block_size - at;
		ssize_t n = send(l->publisher, l->block + at, len, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			die("publish");
		if (n < 0)
			return;
		l->sent += (uint64_t)n;
	}
}

/* How many bytes were waiting; they are gone. */
static uint64_t discard(int fd)
{
	// cppcheck-suppress nullPointer
	ssize_t n = recv(fd, NULL, AT_ONCE, MSG_TRUNC);

	if (n < 0 && errno != EAGAIN)
		die("receive");
	if (n == 0)
		die_because("the server has closed a connection");
	return n < 0 ? 0 : (uint64_t)n;
}

static void load_receive(struct load *l)
{
	struct epoll_event events[1024];
	int n = epoll_wait(l->epoll, events, sizeof(events) / sizeof(*events), 100);

	for (int i = 0; i < n; i++) {
		uint64_t who = events[i].data.u64;
		if (who < l->n)
			l->received[who] += discard(l->subscribers[who]);
		else
			while (discard(l->publisher))
				;
	}
}

/* A round is over when everything that was under way at its beginning is delivered. */
static void load_widen(struct load *l, uint64_t now)
{
	if (load_delivered(l) < l->round_end)
		return;
	if (now - l->round_began < ROUND_MS && l->round_end && l->window < WINDOW_MAX)
		l->window *= 2;
	l->round_began = now;
	l->round_end = l->sent / l->sent_size;
}

/* Lets the last messages arrive, and counts them. */
static uint64_t load_finish(struct load *l)
{
	uint64_t deadline = clock_monotonic_ms() + WAIT_MS;
	size_t noise = l->protocol->noise_len;

	while (l->sent % l->sent_size || load_delivered(l) < l->sent / l->sent_size) {
		if (clock_monotonic_ms() > deadline)
			die_because("%zu messages sent, a subscriber was sent only %zu",
				(size_t)(l->sent / l->sent_size), (size_t)load_delivered(l));
		load_receive(l);
		load_publish(l, true);
	}
	load_receive(l);
	for (size_t i = 0; i < l->n; i++) {
		uint64_t more = l->received[i] - l->sent / l->sent_size * l->size;
		if (noise ? more % noise != 0 || more > 8 * noise : more != 0)
			die_because("a subscriber was sent %zu bytes too many", (size_t)more);
	}
	return l->sent / l->sent_size;
}

static void load_run(struct load *l, uint64_t seconds)
{
	uint64_t began = clock_monotonic_ms(), warm = began + WARM_UP_MS, now = began;
	uint64_t end = warm + seconds * 1000, counted = 0, counted_at = 0;

	l->window = WINDOW_FIRST;
	l->round_began = began;
	while (now < end) {
		load_publish(l, false);
		load_receive(l);
		now = clock_monotonic_ms();
		load_widen(l, now);
		if (!counted_at && now >= warm) {
			counted_at = now;
			counted = load_total(l);
		}
	}
	double rate = (double)(load_total(l) - counted) * 1000 / (double)(now - counted_at);
	uint64_t messages = load_finish(l);
	printf("{\"rate\": %.0f, \"total\": %zu, \"size\": %zu, \"window\": %zu}\n", rate,
		(size_t)(messages * l->n), l->size, (size_t)l->window);
}

int main(int argc, char **argv)
{
	struct load l = {0};

	if (argc != 6) {
		fprintf(stderr, "usage: load-fanout PROTOCOL PUBLISH-ADDRESS SUBSCRIBE-ADDRESS "
				"SUBSCRIBERS SECONDS\n");
		return 64;
	}
	l.protocol = pubsub_find(argv[1]);
	l.n = (size_t)number(argv[4]);
	load_open(&l, argv[2], argv[3]);
	load_check(&l);
	load_watch(&l);
	load_run(&l, number(argv[5]));
}

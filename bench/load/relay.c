/*
 * The load of a relay: both ends of it in one process. A thread is the relay's target, at the port
 * that the relay was told; the main thread is its clients.
 *
 *	load-relay bulk PORT ADDRESS SECONDS		one connection, as fast as it goes
 *	load-relay connect PORT ADDRESS SECONDS		16 clients: connect, 64 bytes there, back
 *	load-relay exchange PORT ADDRESS SECONDS	50 connections, 64 bytes and back each
 *	load-relay latency PORT ADDRESS SECONDS		one connection, 64 bytes and back
 *
 * Prints one line of JSON: the rate a second (bytes, connections, round trips) and the total; of
 * latency the 50th and 99th percentile in microseconds as well.
 */

#include "../program.h"
#include "connection.h"
#include "times.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	MESSAGE = 64,
	BLOCK = 256 << 10,
	WARM_UP_MS = 300,
	CONNECTIONS = 50,
	CLIENTS = 16,
	TIMES_MAX = 1 << 20
};

static char block[BLOCK];
static struct percentiles took; /* of latency */

/* ---- the target ---- */

static int target_open(uint16_t port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ||
		bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 4096))
		die("the target's port");
	return fd;
}

static void target_accept(int epoll, int listener)
{
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
		if (fd < 0)
			return;
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e))
			die("epoll");
	}
}

/* Takes what comes; gives messages back, and bulk to nobody. */
static void target_serve(int fd, bool echo)
{
	static char in[BLOCK];
	ssize_t n = recv(fd, in, sizeof(in), 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || (echo && send(fd, in, (size_t)n, MSG_NOSIGNAL) != n))
		close(fd);
}

struct target {
	int listener;
	bool echo;
};

static void *target_run(void *data)
{
	const struct target *t = data;
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event events[128];
	struct epoll_event e = {.events = EPOLLIN, .data.fd = t->listener};

	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, t->listener, &e))
		die("epoll");
	for (;;) {
		int n = epoll_wait(epoll, events, 128, -1);
		for (int i = 0; i < n; i++)
			if (events[i].data.fd == t->listener)
				target_accept(epoll, t->listener);
			else
				target_serve(events[i].data.fd, t->echo);
	}
	return NULL;
}

/* ---- the clients ---- */

static uint64_t bulk(const char *address, uint64_t until)
{
	int fd = connection_open(address, 0);
	uint64_t sent = 0;

	while (clock_monotonic_ms() < until) {
		connection_send(fd, block, sizeof(block));
		sent += sizeof(block);
	}
	close(fd);
	return sent;
}

static void message_exchange(int fd)
{
	connection_send(fd, block, MESSAGE);
	connection_receive(fd, block + MESSAGE, MESSAGE);
}

static uint64_t reconnect(const char *address, uint64_t until)
{
	int fds[CLIENTS];
	uint64_t done = 0;

	while (clock_monotonic_ms() < until) {
		for (int i = 0; i < CLIENTS; i++) {
			fds[i] = connection_open(address, (unsigned)(done + (unsigned)i));
			connection_send(fds[i], block, MESSAGE);
		}
		for (int i = 0; i < CLIENTS; i++) {
			connection_receive(fds[i], block + MESSAGE, MESSAGE);
			close(fds[i]);
		}
		done += CLIENTS;
	}
	return done;
}

static uint64_t exchange(const char *address, uint64_t until)
{
	static int fds[CONNECTIONS];
	struct epoll_event events[CONNECTIONS];
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	uint64_t done = 0;

	for (int i = 0; i < CONNECTIONS && !fds[i]; i++) {
		struct epoll_event e = {.events = EPOLLIN};
		e.data.fd = fds[i] = connection_open(address, (unsigned)i);
		message_exchange(fds[i]);
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &e))
			die("epoll");
		connection_send(fds[i], block, MESSAGE);
	}
	while (clock_monotonic_ms() < until) {
		int n = epoll_wait(epoll, events, CONNECTIONS, 1000);
		if (n == 0)
			die_because("nothing comes back");
		for (int i = 0; i < n; i++) {
			connection_receive(events[i].data.fd, block + MESSAGE, MESSAGE);
			connection_send(events[i].data.fd, block, MESSAGE);
			done++;
		}
	}
	for (int i = 0; i < CONNECTIONS; i++) {
		close(fds[i]);
		fds[i] = 0;
	}
	close(epoll);
	return done;
}

static uint64_t took_ns[TIMES_MAX];

static uint64_t latency(const char *address, uint64_t until)
{
	int fd = connection_open(address, 0);
	size_t done = 0;

	while (done < TIMES_MAX && clock_monotonic_ms() < until) {
		uint64_t began = clock_monotonic_ns();
		message_exchange(fd);
		took_ns[done++] = clock_monotonic_ns() - began;
	}
	close(fd);
	took = percentiles_of(took_ns, done);
	return done;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		uint64_t (*run)(const char *address, uint64_t until);
	} modes[] = {{"bulk", bulk}, {"connect", reconnect}, {"exchange", exchange},
		{"latency", latency}};
	pthread_t thread;

	for (size_t i = 0; argc == 5 && i < sizeof(modes) / sizeof(*modes); i++) {
		if (strcmp(modes[i].name, argv[1]) != 0)
			continue;
		struct target t = {target_open((uint16_t)number(argv[2])), i > 0};
		if (pthread_create(&thread, NULL, target_run, &t))
			die("thread");
		uint64_t warm = modes[i].run(argv[3], clock_monotonic_ms() + WARM_UP_MS);
		uint64_t began = clock_monotonic_ns();
		uint64_t done =
			modes[i].run(argv[3], clock_monotonic_ms() + 1000 * number(argv[4]));
		double seconds = (double)(clock_monotonic_ns() - began) / 1e9;
		printf("{\"rate\": %.0f, \"total\": %llu, \"p50\": %.1f, \"p99\": %.1f}\n",
			(double)done / seconds, (unsigned long long)(done + warm), took.p50,
			took.p99);
		return 0;
	}
	die_because("usage: load-relay bulk|connect|exchange|latency PORT ADDRESS SECONDS");
}

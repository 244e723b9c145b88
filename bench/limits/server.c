#include "server.h"
#include "../program.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int listen_tcp(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) || listen(fd, SOMAXCONN) ||
		getsockname(fd, (struct sockaddr *)&at, &len))
		die("tcp");
	printf("Listening on tcp:127.0.0.1:%u\n", ntohs(at.sin_port));
	return fd;
}

static int listen_unix(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, SOMAXCONN))
		die(path);
	printf("Listening on unix:%s\n", path);
	return fd;
}

void server_listen(struct server *s, const char *address)
{
	if (!strcmp(address, "tcp"))
		s->listener = listen_tcp();
	else if (!strncmp(address, "unix:", 5))
		s->listener = listen_unix(address + 5);
	else {
		errno = EINVAL;
		die(address);
	}
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll < 0)
		die("epoll_create1");
	server_watch(s, s->listener, EPOLLIN, NULL);
	fflush(stdout);
}

int server_accept(const struct server *s)
{
	int on = 1;
	int fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0 && errno != EAGAIN)
		die("accept4");
	if (fd >= 0)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

void server_watch(const struct server *s, int fd, uint32_t events, void *data)
{
	struct epoll_event e = {.events = events, .data.ptr = data};

	if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e))
		die("epoll_ctl");
}

void server_rewatch(const struct server *s, int fd, uint32_t events, void *data)
{
	struct epoll_event e = {.events = events, .data.ptr = data};

	if (epoll_ctl(s->epoll, EPOLL_CTL_MOD, fd, &e))
		die("epoll_ctl");
}

static int server_ask(struct server *s, int timeout_ms)
{
	int n = epoll_wait(s->epoll, s->events, sizeof(s->events) / sizeof(*s->events), timeout_ms);

	if (n < 0 && errno != EINTR)
		die("epoll_wait");
	return n < 0 ? 0 : n;
}

void server_wait(struct server *s)
{
	s->n_events = 0;
	if (s->poll_us) {
		uint64_t end = clock_monotonic_ns() + (uint64_t)s->poll_us * 1000;
		do
			s->n_events = server_ask(s, 0);
		while (!s->n_events && clock_monotonic_ns() < end);
	}
	while (!s->n_events)
		s->n_events = server_ask(s, -1);
}

static long server_result(ssize_t n)
{
	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? -1 : 0;
}

long server_read(int fd, void *to, unsigned long len)
{
	return server_result(recv(fd, to, len, 0));
}

long server_write(int fd, const void *from, unsigned long len)
{
	return server_result(send(fd, from, len, MSG_NOSIGNAL));
}

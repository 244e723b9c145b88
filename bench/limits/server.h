#pragma once

/*
 * What the limits share
 *
 * A limit is a server that makes the system calls its job cannot do without and as little else as
 * possible. This holds the part that is the same in each: one listening socket, one epoll set.
 * Everything that fails ends the program with a line on standard error: there is nothing to save.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct server {
	int listener;
	int epoll;
	unsigned poll_us; /* how long to ask again before sleeping; 0 sleeps at once */
	int n_events;
	struct epoll_event events[512];
};

/* Listens at "tcp" (127.0.0.1, a port the kernel picks) or "unix:PATH", and prints the address in
 * the words ferry uses: "Listening on tcp:127.0.0.1:40001". The listener's event has data.ptr NULL.
 */
void server_listen(struct server *s, const char *address);

/* The next connection, nonblocking and without Nagle's delay, or -1 when no more are waiting. */
int server_accept(const struct server *s);

void server_watch(const struct server *s, int fd, uint32_t events, void *data);
void server_rewatch(const struct server *s, int fd, uint32_t events, void *data);

/* Waits for events and leaves them in s->events. */
void server_wait(struct server *s);

/* read(2) and write(2) with "not now" as -1 and a gone peer as 0. */
long server_read(int fd, void *to, unsigned long len);
long server_write(int fd, const void *from, unsigned long len);

/*
 * The limit of a fan-out
 *
 * Whatever a connection sends goes to every connection that began with an empty line. What was
 * received stands once in a ring; a subscriber is a position in it. Each turn ends with one write a
 * subscriber, of everything it has not been sent yet: the fewest system calls that can do the job.
 * With --each it is one write a message and subscriber, as a server is written at first.
 *
 * The ring is mapped twice, end to end, so that no block is ever cut. A load that runs further
 * ahead of the slowest subscriber than the ring is long ends the program.
 */

#include "../program.h"
#include "server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { READ_MAX = 256 << 10 };
static const size_t RING_SIZE = 16 << 20;

struct client {
	int fd;
	bool subscribed;
	bool blocked; /* the socket is full: wait for EPOLLOUT */
	uint64_t position;
};

struct fanout {
	struct server server;
	char *ring;
	uint64_t end;
	bool each;
	size_t n_subscribers;
	struct client **subscribers;
};

static char *ring_new(void)
{
	int fd = memfd_create("ring", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)RING_SIZE))
		die("ring");
	char *first = mmap(NULL, 2 * RING_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (first == MAP_FAILED)
		die("ring");
	char *second = mmap(first + RING_SIZE, RING_SIZE, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_FIXED, fd, 0);
	if (second == MAP_FAILED)
		die("ring");
	close(fd);
	// cppcheck-suppress memleak
	return first;
}

static void fanout_accept(struct fanout *f)
{
	for (int fd; (fd = server_accept(&f->server)) >= 0;) {
		struct client *c = allocate(1, sizeof(*c));
		c->fd = fd;
		server_watch(&f->server, fd, EPOLLIN, c);
	}
}

static void fanout_subscribe(struct fanout *f, struct client *c)
{
	size_t size = (f->n_subscribers + 1) * sizeof(struct client *);

	f->subscribers = realloc(f->subscribers, size);
	if (!f->subscribers)
		die("subscribers");
	f->subscribers[f->n_subscribers++] = c;
	c->subscribed = true;
	c->position = f->end;
	server_rewatch(&f->server, c->fd, EPOLLIN | EPOLLOUT | EPOLLET, c);
}

static void fanout_leave(struct fanout *f, struct client *c)
{
	for (size_t i = 0; c->subscribed && i < f->n_subscribers; i++)
		if (f->subscribers[i] == c)
			f->subscribers[i--] = f->subscribers[--f->n_subscribers];
	close(c->fd);
	free(c);
}

/* False when the client has left. */
static bool fanout_read(struct fanout *f, struct client *c)
{
	char *to = f->ring + f->end % RING_SIZE;
	long n = server_read(c->fd, to, READ_MAX);

	if (n == 0)
		return false;
	if (n == 1 && *to == '\n')
		fanout_subscribe(f, c);
	else if (n > 0)
		f->end += (uint64_t)n;
	return true;
}

static void client_write(struct client *c, const struct fanout *f, size_t len)
{
	if (f->end - c->position > RING_SIZE - READ_MAX) {
		errno = ENOBUFS;
		die("a subscriber is a ring behind");
	}
	long n = server_write(c->fd, f->ring + c->position % RING_SIZE, len);
	if (n > 0)
		c->position += (uint64_t)n;
	c->blocked = n <= 0 || (size_t)n < len;
}

static void fanout_write_blocks(const struct fanout *f)
{
	for (size_t i = 0; i < f->n_subscribers; i++) {
		struct client *c = f->subscribers[i];
		if (c->position < f->end && !c->blocked)
			client_write(c, f, f->end - c->position);
	}
}

/* One line to each that is not blocked and has not been sent all; false when that were none. */
static bool fanout_write_line(const struct fanout *f)
{
	bool any = false;

	for (size_t i = 0; i < f->n_subscribers; i++) {
		struct client *c = f->subscribers[i];
		if (c->position == f->end || c->blocked)
			continue;
		const char *from = f->ring + c->position % RING_SIZE;
		size_t len = f->end - c->position;
		const char *line_end = memchr(from, '\n', len);
		client_write(c, f, line_end ? (size_t)(line_end + 1 - from) : len);
		any = true;
	}
	return any;
}

static void fanout_turn(struct fanout *f)
{
	server_wait(&f->server);
	for (int i = 0; i < f->server.n_events; i++) {
		struct client *c = f->server.events[i].data.ptr;
		uint32_t events = f->server.events[i].events;

		if (!c) {
			fanout_accept(f);
			continue;
		}
		if (events & EPOLLOUT)
			c->blocked = false;
		if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) && !fanout_read(f, c))
			fanout_leave(f, c);
	}
	if (!f->each)
		fanout_write_blocks(f);
	else
		while (fanout_write_line(f))
			;
}

int main(int argc, char **argv)
{
	static struct fanout f;

	if (argc < 2) {
		fprintf(stderr,
			"usage: limit-fanout tcp|unix:PATH [--each] [--poll MICROSECONDS]\n");
		return 64;
	}
	for (int i = 2; i < argc; i++) {
		if (!strcmp(argv[i], "--each"))
			f.each = true;
		else if (!strcmp(argv[i], "--poll") && i + 1 < argc)
			f.server.poll_us = (unsigned)number(argv[++i]);
	}
	f.ring = ring_new();
	server_listen(&f.server, argv[1]);
	for (;;)
		fanout_turn(&f);
}

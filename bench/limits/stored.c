/*
 * The limit of a store
 *
 * Sends back what it receives once it is on disk. Everything that came in one turn, from however
 * many clients, is appended with one write and one fdatasync: the fewest waits for the disk that
 * still let no one be answered too early.
 */

#include "../program.h"
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READ_MAX = 16 << 10, EVENTS_MAX = 512 };

/* What one client sent in this turn: a piece of the turn's bytes. */
struct piece {
	int fd;
	size_t start;
	size_t len;
};

struct turn {
	size_t n;
	size_t len;
	struct piece pieces[EVENTS_MAX];
	char bytes[(size_t)EVENTS_MAX * READ_MAX];
};

static void turn_read(struct turn *t, int fd)
{
	long n = server_read(fd, t->bytes + t->len, READ_MAX);

	if (n == 0)
		close(fd);
	if (n <= 0)
		return;
	t->pieces[t->n++] = (struct piece){fd, t->len, (size_t)n};
	t->len += (size_t)n;
}

static void turn_store(const struct turn *t, int file)
{
	if (t->len && (write(file, t->bytes, t->len) != (ssize_t)t->len || fdatasync(file)))
		die("store");
}

static void turn_answer(const struct turn *t)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct piece *p = &t->pieces[i];
		if (server_write(p->fd, t->bytes + p->start, p->len) != (long)p->len)
			die_because("a client sends without reading");
	}
}

/* A client has no state but its descriptor, which its event points at. */
static int descriptors[1 << 15];

static void accept_all(const struct server *s)
{
	for (int fd; (fd = server_accept(s)) >= 0;) {
		descriptors[fd] = fd;
		server_watch(s, fd, EPOLLIN, &descriptors[fd]);
	}
}

int main(int argc, char **argv)
{
	static struct server s;
	static struct turn t;

	if (argc != 3)
		die_because("usage: limit-stored tcp|unix:PATH FILE");
	int file = open(argv[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (file < 0)
		die(argv[2]);
	server_listen(&s, argv[1]);
	for (;;) {
		server_wait(&s);
		t.n = t.len = 0;
		for (int i = 0; i < s.n_events; i++) {
			if (s.events[i].data.ptr)
				turn_read(&t, *(int *)s.events[i].data.ptr);
			else
				accept_all(&s);
		}
		turn_store(&t, file);
		turn_answer(&t);
	}
}

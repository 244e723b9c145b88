/*
 * The limit of a round trip
 *
 * Sends back what it receives: one read and one write a turn and client. With --poll N it asks for
 * N microseconds whether something has come before it sleeps. With --http every request head is
 * answered with a fixed response instead, and requests that came together are answered together.
 * It stands for the limit of an idle connection, too: a client costs it the struct below.
 */

#include "../program.h"
#include "server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER_SIZE = 64 << 10 };

static const char response[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"
			       "Content-Type: text/plain\r\n\r\nok\n";

struct client {
	int fd;
};

static void echo_accept(struct server *s)
{
	for (int fd; (fd = server_accept(s)) >= 0;) {
		struct client *c = allocate(1, sizeof(*c));
		c->fd = fd;
		server_watch(s, fd, EPOLLIN, c);
	}
}

/* A response for each empty line; a head that is cut by the read is not for this program. */
static size_t http_answer(const char *in, size_t len, char *out)
{
	size_t n = 0;
	const char *end = in + len;

	while ((in = memmem(in, (size_t)(end - in), "\r\n\r\n", 4))) {
		memcpy(out + n, response, sizeof(response) - 1);
		n += sizeof(response) - 1;
		in += 4;
	}
	return n;
}

static void client_turn(struct client *c, bool http)
{
	static char in[BUFFER_SIZE], answers[BUFFER_SIZE / 4 * sizeof(response)];
	const char *out = in;
	long n = server_read(c->fd, in, sizeof(in));
	size_t len = n > 0 ? (size_t)n : 0;

	if (n < 0)
		return;
	if (n == 0) {
		close(c->fd);
		free(c);
		return;
	}
	if (http) {
		len = http_answer(in, len, answers);
		out = answers;
	}
	if (server_write(c->fd, out, len) != (long)len) {
		errno = EPROTO;
		die("a client sends without reading");
	}
}

int main(int argc, char **argv)
{
	static struct server s;
	bool http = false;

	if (argc < 2) {
		fprintf(stderr, "usage: limit-echo tcp|unix:PATH [--poll MICROSECONDS] [--http]\n");
		return 64;
	}
	for (int i = 2; i < argc; i++) {
		if (!strcmp(argv[i], "--http"))
			http = true;
		else if (!strcmp(argv[i], "--poll") && i + 1 < argc)
			s.poll_us = (unsigned)number(argv[++i]);
	}
	server_listen(&s, argv[1]);
	for (;;) {
		server_wait(&s);
		for (int i = 0; i < s.n_events; i++) {
			if (s.events[i].data.ptr)
				client_turn(s.events[i].data.ptr, http);
			else
				echo_accept(&s);
		}
	}
}

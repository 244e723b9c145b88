/*
 * A server that sends back what it gets, one connection after the other: an address may be any kind
 * of socket, and what is accepted is an ordinary descriptor.
 *
 *     cc echo.c $(pkg-config --cflags --libs ferry) -o echo
 *     ./echo tcp:localhost:0
 */

#include <ferry.h>

#include <stdio.h>
#include <unistd.h>

static void echo(int fd)
{
	char data[4096];
	ssize_t n;

	while ((n = read(fd, data, sizeof(data))) > 0)
		if (write(fd, data, (size_t)n) != n)
			break;
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: echo ADDRESS\n");
		return 64;
	}

	struct ferry *f = ferry_new();
	struct ferry_listener *l = ferry_listen(f, argv[1], NULL, NULL);
	int fd = -1;

	if (l) {
		printf("listening on %s\n", ferry_listener_address(l));
		fflush(stdout);
	}
	while (l && (fd = ferry_accept(l, -1)) >= 0) {
		printf("connection from %s\n", ferry_listener_peer(l));
		fflush(stdout);
		echo(fd);
	}
	fprintf(stderr, "echo: %s\n", ferry_why(f));
	ferry_listener_free(l);
	ferry_free(f);
	return 1;
}

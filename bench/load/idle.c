/*
 * The load of connections that do nothing: opens N as subscribers ("publish PROTOCOL") or as
 * clients that have asked once ("ask PROTOCOL"), says so after the first tenth and after all, each
 * time waiting for a line on standard input, and holds them meanwhile.
 */

#include "../program.h"
#include "ask.h"
#include "connection.h"
#include "pubsub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void open_subscriber(const char *protocol, const char *address, unsigned number)
{
	pubsub_find(protocol)->open_subscriber(connection_open(address, number));
}

static void open_client(const char *protocol, const char *address, unsigned number)
{
	const char *argument;
	const struct ask *ask = ask_find(protocol, &argument);
	int fd = connection_open(address, number);
	struct answers answers = {0};
	char request[REQUEST_MAX], byte;

	ask->open(fd, number);
	connection_send(fd, request, ask->encode(request, number, argument));
	do
		connection_receive(fd, &byte, 1);
	while (!ask_count(ask, &answers, &byte, 1));
}

int main(int argc, char **argv)
{
	if (argc != 5)
		die_because("usage: load-idle publish|ask PROTOCOL ADDRESS CONNECTIONS");
	connection_lift_limit();
	unsigned n = (unsigned)number(argv[4]);
	for (unsigned i = 1; i <= n; i++) {
		if (!strcmp(argv[1], "ask"))
			open_client(argv[2], argv[3], i);
		else
			open_subscriber(argv[2], argv[3], i);
		if (i == n / 10 || i == n) {
			printf("{\"connections\": %u}\n", i);
			fflush(stdout);
			if (getchar() == EOF)
				return 1;
		}
	}
}

/*
 * Asks a service and prints the reply.
 *
 *     cc ask.c $(pkg-config --cflags --libs ferry) -o ask
 *     ./ask localhost:12345 upper hello
 */

#include <ferry.h>

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	struct ferry_reply reply;

	if (argc != 4) {
		fprintf(stderr, "usage: ask ADDRESS SERVICE REQUEST\n");
		return 64;
	}

	struct ferry *f = ferry_new();
	int failed = ferry_ask(f, argv[1], argv[2], argv[3], strlen(argv[3]), &reply, 10000) < 0;

	if (failed)
		fprintf(stderr, "ask: %s\n", ferry_why(f));
	else
		printf("%s\n", (const char *)reply.body);
	ferry_free(f);
	return failed;
}

/*
 * Publishes one message and waits until the hub has it.
 *
 *     cc publish.c $(pkg-config --cflags --libs ferry) -o publish
 *     ./publish localhost:12345 'the build is done'
 */

#include <ferry.h>

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	struct ferry_options options = ferry_options();
	uint64_t id;

	if (argc != 3) {
		fprintf(stderr, "usage: publish ADDRESS MESSAGE\n");
		return 64;
	}
	options.name = "publish";

	struct ferry *f = ferry_new();
	struct ferry_session *s = ferry_open(f, argv[1], &options);
	int failed = !s || ferry_publish_wait(s, argv[2], strlen(argv[2]), &id, 10000) < 0;

	if (failed)
		fprintf(stderr, "publish: %s\n", ferry_why(f));
	else
		printf("stored as %llu\n", (unsigned long long)id);
	ferry_close(s);
	ferry_free(f);
	return failed;
}

/*
 * Prints the messages of a topic, all that the hub has and then those that come.
 *
 *     cc follow.c $(pkg-config --cflags --libs ferry) -o follow
 *     ./follow localhost:12345 lobby
 */

#include <ferry.h>

#include <stdio.h>

int main(int argc, char **argv)
{
	struct ferry_options options = ferry_options();
	struct ferry_message m;
	int r = -1;

	if (argc != 3) {
		fprintf(stderr, "usage: follow ADDRESS TOPIC\n");
		return 64;
	}
	options.topic = argv[2];
	options.since = "all";
	options.follow = 1;

	struct ferry *f = ferry_new();
	struct ferry_session *s = ferry_open(f, argv[1], &options);

	while (s && (r = ferry_next(s, &m, -1)) > 0) {
		printf("%llu %s: ", (unsigned long long)m.id, m.from);
		fwrite(m.body, 1, m.body_len, stdout);
		putchar('\n');
		fflush(stdout);
	}
	if (r < 0)
		fprintf(stderr, "follow: %s\n", ferry_why(f));
	ferry_close(s);
	ferry_free(f);
	return r < 0;
}

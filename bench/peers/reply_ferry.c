/*
 * A service of a hub, with libferry: each request is its reply. Says when it serves.
 *
 *     reply-ferry ADDRESS WORKERS
 */

#include <ferry.h>

#include <stdio.h>
#include <stdlib.h>

static void on_request(void *data, struct ferry_request *r)
{
	(void)data;
	ferry_reply(r, r->body, r->body_len, 0);
}

static void on_done(void *data, int error, const struct ferry_reply *r)
{
	(void)r;
	*(int *)data = error ? -1 : 1;
}

/* Asks itself until it is answered. */
static int wait_until_served(struct ferry *f, const char *address)
{
	struct ferry_ask_options options = ferry_ask_options();
	int served = -1;

	options.done = on_done;
	options.data = &served;
	for (int tries = 0; served < 0 && tries < 1000; tries++) {
		served = 0;
		if (!ferry_ask_start(f, address, "up", "", 0, &options))
			return -1;
		while (!served)
			ferry_dispatch(f, -1);
	}
	return served;
}

int main(int argc, char **argv)
{
	struct ferry_serve_options options = ferry_serve_options();
	struct ferry *f = ferry_new();

	if (argc != 3)
		return 64;
	options.request = on_request;
	options.workers = (int)strtol(argv[2], NULL, 10);
	if (!ferry_serve(f, argv[1], "up", &options) || wait_until_served(f, argv[1]) < 0) {
		fprintf(stderr, "reply-ferry: %s\n", ferry_why(f));
		return 1;
	}
	printf("Serving\n");
	fflush(stdout);
	for (;;)
		ferry_dispatch(f, -1);
}

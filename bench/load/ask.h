#pragma once

/*
 * How to ask and to be answered, protocol by protocol: one request, one answer, on one connection,
 * in order, as many at once as the load likes.
 *
 * "NAME" or "NAME:ARGUMENT", the argument being a path for the HTTP ones.
 */

#include <stddef.h>

enum { REQUEST_MAX = 512 };

struct ask {
	const char *name;
	/* The opening exchange; CLIENT is the connection's number. */
	void (*open)(int fd, unsigned client);
	/* One request, at most REQUEST_MAX bytes: its length. */
	size_t (*encode)(char *to, unsigned client, const char *argument);
	/* What an answer is: so many bytes, or so many lines, or else an HTTP response. */
	size_t answer_size;
	size_t answer_lines;
};

/* The one of that name, and the argument ("" when there is none). */
const struct ask *ask_find(const char *name, const char **argument);

/* Where a connection stands in its answers. */
struct answers {
	size_t left; /* bytes or lines of the current answer yet to come, 0 between two */
	size_t head_len;
	char head[2048];
};

/* Takes what was received, and says how many answers were completed by it. Ends the program when an
 * HTTP response is none of success. */
size_t ask_count(const struct ask *a, struct answers *s, const char *data, size_t len);

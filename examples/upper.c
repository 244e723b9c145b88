/*
 * A service that replies in capitals, one request after the other.
 *
 *     cc upper.c $(pkg-config --cflags --libs ferry) -o upper
 *     ./upper localhost:12345 upper
 */

#include <ferry.h>

#include <ctype.h>
#include <stdio.h>

static int reply(struct ferry_request *r)
{
	char text[1024];
	size_t len = r->body_len < sizeof(text) ? r->body_len : sizeof(text);

	for (size_t i = 0; i < len; i++)
		text[i] = (char)toupper(((const unsigned char *)r->body)[i]);
	return ferry_reply(r, text, len, 0);
}

int main(int argc, char **argv)
{
	struct ferry_serve_options options = ferry_serve_options();
	struct ferry_request *r;

	if (argc != 3) {
		fprintf(stderr, "usage: upper ADDRESS SERVICE\n");
		return 64;
	}
	options.type = "text/plain";

	struct ferry *f = ferry_new();
	struct ferry_service *s = ferry_serve(f, argv[1], argv[2], &options);

	while (s && ferry_take(s, &r, -1) == 0)
		if (reply(r) < 0) /* the asker has left, say */
			fprintf(stderr, "upper: %s\n", ferry_why(f));
	fprintf(stderr, "upper: %s\n", ferry_why(f));
	ferry_service_free(s);
	ferry_free(f);
	return 1;
}

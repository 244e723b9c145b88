/*
 * A chat in one loop of its own: poll(2) waits for the keyboard and for ferry at once, and
 * callbacks tell what comes. The same way ferry lives in any other event loop.
 *
 *     cc chat.c $(pkg-config --cflags --libs ferry) -o chat
 *     ./chat localhost:12345 anna
 */

#include <ferry.h>

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct chat {
	struct ferry *ferry;
	int over;
	int error;
};

static void on_message(void *data, const struct ferry_message *m)
{
	printf("%s: %.*s\n", m->from, (int)m->body_len, (const char *)m->body);
	fflush(stdout);
}

static void on_stored(void *data, int error, uint64_t id)
{
	struct chat *chat = data;

	if (error)
		fprintf(stderr, "chat: not stored: %s\n", ferry_why(chat->ferry));
}

static void on_lost(void *data)
{
	struct chat *chat = data;

	fprintf(stderr, "chat: %s; trying again\n", ferry_why(chat->ferry));
}

static void on_closed(void *data, int error)
{
	struct chat *chat = data;

	chat->over = 1;
	chat->error = error;
}

/* A line was typed; 0 at the end of input. */
static int say(struct chat *chat, struct ferry_session *s)
{
	char line[1024];

	if (!fgets(line, sizeof(line), stdin))
		return 0;
	size_t len = strcspn(line, "\n");
	if (len && ferry_publish(s, line, len, on_stored, chat) < 0)
		fprintf(stderr, "chat: %s\n", ferry_why(chat->ferry));
	return 1;
}

static void talk(struct chat *chat, struct ferry_session *s)
{
	struct pollfd ready[2] = {
		{.fd = ferry_fd(chat->ferry), .events = POLLIN},
		{.fd = STDIN_FILENO, .events = POLLIN},
	};

	setvbuf(stdin, NULL, _IONBF, 0); /* poll(2) must see what is there to be read */
	while (!chat->over) {
		poll(ready, 2, -1);
		if (ready[0].revents)
			ferry_dispatch(chat->ferry, 0);
		if (!chat->over && ready[1].revents && !say(chat, s)) {
			ready[1].fd = -1;
			ferry_finish(s); /* on_closed() comes when all is stored */
		}
	}
}

int main(int argc, char **argv)
{
	struct chat chat = {.ferry = ferry_new()};
	struct ferry_options options = ferry_options();

	if (argc != 3) {
		fprintf(stderr, "usage: chat ADDRESS NAME\n");
		return 64;
	}
	options.name = argv[2];
	options.follow = 1;
	options.message = on_message;
	options.lost = on_lost;
	options.closed = on_closed;
	options.data = &chat;

	struct ferry_session *s = ferry_open(chat.ferry, argv[1], &options);
	if (s)
		talk(&chat, s);
	if (!s || chat.error)
		fprintf(stderr, "chat: %s\n", ferry_why(chat.ferry));
	ferry_close(s);
	ferry_free(chat.ferry);
	return !s || chat.error;
}

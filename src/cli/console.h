#pragma once

/*
 * The hub's own terminal: who comes, what they send, who goes; and the lines typed there.
 *
 * What is printed in a turn is one write. A reader of standard output that does not read holds up
 * nothing: what does not fit is left out and counted, like for any slow subscriber.
 */

#include "base/message.h"
#include "net/loop.h"

struct console;

struct console_options {
	bool json;
	/* Called with each line typed on standard input, when that is a terminal and ours. */
	void (*typed)(void *data, struct bytes line);
	void *data;
};

/* NULL when memory or descriptors are out. */
struct console *console_new(struct loop *l, const struct console_options *options);
/* Writes what is left, as far as that does not block. Takes NULL, returns NULL. */
struct console *console_free(struct console *c);

void console_listening(void *console, const char *address);
void console_opened(void *console, const char *peer);
void console_message(void *console, const struct message *m);
void console_closed(void *console, const char *peer);

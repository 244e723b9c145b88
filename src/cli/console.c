#include "cli/console.h"

#include "cli/terminal.h"
#include "net/standard.h"
#include "net/stream.h"
#include "wire/json.h"
#include "wire/plain.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { CONSOLE_LINE_MAX = 64 * 1024 };

struct console {
	struct console_options options;
	struct stream out;
	struct stream in;
	struct buffer text; /* printed in this turn */
	struct ending flush;
	struct plain lines; /* typed */
	uint64_t skipped;
	struct loop *loop;
	bool is_terminal;
};

static void console_on_flush(struct ending *e)
{
	struct console *c = container_of(e, struct console, flush);
	struct bytes text = buffer_bytes(&c->text);

	stream_write(&c->out, text.data, text.len); /* no one to tell when no one reads it */
	buffer_deinit(&c->text);
}

/* What standard output has not taken yet counts against what may still be printed. */
static bool console_has_room(struct console *c, size_t len)
{
	if (!stream_is_open(&c->out))
		return false;
	if (stream_queued(&c->out) + buffer_len(&c->text) + len > STREAM_LIMIT_DEFAULT) {
		c->skipped++;
		return false;
	}
	if (c->skipped) {
		buffer_print(&c->text,
			c->options.json ? "{\"skipped\":%llu}\n" : "skipped %llu messages\n",
			(unsigned long long)c->skipped);
		c->skipped = 0;
	}
	ending_ask(c->loop, &c->flush);
	return true;
}

static void console_event(struct console *c, const char *event, const char *key, const char *value)
{
	struct bytes text = bytes_text(value);
	uint8_t *to;

	if (!console_has_room(c, 64 + text.len))
		return;
	buffer_print(&c->text, "{\"event\":\"%s\",\"%s\":", event, key);
	if (buffer_reserve(&c->text, json_quote_size(text), &to) == 0)
		buffer_commit(&c->text, json_quote(text, to));
	buffer_append(&c->text, "}\n", 2);
}

void console_listening(void *console, const char *address)
{
	struct console *c = console;

	if (c->options.json)
		console_event(c, "listening", "address", address);
	else if (console_has_room(c, 32 + strlen(address)))
		buffer_print(&c->text, "Listening on %s\n", address);
}

void console_opened(void *console, const char *peer)
{
	struct console *c = console;

	if (c->options.json)
		console_event(c, "accepted", "peer", peer);
	else if (console_has_room(c, 32 + strlen(peer)))
		buffer_print(&c->text, "Accepted connection from: %s\n", peer);
}

void console_closed(void *console, const char *peer)
{
	struct console *c = console;

	if (c->options.json)
		console_event(c, "closed", "peer", peer);
	else if (console_has_room(c, 32 + strlen(peer)))
		buffer_print(&c->text, "Closed connection from: %s\n", peer);
}

static void console_append(struct console *c, struct bytes data)
{
	if (c->is_terminal)
		terminal_append(&c->text, data);
	else
		buffer_append(&c->text, data.data, data.len);
}

void console_message(void *console, const struct message *m)
{
	struct console *c = console;
	uint8_t *to;

	if (!c->options.json && bytes_equal(m->from, BYTES_LITERAL("host")) &&
		stream_is_open(&c->in) && !m->origin)
		return; /* it stands there, as it was typed */
	if (!console_has_room(c, 64 + m->from.len + m->topic.len + m->body.len))
		return;
	if (c->options.json) {
		if (buffer_reserve(&c->text, json_line_size(m), &to) == 0)
			buffer_commit(&c->text, json_line_encode(m, to));
		return;
	}
	buffer_append(&c->text, "This is what ", 13);
	console_append(c, m->from);
	buffer_append(&c->text, " sent", 5);
	if (!bytes_equal(m->topic, BYTES_LITERAL("lobby"))) {
		buffer_append(&c->text, " to ", 4);
		console_append(c, m->topic);
	}
	buffer_append(&c->text, ": ", 2);
	console_append(c, m->body);
	buffer_append(&c->text, "\n", 1);
}

/* ---- typed lines ---- */

static void console_on_typed(struct stream *s, struct bytes data)
{
	struct console *c = container_of(s, struct console, in);
	struct bytes line;

	while (plain_next(&c->lines, &data, CONSOLE_LINE_MAX, &line) == PLAIN_LINE)
		if (line.len)
			c->options.typed(c->options.data, line);
}

static void console_on_typed_end(struct stream *s)
{
	stream_deinit(s);
}

static void console_on_lost(struct stream *s, int error)
{
	stream_deinit(s);
}

static void console_on_writable(struct stream *s)
{
}

static const struct stream_handler console_in = {
	.received = console_on_typed,
	.ended = console_on_typed_end,
	.writable = console_on_writable,
	.failed = console_on_lost,
};

static void console_ignore(struct stream *s, struct bytes data)
{
}

static const struct stream_handler console_out = {
	.received = console_ignore,
	.ended = console_on_writable,
	.writable = console_on_writable,
	.failed = console_on_lost,
};

/* ---- life ---- */

/* Only the foreground may read a terminal; the background would be stopped for it (SIGTTIN). */
static void console_open_input(struct console *c)
{
	if (!c->options.typed || !isatty(STDIN_FILENO) || tcgetpgrp(STDIN_FILENO) != getpgrp())
		return;
	int fd = standard_open(STDIN_FILENO);
	if (fd >= 0)
		stream_init(&c->in, c->loop, fd, &console_in);
}

struct console *console_new(struct loop *l, const struct console_options *options)
{
	struct console *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->options = *options;
	c->loop = l;
	c->is_terminal = isatty(STDOUT_FILENO);
	c->in = STREAM_NULL;
	ending_init(&c->flush, console_on_flush);
	c->lines = PLAIN_NULL;
	int fd = standard_open(STDOUT_FILENO);
	if (fd < 0 || stream_init(&c->out, l, fd, &console_out) < 0) {
		free(c);
		return NULL;
	}
	stream_pause(&c->out); /* a terminal can be read from this side as well */
	console_open_input(c);
	return c;
}

struct console *console_free(struct console *c)
{
	if (!c)
		return NULL;
	if (buffer_len(&c->text))
		console_on_flush(&c->flush);
	ending_cancel(&c->flush);
	stream_deinit(&c->out);
	stream_deinit(&c->in);
	plain_deinit(&c->lines);
	buffer_deinit(&c->text);
	free(c);
	return NULL;
}

#include "cli/prompt.h"

#include "cli/editor.h"
#include "cli/terminal.h"
#include "net/standard.h"
#include "net/stream.h"
#include "wire/plain.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PROMPT_LINE_MAX = 64 * 1024 };

struct prompt {
	struct stream in;
	struct ending release;
	const char *text;
	const struct prompt_handler *handler; /* NULL once it is freed */
	void *data;
	struct editor *editor; /* or NULL, and then: */
	struct plain lines;
	uv_signal_t *resized, *continued;
};

static struct prompt *prompt_of(struct stream *s)
{
	return container_of(s, struct prompt, in);
}

static void prompt_typed(struct prompt *p, struct bytes line)
{
	if (line.len)
		p->handler->typed(p->data, line);
}

static void prompt_end(struct prompt *p)
{
	stream_pause(&p->in);
	p->handler->ended(p->data);
}

/* ---- with and without the editor ---- */

static void prompt_edit(struct prompt *p, struct bytes typed)
{
	struct bytes line;
	int r = editor_feed(p->editor, typed) < 0 ? EDITOR_END : EDITOR_LINE;

	while (r == EDITOR_LINE && p->handler) {
		r = editor_next(p->editor, &line);
		if (r == EDITOR_LINE)
			prompt_typed(p, line);
	}
	if (r == EDITOR_END)
		prompt_end(p);
}

static void prompt_show(struct prompt *p)
{
	fputs(p->text, stdout);
	fflush(stdout);
}

static void prompt_read_lines(struct prompt *p, struct bytes typed)
{
	struct bytes line;

	while (p->handler && plain_next(&p->lines, &typed, PROMPT_LINE_MAX, &line) == PLAIN_LINE) {
		prompt_typed(p, line);
		if (p->handler)
			prompt_show(p);
	}
}

void prompt_print(struct prompt *p, struct bytes lines)
{
	if (p->editor) {
		editor_print(p->editor, lines);
		return;
	}
	fputs(terminal_moves_cursor() ? "\r\033[K" : "\n", stdout);
	fwrite(lines.data, 1, lines.len, stdout);
	prompt_show(p);
}

/* ---- the terminal ---- */

static void prompt_on_received(struct stream *s, struct bytes typed)
{
	struct prompt *p = prompt_of(s);

	if (p->editor)
		prompt_edit(p, typed);
	else
		prompt_read_lines(p, typed);
}

static void prompt_on_ended(struct stream *s)
{
	struct prompt *p = prompt_of(s);

	if (!p->editor)
		putchar('\n');
	prompt_end(p);
}

static void prompt_on_failed(struct stream *s, int error)
{
	prompt_end(prompt_of(s));
}

static void prompt_on_writable(struct stream *s)
{
}

static const struct stream_handler prompt_stream_handler = {
	.received = prompt_on_received,
	.ended = prompt_on_ended,
	.writable = prompt_on_writable,
	.failed = prompt_on_failed,
};

/* Another size, or back from the background. */
static void prompt_on_signal(uv_signal_t *handle, int number)
{
	struct prompt *p = handle->data;

	if (p->editor)
		editor_redraw(p->editor);
	else
		prompt_show(p);
}

/* ---- life ---- */

bool prompt_is_possible(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) &&
	       tcgetpgrp(STDIN_FILENO) == getpgrp();
}

static uv_signal_t *prompt_watch(struct prompt *p, int number)
{
	uv_signal_t *handle = malloc(sizeof(*handle));

	if (!handle)
		return NULL;
	uv_signal_init(&p->in.loop->uv, handle);
	handle->data = p;
	uv_signal_start(handle, prompt_on_signal, number);
	return handle;
}

static void prompt_free_signal(uv_handle_t *handle)
{
	free(handle);
}

static void prompt_unwatch(uv_signal_t *handle)
{
	if (handle)
		uv_close((uv_handle_t *)handle, prompt_free_signal);
}

/* At the end of the turn, as it may have begun in one of its own callbacks. */
static void prompt_release(struct ending *e)
{
	struct prompt *p = container_of(e, struct prompt, release);

	editor_free(p->editor);
	plain_deinit(&p->lines);
	free(p);
}

struct prompt *prompt_new(
	struct loop *l, const char *text, const struct prompt_handler *handler, void *data)
{
	struct prompt *p = calloc(1, sizeof(*p));
	int fd = standard_open(STDIN_FILENO);

	if (!p || fd < 0) {
		free(p);
		return NULL;
	}
	if (stream_init(&p->in, l, fd, &prompt_stream_handler) < 0) {
		free(p);
		return NULL;
	}
	ending_init(&p->release, prompt_release);
	p->text = text;
	p->handler = handler;
	p->data = data;
	p->editor = editor_new(text, fd);
	p->resized = prompt_watch(p, SIGWINCH);
	p->continued = prompt_watch(p, SIGCONT);
	if (!p->editor)
		prompt_show(p);
	return p;
}

struct prompt *prompt_free(struct prompt *p)
{
	if (!p)
		return NULL;
	p->handler = NULL;
	stream_deinit(&p->in);
	prompt_unwatch(p->resized);
	prompt_unwatch(p->continued);
	ending_ask(p->in.loop, &p->release);
	return NULL;
}

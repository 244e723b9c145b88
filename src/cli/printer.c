#include "cli/printer.h"

#include "base/log.h"
#include "cli/terminal.h"
#include "net/standard.h"
#include "net/sys.h"
#include "wire/json.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { PRINTER_FULL = 256 * 1024 };

static struct printer *printer_of(struct stream *s)
{
	return container_of(s, struct printer, out);
}

static void printer_tell_room(struct printer *p)
{
	if (!p->full || stream_is_blocked(&p->out))
		return;
	p->full = false;
	p->handler->room(p->data);
}

static void printer_on_flush(struct ending *e)
{
	struct printer *p = container_of(e, struct printer, flush);
	struct bytes text = buffer_bytes(&p->text);

	int r = 0;
	if (p->prompt)
		prompt_print(p->prompt, text);
	else
		r = stream_write(&p->out, text.data, text.len);
	buffer_deinit(&p->text);
	if (r < 0)
		p->handler->failed(p->data, r);
	else
		printer_tell_room(p);
}

static void printer_ask_flush(struct printer *p)
{
	ending_ask(p->out.loop, &p->flush);
}

static void printer_on_writable(struct stream *s)
{
	printer_tell_room(printer_of(s));
}

static void printer_on_failed(struct stream *s, int error)
{
	struct printer *p = printer_of(s);

	stream_deinit(s);
	p->handler->failed(p->data, error);
}

static void printer_on_received(struct stream *s, struct bytes data)
{
}

static void printer_on_ended(struct stream *s)
{
}

static const struct stream_handler printer_stream_handler = {
	.received = printer_on_received,
	.ended = printer_on_ended,
	.writable = printer_on_writable,
	.failed = printer_on_failed,
};

int printer_init(struct printer *p, struct loop *l, bool json,
	const struct printer_handler *handler, void *data)
{
	*p = PRINTER_NULL;
	p->handler = handler;
	p->data = data;
	p->json = json;
	p->is_terminal = isatty(STDOUT_FILENO);
	ending_init(&p->flush, printer_on_flush);
	int fd = standard_open(STDOUT_FILENO);
	if (fd < 0)
		return fd;
	int r = stream_init(&p->out, l, fd, &printer_stream_handler);
	if (r < 0)
		return r;
	p->out.limit = UINT32_MAX; /* printer_is_full() is the bound */
	stream_pause(&p->out);	   /* a terminal could be read from this side as well */
	return 0;
}

void printer_deinit(struct printer *p)
{
	if (!p->handler)
		return;
	ending_cancel(&p->flush);
	stream_deinit(&p->out);
	buffer_deinit(&p->text);
	p->handler = NULL;
}

static int printer_write_all(const struct printer *p, struct bytes text)
{
	struct pollfd ready = {.fd = p->out.source.fd, .events = POLLOUT};

	while (text.len) {
		ssize_t n = sys_write(ready.fd, text.data, text.len);
		if (n > 0)
			text = bytes_of(text.data + n, text.len - (size_t)n);
		else if (n != -EAGAIN)
			return (int)n;
		else
			poll(&ready, 1, -1);
	}
	return 0;
}

int printer_drain(struct printer *p)
{
	if (!p->handler || !stream_is_open(&p->out))
		return 0;
	ending_cancel(&p->flush);
	int r = printer_write_all(p, buffer_bytes(&p->out.queue));
	return r < 0 ? r : printer_write_all(p, buffer_bytes(&p->text));
}

static void printer_append(struct printer *p, struct bytes data)
{
	int r = p->is_terminal ? terminal_append(&p->text, data)
			       : buffer_append(&p->text, data.data, data.len);
	if (r < 0)
		p->handler->failed(p->data, r);
}

static void printer_append_object(struct printer *p, const struct message *m)
{
	uint8_t *to;

	int r = buffer_reserve(&p->text, json_line_size(m), &to);
	if (r < 0)
		p->handler->failed(p->data, r);
	else
		buffer_commit(&p->text, json_line_encode(m, to));
}

void printer_message(struct printer *p, const struct message *m)
{
	if (p->json) {
		printer_append_object(p, m);
	} else {
		if (m->from.len) {
			printer_append(p, m->from);
			buffer_append(&p->text, ": ", 2);
		}
		printer_append(p, m->body);
		buffer_append(&p->text, "\n", 1);
	}
	printer_ask_flush(p);
}

void printer_note(struct printer *p, const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (!p->prompt) {
		log_note("%s", line);
		return;
	}
	buffer_append(&p->text, "* ", 2);
	terminal_append(&p->text, bytes_text(line));
	buffer_append(&p->text, "\n", 1);
	printer_ask_flush(p);
}

void printer_skipped(struct printer *p, uint64_t count)
{
	uint8_t notice[64];

	if (p->json) {
		buffer_append(&p->text, notice, json_line_skipped(count, notice));
		printer_ask_flush(p);
	} else if (count) {
		printer_note(p, "skipped %llu messages", (unsigned long long)count);
	} else {
		printer_note(p, "skipped messages");
	}
}

void printer_set_prompt(struct printer *p, struct prompt *prompt)
{
	if (buffer_len(&p->text)) {
		ending_cancel(&p->flush);
		printer_on_flush(&p->flush);
	}
	p->prompt = prompt;
}

bool printer_is_full(struct printer *p)
{
	p->full = p->full || stream_queued(&p->out) + buffer_len(&p->text) >= PRINTER_FULL;
	return p->full;
}

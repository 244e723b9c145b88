#include "cli/input.h"

#include "net/standard.h"

#include <errno.h>
#include <unistd.h>

static struct input *input_of(struct stream *s)
{
	return container_of(s, struct input, stream);
}

/* Hands out the lines in DATA as long as they are wanted; what is left over. */
static struct bytes input_give(struct input *i, struct bytes data)
{
	struct bytes line;

	while (i->handler && i->handler->wants(i->data) &&
		plain_next(&i->plain, &data, INPUT_LINE_MAX, &line) == PLAIN_LINE)
		if (line.len)
			i->handler->line(i->data, line);
	return i->handler ? data : BYTES_NULL;
}

/* The end, once everything before it was taken. */
static void input_finish(struct input *i)
{
	struct bytes line;

	if (!i->ended || buffer_len(&i->held) || !i->handler || !i->handler->wants(i->data))
		return;
	if (plain_flush(&i->plain, true, INPUT_LINE_MAX, &line) == PLAIN_LINE) {
		i->handler->line(i->data, line);
		input_finish(i);
		return;
	}
	const struct input_handler *handler = i->handler;
	input_deinit(i);
	handler->ended(i->data, i->error);
}

static void input_on_received(struct stream *s, struct bytes data)
{
	struct input *i = input_of(s);

	data = input_give(i, data);
	if (!data.len)
		return;
	stream_pause(s);
	if (buffer_append(&i->held, data.data, data.len) < 0) {
		i->error = -ENOMEM;
		i->ended = true;
		input_finish(i);
	}
}

void input_resume(struct input *i)
{
	if (!i->handler)
		return;
	if (buffer_len(&i->held)) {
		struct bytes left = input_give(i, buffer_bytes(&i->held));
		if (!i->handler)
			return;
		buffer_consume(&i->held, buffer_len(&i->held) - left.len);
	}
	if (buffer_len(&i->held))
		return;
	buffer_deinit(&i->held);
	if (i->ended)
		input_finish(i);
	else
		stream_resume(&i->stream);
}

static void input_on_ended(struct stream *s)
{
	struct input *i = input_of(s);

	i->ended = true;
	input_finish(i);
}

static void input_on_writable(struct stream *s)
{
}

static void input_on_failed(struct stream *s, int error)
{
	struct input *i = input_of(s);

	i->error = error;
	i->ended = true;
	input_finish(i);
}

static const struct stream_handler input_stream_handler = {
	.received = input_on_received,
	.ended = input_on_ended,
	.writable = input_on_writable,
	.failed = input_on_failed,
};

int input_init(struct input *i, struct loop *l, const struct input_handler *handler, void *data)
{
	*i = INPUT_NULL;
	int fd = standard_open(STDIN_FILENO);
	if (fd < 0)
		return fd;
	int r = stream_init(&i->stream, l, fd, &input_stream_handler);
	if (r < 0)
		return r;
	i->handler = handler;
	i->data = data;
	return 0;
}

void input_deinit(struct input *i)
{
	if (!i->handler)
		return;
	i->handler = NULL;
	stream_deinit(&i->stream);
	plain_deinit(&i->plain);
	buffer_deinit(&i->held);
}

#include "wire/sse.h"

#include <errno.h>

#include "wire/json.h"
#include "wire/put.h"

#define ID   "id: "
#define DATA "\ndata: "
#define END  "\n\n"

size_t sse_size(const struct message *m)
{
	return sizeof(ID DATA END) - 1 + decimal_size(m->id) + json_message_size(m);
}

size_t sse_encode(const struct message *m, uint8_t *to)
{
	uint8_t *at = put_literal(to, ID);

	at = put_decimal(at, m->id);
	at = put_literal(at, DATA);
	at += json_message_encode(m, at);
	at = put_literal(at, END);
	return (size_t)(at - to);
}

size_t sse_skipped(uint64_t count, uint8_t *to)
{
	uint8_t *at = put_literal(to, "event: " SSE_TYPE_SKIPPED DATA);

	at += json_message_skipped(count, at);
	at = put_literal(at, END);
	return (size_t)(at - to);
}

/* ---- in ---- */

void sse_deinit(struct sse *s)
{
	buffer_deinit(&s->line);
	buffer_deinit(&s->type);
	buffer_deinit(&s->data);
	buffer_deinit(&s->id);
}

static bool begins_with(struct bytes b, struct bytes with)
{
	return b.len >= with.len && bytes_equal(bytes_of(b.data, with.len), with);
}

static int set(struct buffer *b, struct bytes value)
{
	buffer_consume(b, SIZE_MAX);
	return buffer_append(b, value.data, value.len);
}

static int sse_add_data(struct sse *s, struct bytes value, size_t max)
{
	if (buffer_len(&s->data) + value.len > max)
		return -EMSGSIZE;
	int r = buffer_append(&s->data, value.data, value.len);
	return r < 0 ? r : buffer_append(&s->data, "\n", 1);
}

static void sse_set_retry(struct sse *s, struct bytes value)
{
	uint64_t ms = 0;

	for (size_t i = 0; i < value.len; i++) {
		if (value.data[i] < '0' || value.data[i] > '9')
			return;
		ms = ms * 10 + (uint64_t)(value.data[i] - '0');
		if (ms > UINT32_MAX)
			return;
	}
	if (value.len)
		s->retry_ms = (uint32_t)ms;
}

static int sse_field(struct sse *s, struct bytes line, size_t max)
{
	const uint8_t *colon = memchr(line.data, ':', line.len);
	struct bytes name = bytes_of(line.data, colon ? (size_t)(colon - line.data) : line.len);
	struct bytes value = BYTES_NULL;

	if (colon) {
		value = bytes_skip(line, name.len + 1);
		if (begins_with(value, BYTES_LITERAL(" ")))
			value = bytes_skip(value, 1);
	}
	if (bytes_equal(name, BYTES_LITERAL("data")))
		return sse_add_data(s, value, max);
	if (bytes_equal(name, BYTES_LITERAL("event")))
		return set(&s->type, value);
	if (bytes_equal(name, BYTES_LITERAL("id")) &&
		!(value.len && memchr(value.data, '\0', value.len)))
		return set(&s->id, value);
	if (bytes_equal(name, BYTES_LITERAL("retry")))
		sse_set_retry(s, value);
	return 0; /* all else, a comment (no name) too, means nothing */
}

/* An empty line: the event, if it has data. What it hands out stays in place until the next line.
 */
static int sse_dispatch(struct sse *s, struct sse_event *event)
{
	struct bytes data = buffer_bytes(&s->data);
	struct bytes type = buffer_bytes(&s->type);

	buffer_consume(&s->data, SIZE_MAX);
	buffer_consume(&s->type, SIZE_MAX);
	if (!data.len)
		return SSE_MORE;
	event->type = type.len ? type : BYTES_LITERAL("message");
	event->data = bytes_of(data.data, data.len - 1);
	event->id = buffer_bytes(&s->id);
	return SSE_EVENT;
}

/* Takes the next line, without its end, off *in. 1, or 0 when its end has not come. */
static int sse_take_line(struct sse *s, struct bytes *in, size_t max, struct bytes *line)
{
	size_t len = 0;

	if (s->after_cr && in->len) {
		*in = bytes_skip(*in, *in->data == '\n');
		s->after_cr = false;
	}
	while (len < in->len && in->data[len] != '\n' && in->data[len] != '\r')
		len++;
	if (buffer_len(&s->line) + len > max)
		return -EMSGSIZE;

	bool ended = len < in->len;
	*line = bytes_of(in->data, len);
	if (!ended || buffer_len(&s->line)) {
		int r = buffer_append(&s->line, in->data, len);
		if (r < 0)
			return r;
		*line = buffer_bytes(&s->line);
	}
	if (ended) {
		s->after_cr = in->data[len] == '\r';
		buffer_consume(&s->line, SIZE_MAX);
	}
	*in = bytes_skip(*in, len + ended);
	return ended;
}

int sse_next(struct sse *s, struct bytes *in, size_t max, struct sse_event *event)
{
	struct bytes line;
	int r;

	while ((r = sse_take_line(s, in, max, &line)) > 0) {
		if (!s->begun && begins_with(line, BYTES_LITERAL("\xef\xbb\xbf")))
			line = bytes_skip(line, 3);
		s->begun = true;
		r = line.len ? sse_field(s, line, max) : sse_dispatch(s, event);
		if (r)
			return r;
	}
	return r;
}

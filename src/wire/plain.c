/*
 * To tell whether a line is longer than MAX, its first MAX + 2 bytes must be known: at the most
 * they are the MAX bytes, CR and LF. So that is the window that is searched for LF; a line is cut
 * only when the window has come and has no end in it, which is why the pieces do not depend on how
 * the bytes came. The rest holds one byte less than the window at the most.
 */

#include "wire/plain.h"

#include "base/utf8.h"
#include "wire/put.h"

static struct bytes without_cr(struct bytes line)
{
	if (line.len && line.data[line.len - 1] == '\r')
		line.len--;
	return line;
}

void plain_deinit(struct plain *p)
{
	buffer_deinit(&p->rest);
	*p = PLAIN_NULL;
}

/* KNOWN begins a line: it is the window, or ends where the line end comes. */
static struct bytes plain_cut(struct bytes known, bool has_end, size_t max, bool *whole)
{
	struct bytes line = without_cr(known);

	*whole = has_end && line.len <= max;
	if (!*whole)
		line = bytes_of(known.data, utf8_complete_prefix(bytes_of(known.data, max)));
	return line;
}

int plain_next(struct plain *p, struct bytes *in, size_t max, struct bytes *line)
{
	bool whole;

	for (;;) {
		size_t held = buffer_len(&p->rest);
		size_t window = held < max + 2 ? max + 2 - held : 0;
		size_t len = in->len < window ? in->len : window;
		const uint8_t *end = len ? memchr(in->data, '\n', len) : NULL;
		if (end)
			len = (size_t)(end - in->data);

		if (!held && p->rest.data)
			buffer_deinit(&p->rest);
		if (held || (!end && len < window)) {
			int r = buffer_append(&p->rest, in->data, len);
			if (r < 0)
				return r;
			*in = bytes_skip(*in, len);
			if (!end && len < window)
				return PLAIN_MORE;
			*line = plain_cut(buffer_bytes(&p->rest), end, max, &whole);
			buffer_consume(&p->rest, whole ? SIZE_MAX : line->len);
			*in = bytes_skip(*in, whole);
		} else {
			*line = plain_cut(bytes_of(in->data, len), end, max, &whole);
			*in = bytes_skip(*in, whole ? len + 1 : line->len);
		}
		bool is_late_end = p->flushed && whole && !line->len;
		p->flushed = false;
		if (!is_late_end)
			return PLAIN_LINE;
	}
}

int plain_flush(struct plain *p, bool final, size_t max, struct bytes *line)
{
	struct bytes known = buffer_bytes(&p->rest);

	if (known.len > max)
		known.len = utf8_complete_prefix(bytes_of(known.data, max));
	else if (!final)
		known.len = without_cr(bytes_of(known.data, utf8_complete_prefix(known))).len;
	if (!known.len) {
		if (!plain_pending(p))
			buffer_deinit(&p->rest);
		return PLAIN_MORE;
	}
	buffer_consume(&p->rest, known.len);
	p->flushed = true;
	*line = known;
	return PLAIN_LINE;
}

size_t plain_size(const struct message *m)
{
	return m->from.len + 2 + m->body.len + 1;
}

size_t plain_encode(const struct message *m, uint8_t *to)
{
	uint8_t *at = put_bytes(to, m->from);

	at = put_literal(at, ": ");
	at = put_bytes(at, m->body);
	*at++ = '\n';
	return (size_t)(at - to);
}

size_t plain_skipped(uint64_t count, uint8_t *to)
{
	uint8_t *at = put_literal(to, "skipped ");

	if (count) {
		at = put_decimal(at, count);
		*at++ = ' ';
	}
	at = put_literal(at, "messages\n");
	return (size_t)(at - to);
}

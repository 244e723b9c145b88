#include "wire/http_writer.h"

#include <errno.h>

#include "wire/put.h"

static void put(struct http_writer *writer, struct bytes text)
{
	if (!writer->error)
		writer->error = buffer_append(writer->out, text.data, text.len);
}

static void begin(struct http_writer *writer, struct buffer *out)
{
	*writer = (struct http_writer){.out = out, .mark = buffer_len(out)};
}

static struct bytes decimal(uint8_t digits[20], uint64_t number)
{
	return bytes_of(digits, (size_t)(put_decimal(digits, number) - digits));
}

void http_writer_response(
	struct http_writer *writer, struct buffer *out, int status, struct bytes date)
{
	uint8_t digits[20];

	begin(writer, out);
	put(writer, BYTES_LITERAL("HTTP/1.1 "));
	put(writer, decimal(digits, (uint64_t)status));
	put(writer, BYTES_LITERAL(" "));
	put(writer, bytes_text(http_reason(status)));
	put(writer, BYTES_LITERAL("\r\n"));
	if (date.len)
		http_writer_field(writer, "Date", date);
}

void http_writer_request(struct http_writer *writer, struct buffer *out, enum http_method method,
	struct bytes target)
{
	begin(writer, out);
	for (size_t i = 0; i < target.len; i++)
		if (target.data[i] <= ' ' || target.data[i] == 0x7f)
			writer->error = -EINVAL;
	if (!target.len || method == HTTP_METHOD_OTHER)
		writer->error = -EINVAL;
	put(writer, bytes_text(http_method_name(method)));
	put(writer, BYTES_LITERAL(" "));
	put(writer, target);
	put(writer, BYTES_LITERAL(" HTTP/1.1\r\n"));
}

void http_writer_field(struct http_writer *writer, const char *name, struct bytes value)
{
	struct bytes field = bytes_text(name);
	uint8_t *to;

	if (!http_is_value(value) || !http_is_token(field))
		writer->error = -EINVAL;
	if (!writer->error)
		writer->error = buffer_reserve(writer->out, field.len + value.len + 4, &to);
	if (writer->error)
		return;
	to = put_bytes(to, field);
	to = put_literal(to, ": ");
	to = put_bytes(to, value);
	put_literal(to, "\r\n");
	buffer_commit(writer->out, field.len + value.len + 4);
}

void http_writer_text(struct http_writer *writer, const char *name, const char *value)
{
	http_writer_field(writer, name, bytes_text(value));
}

void http_writer_number(struct http_writer *writer, const char *name, uint64_t value)
{
	uint8_t digits[20];

	http_writer_field(writer, name, decimal(digits, value));
}

int http_writer_end(struct http_writer *writer)
{
	put(writer, BYTES_LITERAL("\r\n"));
	if (writer->error)
		writer->out->end = writer->out->start + writer->mark;
	return writer->error;
}

size_t http_chunk_head(char head[HTTP_CHUNK_HEAD_MAX], uint64_t len)
{
	static const char digits[] = "0123456789abcdef";
	size_t size = 1;

	while (size < 16 && len >> (4 * size))
		size++;
	for (size_t i = size; i; len >>= 4)
		head[--i] = digits[len & 15];
	head[size] = '\r';
	head[size + 1] = '\n';
	return size + 2;
}

int http_chunk_append(struct buffer *out, struct bytes data)
{
	char head[HTTP_CHUNK_HEAD_MAX];
	uint8_t *to;

	if (!data.len)
		return 0;
	size_t len = http_chunk_head(head, data.len);
	int r = buffer_reserve(out, len + data.len + 2, &to);
	if (r < 0)
		return r;
	memcpy(to, head, len);
	memcpy(to + len, data.data, data.len);
	memcpy(to + len + data.len, HTTP_CHUNK_END, 2);
	buffer_commit(out, len + data.len + 2);
	return 0;
}

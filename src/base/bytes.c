#include "base/bytes.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* What is printed is short most of the time; only what is not is formatted twice. */
enum { BUFFER_MIN = 64, PRINT_GUESS = 64 };

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

bool bytes_cut(struct bytes *rest, uint8_t separator, struct bytes *before)
{
	const uint8_t *end = rest->len ? memchr(rest->data, separator, rest->len) : NULL;

	if (!end)
		return false;
	*before = bytes_of(rest->data, (size_t)(end - rest->data));
	*rest = bytes_skip(*rest, before->len + 1);
	return true;
}

bool bytes_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len && (!a.len || !memcmp(a.data, b.data, a.len));
}

uint64_t bytes_hash(struct bytes b)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < b.len; i++)
		hash = (hash ^ b.data[i]) * 0x100000001b3;
	return hash;
}

bool bytes_equal_nocase(struct bytes a, struct bytes b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (a.data[i] != b.data[i] && lower(a.data[i]) != lower(b.data[i]))
			return false;
	return true;
}

char *bytes_dup(struct bytes b)
{
	char *copy = malloc(b.len + 1);
	if (!copy)
		return NULL;
	if (b.len)
		memcpy(copy, b.data, b.len);
	copy[b.len] = '\0';
	return copy;
}

void buffer_deinit(struct buffer *b)
{
	free(b->data);
	*b = BUFFER_NULL;
}

static void buffer_compact(struct buffer *b)
{
	if (!b->start)
		return;
	memmove(b->data, b->data + b->start, b->end - b->start);
	b->end -= b->start;
	b->start = 0;
}

int buffer_reserve(struct buffer *b, size_t len, uint8_t **to)
{
	if (b->cap - b->end < len) {
		size_t need = buffer_len(b) + len;
		if (need < len)
			return -ENOMEM;
		if (need <= b->cap / 2) {
			buffer_compact(b);
		} else {
			size_t cap = b->cap ? b->cap : BUFFER_MIN;
			while (cap < need)
				cap *= 2;
			buffer_compact(b);
			uint8_t *data = realloc(b->data, cap);
			if (!data)
				return -ENOMEM;
			b->data = data;
			b->cap = cap;
		}
	}
	*to = b->data ? b->data + b->end : NULL;
	return 0;
}

int buffer_append(struct buffer *b, const void *data, size_t len)
{
	uint8_t *to;

	if (!len)
		return 0;
	int r = buffer_reserve(b, len, &to);
	if (r < 0)
		return r;
	memcpy(to, data, len);
	buffer_commit(b, len);
	return 0;
}

int buffer_print(struct buffer *b, const char *format, ...)
{
	va_list args;
	uint8_t *to;

	int r = buffer_reserve(b, PRINT_GUESS, &to);
	if (r < 0)
		return r;
	va_start(args, format);
	int len = vsnprintf((char *)to, PRINT_GUESS, format, args);
	va_end(args);
	if (len < 0)
		return -EINVAL;
	if (len >= PRINT_GUESS) {
		r = buffer_reserve(b, (size_t)len + 1, &to);
		if (r < 0)
			return r;
		va_start(args, format);
		vsnprintf((char *)to, (size_t)len + 1, format, args);
		va_end(args);
	}
	buffer_commit(b, (size_t)len);
	return 0;
}

void buffer_consume(struct buffer *b, size_t len)
{
	if (len >= buffer_len(b)) {
		b->start = 0;
		b->end = 0;
	} else {
		b->start += len;
	}
}

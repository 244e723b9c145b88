#pragma once

/*
 * Bytes
 *
 * `struct bytes` borrows: a pointer and a length, alive as long as whatever it points into.
 * `struct buffer` owns: bytes are appended at its end and consumed from its front. Consuming moves
 * an index; the rest is moved to the front only when an append needs the room, so a buffer that is
 * drained as fast as it is filled copies nothing.
 *
 * Functions that may have to allocate return 0 or -ENOMEM; nothing is changed then.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

struct bytes {
	const uint8_t *data;
	size_t len;
};

#define BYTES_NULL	 ((struct bytes){0})
#define BYTES_LITERAL(s) ((struct bytes)BYTES_INIT(s))
/* The same as an initialiser, for static tables. */
#define BYTES_INIT(s)                                                                              \
	{                                                                                          \
		(const uint8_t *)(s), sizeof(s) - 1                                                \
	}

struct buffer {
	uint8_t *data;
	size_t start; /* first byte not yet consumed */
	size_t end;   /* one past the last byte */
	size_t cap;
};

#define BUFFER_NULL ((struct buffer){0})

static inline struct bytes bytes_of(const void *data, size_t len)
{
	return (struct bytes){data, len};
}

static inline struct bytes bytes_text(const char *text)
{
	return (struct bytes){(const uint8_t *)text, strlen(text)};
}

/* B without its first LEN bytes; it must have them. */
static inline struct bytes bytes_skip(struct bytes b, size_t len)
{
	return len ? (struct bytes){b.data + len, b.len - len} : b;
}

/* Takes what is before the first SEPARATOR, and the separator, off *rest. False, and nothing is
 * changed, when there is none. */
bool bytes_cut(struct bytes *rest, uint8_t separator, struct bytes *before);

bool bytes_equal(struct bytes a, struct bytes b);

/* The same, A to Z and a to z taken as one (ASCII only: what header names and schemes need). */
bool bytes_equal_nocase(struct bytes a, struct bytes b);

/* FNV-1a, 64 bits (Fowler, Noll, Vo): the same everywhere and always, and no protection against
 * those who want two to be alike. */
uint64_t bytes_hash(struct bytes b);

/* A NUL-terminated copy on the heap, or NULL when memory is out. */
char *bytes_dup(struct bytes b);

/* Frees the memory and makes the buffer empty; always safe on BUFFER_NULL. */
void buffer_deinit(struct buffer *b);

static inline struct bytes buffer_bytes(const struct buffer *b)
{
	return b->data ? (struct bytes){b->data + b->start, b->end - b->start} : BYTES_NULL;
}

static inline size_t buffer_len(const struct buffer *b)
{
	return b->end - b->start;
}

/* Makes room for LEN more bytes at the end; *to points at it, valid until the next call. */
int buffer_reserve(struct buffer *b, size_t len, uint8_t **to);

/* Counts LEN bytes written into the reserved room as part of the buffer. */
static inline void buffer_commit(struct buffer *b, size_t len)
{
	b->end += len;
}

int buffer_append(struct buffer *b, const void *data, size_t len);
int buffer_print(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Drops LEN bytes (at most all) from the front. An emptied buffer keeps its memory. */
void buffer_consume(struct buffer *b, size_t len);

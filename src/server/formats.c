#include "server/formats.h"

#include "wire/http_writer.h"
#include "wire/json.h"
#include "wire/plain.h"
#include "wire/sse.h"
#include "wire/websocket.h"

/* A body and a line end. */
static size_t text_size(const struct message *m)
{
	return m->body.len + 1;
}

static size_t text_encode(const struct message *m, uint8_t *to)
{
	if (m->body.len)
		memcpy(to, m->body.data, m->body.len);
	to[m->body.len] = '\n';
	return m->body.len + 1;
}

/* ---- chunks ---- */

static size_t chunk_size(size_t len)
{
	return HTTP_CHUNK_HEAD_MAX + len + 2;
}

/* The head's length is known only with the chunk's; what ENCODE writes is put behind the longest
 * head and moved, which a message of some hundred bytes does not notice. */
static size_t chunk_encode(const struct message *m,
	size_t (*encode)(const struct message *m, uint8_t *to), uint8_t *to)
{
	char head[HTTP_CHUNK_HEAD_MAX];

	size_t len = encode(m, to + HTTP_CHUNK_HEAD_MAX);
	if (!len)
		return 0;
	size_t head_len = http_chunk_head(head, len);
	memcpy(to, head, head_len);
	memmove(to + head_len, to + HTTP_CHUNK_HEAD_MAX, len);
	memcpy(to + head_len + len, HTTP_CHUNK_END, 2);
	return head_len + len + 2;
}

static size_t chunk_skipped(uint64_t n, size_t (*skipped)(uint64_t n, uint8_t *to), uint8_t *to)
{
	uint8_t notice[TAPE_SKIPPED_MAX];
	char head[HTTP_CHUNK_HEAD_MAX];

	size_t len = skipped(n, notice);
	if (!len)
		return 0;
	size_t head_len = http_chunk_head(head, len);
	memcpy(to, head, head_len);
	memcpy(to + head_len, notice, len);
	memcpy(to + head_len + len, HTTP_CHUNK_END, 2);
	return head_len + len + 2;
}

/* The three functions of WIRE's chunked form. */
#define CHUNKED(wire)                                                                              \
	static size_t wire##_chunk_size(const struct message *m)                                   \
	{                                                                                          \
		return chunk_size(wire##_size(m));                                                 \
	}                                                                                          \
	static size_t wire##_chunk_encode(const struct message *m, uint8_t *to)                    \
	{                                                                                          \
		return chunk_encode(m, wire##_encode, to);                                         \
	}                                                                                          \
	static size_t wire##_chunk_skipped(uint64_t n, uint8_t *to)                                \
	{                                                                                          \
		return chunk_skipped(n, wire##_skipped, to);                                       \
	}                                                                                          \
	static const struct tape_format wire##_chunked = {                                         \
		.name = #wire "-chunked",                                                          \
		.size = wire##_chunk_size,                                                         \
		.encode = wire##_chunk_encode,                                                     \
		.skipped = wire##_chunk_skipped,                                                   \
	};                                                                                         \
	static const struct tape_format wire##_bare = {                                            \
		.name = #wire,                                                                     \
		.size = wire##_size,                                                               \
		.encode = wire##_encode,                                                           \
		.skipped = wire##_skipped,                                                         \
	}

static size_t text_skipped(uint64_t n, uint8_t *to)
{
	return plain_skipped(n, to);
}

CHUNKED(text);
CHUNKED(json_line);
CHUNKED(sse);

const struct format_choice format_choices[FORMAT_CHOICES] = {
	[FORMAT_TEXT] = {"text/plain; charset=utf-8", &text_bare, &text_chunked},
	[FORMAT_NDJSON] = {"application/x-ndjson", &json_line_bare, &json_line_chunked},
	[FORMAT_SSE] = {"text/event-stream", &sse_bare, &sse_chunked},
};

/* ---- frames of their own ---- */

const struct tape_format format_plain = {
	.name = "plain",
	.size = plain_size,
	.encode = plain_encode,
	.skipped = plain_skipped,
};

const struct tape_format format_websocket_text = {
	.name = "websocket",
	.size = websocket_message_size,
	.encode = websocket_message_encode,
	.skipped = websocket_message_skipped,
};

const struct tape_format format_websocket_json = {
	.name = "websocket-json",
	.size = websocket_json_size,
	.encode = websocket_json_encode,
	.skipped = websocket_json_skipped,
};

#include "wire/http_body.h"

#include "base/hex.h"

/* What is expected next in a chunked body. */
enum {
	CHUNK_SIZE_FIRST,
	CHUNK_SIZE,
	CHUNK_SPACE, /* behind the size: an extension must follow */
	CHUNK_EXTENSION,
	CHUNK_LINE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	TRAILER_FIRST,
	TRAILER_NAME,
	TRAILER_VALUE,
	TRAILER_LF,
	LAST_LF,
	WHOLE,
};

int http_body_init(
	struct http_body *body, enum http_framing framing, uint64_t length, uint64_t limit)
{
	*body = (struct http_body){
		.framing = framing,
		.left = framing == HTTP_LENGTH ? length : 0,
		.room = limit,
	};
	if (body->left <= limit)
		return 0;
	body->refusal = (struct http_refusal){413, "the body is too large"};
	return HTTP_REFUSED;
}

static int refuse(struct http_body *body, int status, const char *detail)
{
	body->refusal = (struct http_refusal){status, detail};
	return HTTP_REFUSED;
}

/* Hands out at most MAX bytes of content. */
static int give(struct http_body *body, uint64_t max, struct bytes *input, struct bytes *piece)
{
	size_t len = input->len < max ? input->len : (size_t)max;

	if (!len)
		return HTTP_MORE;
	*piece = bytes_of(input->data, len);
	*input = bytes_skip(*input, len);
	return HTTP_DATA;
}

static int size_step(struct http_body *body, uint8_t c)
{
	int digit = hex_digit(c);

	if (digit >= 0) {
		if (body->left > INT64_MAX >> 4)
			return refuse(body, 413, "a chunk beyond any limit");
		body->left = body->left << 4 | (uint64_t)digit;
		body->state = CHUNK_SIZE;
	} else if (body->state == CHUNK_SIZE_FIRST) {
		return refuse(body, 400, "a chunk without a size (RFC 9112 section 7.1)");
	} else if (c == '\r') {
		body->state = CHUNK_LINE_LF;
	} else if (c == ';') {
		body->state = CHUNK_EXTENSION;
	} else if (c == ' ' || c == '\t') {
		body->state = CHUNK_SPACE;
	} else {
		return refuse(body, 400, "a bad chunk size (RFC 9112 section 7.1)");
	}
	return 0;
}

static int extension_step(struct http_body *body, uint8_t c)
{
	if (body->state == CHUNK_SPACE && c == ';')
		body->state = CHUNK_EXTENSION;
	else if (body->state == CHUNK_SPACE && c != ' ' && c != '\t')
		return refuse(body, 400, "a bad chunk size (RFC 9112 section 7.1)");
	else if (c == '\r')
		body->state = CHUNK_LINE_LF;
	else if (!http_is_value_char(c))
		return refuse(body, 400, "a bad chunk extension (RFC 9112 section 7.1.1)");
	return 0;
}

/* The line of a chunk has ended. */
static int begin_chunk(struct http_body *body)
{
	body->line = 0;
	body->state = body->left ? CHUNK_DATA : TRAILER_FIRST;
	if (body->left > body->room)
		return refuse(body, 413, "the body is too large");
	body->room -= body->left;
	return 0;
}

static int trailer_step(struct http_body *body, uint8_t c)
{
	if (body->state == TRAILER_FIRST && c == '\r')
		body->state = LAST_LF;
	else if (body->state == TRAILER_FIRST && http_is_token_char(c))
		body->state = TRAILER_NAME;
	else if (body->state == TRAILER_NAME && c == ':')
		body->state = TRAILER_VALUE;
	else if (body->state == TRAILER_VALUE && c == '\r')
		body->state = TRAILER_LF;
	else if (body->state == TRAILER_NAME
			 ? !http_is_token_char(c)
			 : body->state == TRAILER_FIRST || !http_is_value_char(c))
		return refuse(body, 400, "a bad trailer field (RFC 9112 section 7.1.2)");
	return 0;
}

/* CR and LF where they must be. */
static int line_end_step(struct http_body *body, uint8_t c)
{
	if (c != (body->state == CHUNK_DATA_CR ? '\r' : '\n'))
		return refuse(body, 400, "no CR LF where chunked has one (RFC 9112 section 7.1)");
	switch (body->state) {
	case CHUNK_LINE_LF:
		return begin_chunk(body);
	case CHUNK_DATA_CR:
		body->state = CHUNK_DATA_LF;
		break;
	case CHUNK_DATA_LF:
		body->state = CHUNK_SIZE_FIRST;
		break;
	case TRAILER_LF:
		body->state = TRAILER_FIRST;
		break;
	default:
		body->state = WHOLE;
	}
	return 0;
}

/* One byte of framing. */
static int chunked_step(struct http_body *body, uint8_t c)
{
	switch (body->state) {
	case CHUNK_SIZE_FIRST:
	case CHUNK_SIZE:
	case CHUNK_SPACE:
	case CHUNK_EXTENSION:
		if (++body->line > HTTP_CHUNK_LINE_MAX)
			return refuse(body, 400, "the line of a chunk is too long");
		return body->state <= CHUNK_SIZE ? size_step(body, c) : extension_step(body, c);
	case TRAILER_FIRST:
	case TRAILER_NAME:
	case TRAILER_VALUE:
		if (++body->line > HTTP_TRAILER_MAX)
			return refuse(body, 431, "the trailer section is too long");
		return trailer_step(body, c);
	default:
		return line_end_step(body, c);
	}
}

static int chunked_next(struct http_body *body, struct bytes *input, struct bytes *piece)
{
	while (body->state != WHOLE && input->len) {
		if (body->state == CHUNK_DATA) {
			give(body, body->left, input, piece);
			body->left -= piece->len;
			if (!body->left)
				body->state = CHUNK_DATA_CR;
			return HTTP_DATA;
		}
		uint8_t c = *input->data;
		*input = bytes_skip(*input, 1);
		bool trailer = body->state >= TRAILER_FIRST;
		if (chunked_step(body, c))
			return HTTP_REFUSED;
		if (trailer && body->trailers && buffer_append(body->trailers, &c, 1) < 0)
			return refuse(body, 503, "out of memory");
	}
	return body->state == WHOLE ? 0 : HTTP_MORE;
}

int http_body_next(struct http_body *body, struct bytes *input, struct bytes *piece)
{
	int r;

	if (body->refusal.status)
		return HTTP_REFUSED;
	switch (body->framing) {
	case HTTP_NO_BODY:
		return 0;
	case HTTP_LENGTH:
		if (!body->left)
			return 0;
		if ((r = give(body, body->left, input, piece)) == HTTP_DATA)
			body->left -= piece->len;
		return r;
	case HTTP_CHUNKED:
		return chunked_next(body, input, piece);
	case HTTP_UNTIL_CLOSE:
		if (input->len > body->room)
			return refuse(body, 413, "the body is too large");
		body->room -= input->len;
		return give(body, UINT64_MAX, input, piece);
	}
	return 0;
}

int http_body_end(struct http_body *body)
{
	struct bytes none = BYTES_NULL, piece;

	if (body->framing == HTTP_UNTIL_CLOSE && !body->refusal.status)
		return 0;
	int r = http_body_next(body, &none, &piece);
	return r == HTTP_MORE ? refuse(body, 400, "the stream ended within the body") : r;
}

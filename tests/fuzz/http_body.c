/*
 * Bodies: the first byte chooses the framing, the second the length and the limit; the rest gives
 * the same content, the same end and the same refusal however it is cut. The content, chunked, is
 * read again as what it was.
 */

#include "wire/http_body.h"

#include "../cuts.h"
#include "http_say.h"
#include "wire/http_writer.h"

struct setting {
	enum http_framing framing;
	uint64_t length;
	uint64_t limit;
};

/* The content of what C cuts, and then how it ended and how much was left. */
static struct buffer read_body(struct cuts c, const struct setting *setting, size_t *content_len)
{
	struct buffer content = BUFFER_NULL;
	struct bytes block = BYTES_NULL, piece;
	struct http_body body;

	int r = http_body_init(&body, setting->framing, setting->length, setting->limit);
	r = r ? r : HTTP_MORE;
	while (r == HTTP_MORE && cuts_next(&c, &block)) {
		struct bytes all = block;
		while ((r = http_body_next(&body, &block, &piece)) == HTTP_DATA) {
			fuzz_check(piece.len);
			check_within(piece, all);
			fuzz_check(!buffer_append(&content, piece.data, piece.len));
		}
		fuzz_check(r != HTTP_MORE || !block.len);
	}
	*content_len = buffer_len(&content);
	fuzz_check(*content_len <= setting->limit);
	if (r == HTTP_MORE && !http_body_end(&body))
		r = 0;
	if (r == HTTP_REFUSED || (r == HTTP_MORE && http_body_end(&body)))
		fuzz_check(*http_reason(body.refusal.status) && *body.refusal.detail);
	/* What was handed out before a refusal depends on the cuts. */
	if (r == HTTP_REFUSED)
		buffer_consume(&content, SIZE_MAX);
	say_number(&content, r == HTTP_REFUSED ? (uint64_t)body.refusal.status : (uint64_t)r);
	say_number(&content, r == 0 ? c.left.len + block.len : 0);
	cuts_deinit(&c);
	return content;
}

static void check_chunked(struct bytes content)
{
	struct setting setting = {HTTP_CHUNKED, 0, UINT64_MAX};
	struct buffer out = BUFFER_NULL;
	size_t half = content.len / 2, len;

	fuzz_check(!http_chunk_append(&out, bytes_of(content.data, half)));
	fuzz_check(!http_chunk_append(&out, bytes_skip(content, half)));
	fuzz_check(!buffer_append(&out, HTTP_LAST_CHUNK, strlen(HTTP_LAST_CHUNK)));
	struct buffer again = read_body(cuts_of(buffer_bytes(&out), 50, 1), &setting, &len);
	fuzz_check(bytes_equal(bytes_of(buffer_bytes(&again).data, len), content));
	buffer_deinit(&out);
	buffer_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t content_len, other;

	if (len < 2)
		return 0;
	struct setting setting = {(enum http_framing)(data[0] % 4), data[1], UINT64_MAX};
	if (data[0] & 4)
		setting.limit = data[1] ^ 0x15;
	struct bytes input = bytes_of(data + 2, len - 2);

	struct buffer whole = read_body(cuts_of(input, SIZE_MAX, 0), &setting, &content_len);
	struct buffer single = read_body(cuts_of(input, 1, 0), &setting, &other);
	struct buffer cut = read_body(cuts_of(input, 20, cuts_seed(input)), &setting, &other);
	fuzz_check(bytes_equal(buffer_bytes(&whole), buffer_bytes(&single)));
	fuzz_check(bytes_equal(buffer_bytes(&whole), buffer_bytes(&cut)));
	if (content_len <= buffer_len(&whole))
		check_chunked(bytes_of(buffer_bytes(&whole).data, content_len));
	buffer_deinit(&whole);
	buffer_deinit(&single);
	buffer_deinit(&cut);
	return 0;
}

/*
 * Request heads, one behind the other: the same requests and the same refusal however the input is
 * cut, every refusal with a status that tells the client, and a request written again is the same.
 */

#include "wire/http_request.h"

#include "../cuts.h"
#include "http_say.h"
#include "wire/http_writer.h"

static void say_request(struct buffer *said, const struct http_request *r, struct bytes input)
{
	fuzz_check(r->len <= input.len && r->len <= HTTP_HEAD_MAX);
	fuzz_check((r->framing == HTTP_LENGTH) == (r->content_length > 0));
	fuzz_check(r->framing != HTTP_UNTIL_CLOSE);
	fuzz_check(r->minor == 0 || r->host.name.len);
	check_within(r->method_name, input);
	check_within(r->target, input);
	check_within(r->host.name, input);
	say(said, r->method_name);
	say(said, r->target);
	say(said, r->path);
	say(said, r->query);
	say(said, r->host.name);
	say_number(said, (uint64_t)r->host.port);
	say_number(said, (uint64_t)r->minor);
	say_number(said, r->keep_alive);
	say_number(said, r->expect_continue);
	say_number(said, r->framing);
	say_number(said, r->content_length);
	say_fields(said, &r->fields, input);
}

static void check_refusal(const struct http_refusal *refusal)
{
	fuzz_check(*http_reason(refusal->status));
	fuzz_check(refusal->status >= 400 && refusal->status < 600);
	fuzz_check(refusal->detail && *refusal->detail);
}

/* What the writer makes of a request that was read. */
static void check_written(const struct http_request *request, const struct buffer *said)
{
	struct buffer out = BUFFER_NULL, again = BUFFER_NULL;
	struct http_scan scan = HTTP_SCAN_NULL;
	struct http_request read;
	struct http_writer writer;
	char name[HTTP_HEAD_MAX];

	if (request->method == HTTP_METHOD_OTHER || !request->minor)
		return;
	http_writer_request(&writer, &out, request->method, request->target);
	for (size_t i = 0; i < request->fields.count; i++) {
		struct bytes field = request->fields.at[i].name;
		memcpy(name, field.data, field.len);
		name[field.len] = '\0';
		http_writer_field(&writer, name, request->fields.at[i].value);
	}
	fuzz_check(!http_writer_end(&writer));
	int r = http_request_parse(&read, &scan, buffer_bytes(&out));
	fuzz_check(r == 0 || (read.refusal.status == 431 && buffer_len(&out) > HTTP_HEAD_MAX));
	if (r == 0) {
		say_request(&again, &read, buffer_bytes(&out));
		fuzz_check(bytes_equal(buffer_bytes(&again), buffer_bytes(said)));
	}
	buffer_deinit(&out);
	buffer_deinit(&again);
}

/* Reads the first request that C cuts; its length, or 0. */
static size_t read_request(struct cuts c, bool write, struct buffer *said)
{
	struct http_scan scan = HTTP_SCAN_NULL;
	struct http_request request;
	struct bytes input;
	int r = HTTP_MORE;

	while (r == HTTP_MORE && cuts_next_prefix(&c, &input)) {
		r = http_request_parse(&request, &scan, input);
		fuzz_check(r == HTTP_MORE || r == HTTP_REFUSED || r == 0);
		if (r == 0)
			say_request(said, &request, input);
		if (r == 0 && write)
			check_written(&request, said);
	}
	if (r == HTTP_REFUSED)
		check_refusal(&request.refusal);
	say_number(said, r == HTTP_REFUSED ? (uint64_t)request.refusal.status : (uint64_t)r);
	cuts_deinit(&c);
	return r == 0 ? request.len : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes input = bytes_of(data, len);
	uint64_t seed = cuts_seed(input);
	size_t taken;

	do {
		struct buffer whole = BUFFER_NULL, cut = BUFFER_NULL;
		size_t piece = input.len > 1000 ? 100 : 1;
		taken = read_request(cuts_of(input, SIZE_MAX, 0), true, &whole);
		fuzz_check(taken == read_request(cuts_of(input, piece, 0), false, &cut));
		fuzz_check(bytes_equal(buffer_bytes(&whole), buffer_bytes(&cut)));
		buffer_consume(&cut, SIZE_MAX);
		fuzz_check(taken == read_request(cuts_of(input, piece * 40, seed), false, &cut));
		fuzz_check(bytes_equal(buffer_bytes(&whole), buffer_bytes(&cut)));
		buffer_deinit(&whole);
		buffer_deinit(&cut);
		input = bytes_skip(input, taken);
	} while (taken && input.len);
	return 0;
}

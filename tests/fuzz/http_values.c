/*
 * What fields and targets hold: the first byte chooses what the rest is read as. Whatever is read
 * is within its bounds, and what can be written again is read as the same.
 */

#include "../cuts.h"
#include "http_say.h"
#include "wire/http_condition.h"
#include "wire/http_date.h"
#include "wire/http_digest.h"
#include "wire/http_file.h"
#include "wire/http_range.h"
#include "wire/http_upload.h"
#include "wire/media.h"
#include "wire/structured.h"
#include "wire/uri.h"

static void read_date(struct bytes text)
{
	char written[HTTP_DATE_SIZE];
	uint64_t seconds, again;

	if (http_date_parse(text, 1795424400, &seconds))
		return;
	http_date_format(seconds, written);
	fuzz_check(!http_date_parse(bytes_text(written), 0, &again) && again == seconds);
}

static void read_range(struct bytes text)
{
	static const uint64_t sizes[] = {0, 1, 1000, UINT64_MAX};
	struct http_range ranges[8], back;
	char written[HTTP_CONTENT_RANGE_SIZE];
	uint64_t size;
	size_t count;

	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
		int r = http_range_parse(text, sizes[s], ranges, 8, &count);
		fuzz_check(r || (count && count <= 8));
		for (size_t i = 0; !r && i < count; i++) {
			fuzz_check(ranges[i].len && ranges[i].start < sizes[s]);
			fuzz_check(ranges[i].len <= sizes[s] - ranges[i].start);
			http_content_range_format(&ranges[i], sizes[s], written);
			fuzz_check(!http_content_range_parse(bytes_text(written), &back, &size));
			fuzz_check(back.start == ranges[i].start && back.len == ranges[i].len);
		}
	}
	if (!http_content_range_parse(text, &back, &size) && size != UINT64_MAX)
		fuzz_check(back.start <= size && back.len <= size - back.start);
}

static void read_structured(struct bytes text)
{
	struct structured_item item;

	if (!structured_item(text, &item)) {
		check_within(item.text, text);
		fuzz_check(item.type != STRUCTURED_LIST);
	}
	if (!structured_dictionary_get(text, "a", &item))
		check_within(item.text, text);
}

/* The same text as any of the fields that are read. */
static void read_fields(struct bytes text)
{
	static const char *const names[] = {"Accept", "If-Match", "If-None-Match", "If-Range",
		"If-Modified-Since", "Repr-Digest", "Upload-Offset", "Upload-Complete"};
	static const char *const offered[] = {"text/plain", "text/event-stream"};
	struct http_current current = {true, BYTES_INIT("\"a\""), 784111777};
	uint8_t sha256[HTTP_DIGEST_SHA256];
	char digest[HTTP_DIGEST_SIZE];
	struct http_fields fields = {.count = sizeof(names) / sizeof(*names)};
	struct http_upload upload;

	for (size_t i = 0; i < fields.count; i++)
		fields.at[i] = (struct http_field){bytes_text(names[i]), text};
	fuzz_check(media_pick(&fields, offered, 2) <= 2);
	media_names(&fields, offered[0]);
	int status = http_condition_check(&fields, HTTP_GET, &current, 0);
	fuzz_check(status == 0 || status == 304 || status == 412);
	http_condition_allows_range(&fields, &current, 0);
	http_upload_read(&fields, &upload);
	fuzz_check(!upload.has_offset || upload.offset <= 999999999999999);
	if (!http_digest_get(&fields, "Repr-Digest", sha256))
		http_digest_format(sha256, digest);
}

static void read_uri(struct bytes text)
{
	struct buffer escaped = BUFFER_NULL;
	struct bytes rest = text, name, value, path;
	uint8_t room[1000];
	struct uri_host host;

	if (!uri_host_parse(text, &host)) {
		check_within(host.name, text);
		fuzz_check(host.name.len && host.port >= -1 && host.port <= 65535);
	}
	while (uri_query_next(&rest, &name, &value)) {
		check_within(name, text);
		check_within(value, text);
	}
	uri_query_get(text, "a", room, sizeof(room), &value);
	if (!uri_path_decode(text, room, sizeof(room), &path))
		fuzz_check(path.len <= text.len && (!path.len || !memchr(path.data, 0, path.len)));
	if (text.len > sizeof(room) / 3 || memchr(text.data, 0, text.len))
		return;
	fuzz_check(!uri_escape(&escaped, text, "/"));
	fuzz_check(!uri_path_decode(buffer_bytes(&escaped), room, sizeof(room), &path));
	fuzz_check(bytes_equal(path, text));
	buffer_deinit(&escaped);
}

static void read_file(struct bytes text)
{
	struct http_fields fields = {
		.count = 2,
		.at = {{bytes_text("File-Time"), text}, {bytes_text("File-Mode"), text}},
	};
	char written[HTTP_FILE_TIME_SIZE];
	struct http_file file, again;

	http_file_read(&fields, &file);
	fuzz_check(file.mode <= 0777);
	if (!file.has_time)
		return;
	fuzz_check(file.nanoseconds < 1000000000);
	http_file_format_time(file.seconds, file.nanoseconds, written);
	fields.at[0].value = bytes_text(written);
	http_file_read(&fields, &again);
	fuzz_check(again.has_time && again.seconds == file.seconds &&
		   again.nanoseconds == file.nanoseconds);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static void (*const readers[])(struct bytes) = {
		read_date, read_range, read_structured, read_fields, read_uri, read_file};

	if (len)
		readers[data[0] % 6](bytes_of(data + 1, len - 1));
	return 0;
}

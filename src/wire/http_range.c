#include "wire/http_range.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "wire/http_fields.h"

/* A position: too large a number is as good as the largest. */
static int position(struct bytes text, uint64_t *number)
{
	int r = http_parse_number(text, number);

	if (r == -ERANGE)
		*number = UINT64_MAX;
	return r == -ERANGE ? 0 : r;
}

/* FIRST-LAST, FIRST- or -COUNT. 0; HTTP_RANGE_UNSATISFIABLE; -EINVAL. */
static int parse_one(struct bytes text, uint64_t size, struct http_range *range)
{
	uint64_t first;
	uint64_t last = UINT64_MAX;
	struct bytes head;

	if (!bytes_cut(&text, '-', &head))
		return -EINVAL;
	if (!head.len) {
		if (position(text, &last) < 0)
			return -EINVAL;
		range->len = last < size ? last : size;
		range->start = size - range->len;
		return last ? 0 : HTTP_RANGE_UNSATISFIABLE;
	}
	if (position(head, &first) < 0 || (text.len && position(text, &last) < 0) || last < first)
		return -EINVAL;
	if (first >= size)
		return HTTP_RANGE_UNSATISFIABLE;
	range->start = first;
	range->len = (last < size ? last : size - 1) - first + 1;
	return 0;
}

int http_range_parse(
	struct bytes value, uint64_t size, struct http_range *ranges, size_t max, size_t *count)
{
	struct bytes unit, element;
	size_t all = 0;

	*count = 0;
	if (!bytes_cut(&value, '=', &unit) || !bytes_equal_nocase(unit, bytes_text("bytes")))
		return HTTP_RANGE_NONE;
	while (http_list_next(&value, &element)) {
		struct http_range range;
		int r = parse_one(element, size, &range);
		if (r < 0 || ++all > max)
			return HTTP_RANGE_NONE;
		if (r == 0)
			ranges[(*count)++] = range;
	}
	if (!all || (*count && !size))
		return HTTP_RANGE_NONE;
	return *count ? 0 : HTTP_RANGE_UNSATISFIABLE;
}

void http_content_range_format(
	const struct http_range *range, uint64_t size, char text[HTTP_CONTENT_RANGE_SIZE])
{
	if (range)
		snprintf(text, HTTP_CONTENT_RANGE_SIZE, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
			range->start, range->start + range->len - 1, size);
	else
		snprintf(text, HTTP_CONTENT_RANGE_SIZE, "bytes */%" PRIu64, size);
}

int http_content_range_parse(struct bytes value, struct http_range *range, uint64_t *size)
{
	struct bytes unit, span, first;
	uint64_t last;

	*size = UINT64_MAX;
	if (!bytes_cut(&value, ' ', &unit) || !bytes_equal_nocase(unit, bytes_text("bytes")) ||
		!bytes_cut(&value, '/', &span))
		return -EINVAL;
	if (!bytes_equal(value, bytes_text("*")) && http_parse_number(value, size) < 0)
		return -EINVAL;
	*range = (struct http_range){0};
	if (bytes_equal(span, bytes_text("*")))
		return *size == UINT64_MAX ? -EINVAL : 0;
	if (!bytes_cut(&span, '-', &first) || http_parse_number(first, &range->start) < 0 ||
		http_parse_number(span, &last) < 0 || last < range->start || last >= *size)
		return -EINVAL;
	range->len = last - range->start + 1;
	return 0;
}

#pragma once

/*
 * Ranges of bytes (RFC 9110 section 14).
 */

#include "base/bytes.h"

/* Within a representation; never empty. */
struct http_range {
	uint64_t start;
	uint64_t len;
};

enum {
	HTTP_RANGE_NONE = 1,	  /* the field does not count: send everything, with 200 */
	HTTP_RANGE_UNSATISFIABLE, /* 416, and Content-Range with the size */
};

/*
 * What a Range field whose value is VALUE asks of a representation of SIZE bytes: 0 with *count
 * ranges, in their order (206). Those that lie outside are left out. A field with another unit, a
 * broken one and one of more than MAX ranges do not count; nor does a suffix of nothing.
 *
 * Whoever does not want multipart/byteranges gives MAX 1.
 */
int http_range_parse(
	struct bytes value, uint64_t size, struct http_range *ranges, size_t max, size_t *count);

/* The value of Content-Range for one range, or with RANGE NULL for 416, and a NUL. */
enum { HTTP_CONTENT_RANGE_SIZE = 70 };
void http_content_range_format(
	const struct http_range *range, uint64_t size, char text[HTTP_CONTENT_RANGE_SIZE]);

/* Reads the value of Content-Range: *range, its len 0 for a 416's; *size, UINT64_MAX when it says
 * `*`. 0, or -EINVAL. */
int http_content_range_parse(struct bytes value, struct http_range *range, uint64_t *size);

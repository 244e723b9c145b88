#pragma once

/* Header fields from lines of text, one a line, for tests of what is in them. */

#include "test.h"
#include "wire/http_fields.h"

static inline struct http_fields fields_of(const char *lines)
{
	struct http_fields fields = {.count = 0};
	struct bytes rest = bytes_text(lines), line;

	while (bytes_cut(&rest, '\n', &line))
		assert_null(http_fields_add(&fields, line));
	if (rest.len)
		assert_null(http_fields_add(&fields, rest));
	return fields;
}

#pragma once

/* What was understood of a head, as bytes that two readings of the same head can be compared by. */

#include "base/bytes.h"
#include "fuzz.h"
#include "wire/http_fields.h"

static inline void say(struct buffer *said, struct bytes text)
{
	fuzz_check(!buffer_print(said, "%zu:", text.len));
	fuzz_check(!buffer_append(said, text.data, text.len));
}

static inline void say_number(struct buffer *said, uint64_t number)
{
	fuzz_check(!buffer_print(said, "%llu,", (unsigned long long)number));
}

/* PART lies within WHOLE. */
static inline void check_within(struct bytes part, struct bytes whole)
{
	fuzz_check(!part.data ||
		   (part.data >= whole.data && part.data + part.len <= whole.data + whole.len));
}

static inline void say_fields(
	struct buffer *said, const struct http_fields *fields, struct bytes input)
{
	fuzz_check(fields->count <= HTTP_FIELDS_MAX);
	for (size_t i = 0; i < fields->count; i++) {
		check_within(fields->at[i].name, input);
		check_within(fields->at[i].value, input);
		fuzz_check(http_is_token(fields->at[i].name));
		say(said, fields->at[i].name);
		say(said, fields->at[i].value);
	}
}

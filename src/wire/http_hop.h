#pragma once

/*
 * Fields that are handed on (RFC 9110 section 7.6.1): those of a message that are for its last
 * recipient, and not for the next hop alone.
 */

#include "wire/http_fields.h"

/* Whether F, one of ALL, is such a field. Content-Length is; who changes the body's framing leaves
 * it out. */
bool http_field_is_end_to_end(const struct http_fields *all, const struct http_field *f);

/* What F's name has behind PREFIX (in any case): the name of a field that travels within a message
 * of ours. Empty when that is nothing, or the name begins otherwise. */
struct bytes http_field_name_behind(const struct http_field *f, const char *prefix);

/* Whether NAME is one of COUNT NAMES, in any case. */
bool http_name_is_in(struct bytes name, const char *const *names, size_t count);

#pragma once

/*
 * Fields that are handed on (RFC 9110 section 7.6.1): those of a message that are for its last
 * recipient, and not for the next hop alone.
 */

#include "wire/http_fields.h"

/* Whether F, one of ALL, is such a field. What frames the body (Content-Length, Content-Type's
 * neighbours) is not judged here, but for Transfer-Encoding. */
bool http_field_is_end_to_end(const struct http_fields *all, const struct http_field *f);

/* Whether NAME is one of COUNT NAMES, in any case. */
bool http_name_is_in(struct bytes name, const char *const *names, size_t count);

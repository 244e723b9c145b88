#pragma once

/*
 * Media types (RFC 9110 sections 8.3 and 12.5.1).
 */

#include "wire/http_fields.h"

/* Whether CONTENT_TYPE, the value of a Content-Type field, is TYPE ("text/plain"), whatever its
 * parameters. */
bool media_is(struct bytes content_type, const char *type);

/*
 * Which of COUNT types offered the Accept fields like best: its index, COUNT when they like none
 * (406). Of equals the first offered wins; without an Accept field, that is the first. Parameters
 * but a range's `q` are not looked at, a broken `q` is one of 0.
 */
size_t media_pick(const struct http_fields *fields, const char *const *offered, size_t count);

/* Whether an Accept field names TYPE itself, not by a range: who asks for an event stream says so.
 */
bool media_names(const struct http_fields *fields, const char *type);

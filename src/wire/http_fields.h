#pragma once

/*
 * Header fields (RFC 9110 section 5, RFC 9112 section 5): the lines of a head as names and values,
 * in order, as they came. Names are looked up without regard to case.
 *
 * All bytes borrow from the head; a value has no spaces around it and no control byte in it but
 * HTAB.
 */

#include "wire/http.h"

struct http_field {
	struct bytes name;
	struct bytes value;
};

struct http_fields {
	size_t count;
	struct http_field at[HTTP_FIELDS_MAX];
};

/* Adds the field of LINE, which is without its line end. NULL, or what is wrong with it. There must
 * be room for one more. */
const char *http_fields_add(struct http_fields *fields, struct bytes line);

/* The value of the first field called NAME, BYTES_NULL (data NULL) when there is none. */
struct bytes http_fields_get(const struct http_fields *fields, const char *name);

/* The value of the only field called NAME; BYTES_NULL when there is none or more than one. For
 * fields that are no lists and whose meaning must not depend on which one a reader takes. */
struct bytes http_fields_get_only(const struct http_fields *fields, const char *name);

/* Walks all fields called NAME: start with *at = 0, stop at false. */
bool http_fields_next(
	const struct http_fields *fields, const char *name, size_t *at, struct bytes *value);

/* Whether one of the fields called NAME, read as a comma-separated list, has the element TOKEN in
 * any case (Connection, Upgrade). */
bool http_fields_list_has(const struct http_fields *fields, const char *name, const char *token);

/* Takes the next element off a comma-separated list (RFC 9110 section 5.6.1): trimmed, empty ones
 * skipped, commas within a quoted-string not counted. False at the end. */
bool http_list_next(struct bytes *list, struct bytes *element);

/* Takes the part before the first SEPARATOR outside a quoted-string off *rest, untrimmed. *rest is
 * what is behind the separator; false when *rest had nothing left (data NULL). */
bool http_split_next(struct bytes *rest, uint8_t separator, struct bytes *part);

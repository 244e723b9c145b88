#pragma once

/*
 * Structured fields (RFC 9651): values with types. Read strictly: a field that breaks a rule
 * anywhere does not count at all. Parameters are checked and left out, inner lists passed over:
 * no field here has a use for them.
 */

#include "base/bytes.h"

enum structured_type {
	STRUCTURED_INTEGER, /* number; at most 15 digits */
	STRUCTURED_DECIMAL, /* text */
	STRUCTURED_STRING,  /* text: what is between the quotes, escapes and all */
	STRUCTURED_TOKEN,   /* text */
	STRUCTURED_BYTES,   /* text: what is between the colons, base64 */
	STRUCTURED_BOOLEAN, /* number: 0 or 1 */
	STRUCTURED_DATE,    /* number: seconds since 1970 */
	STRUCTURED_LIST,    /* an inner list; text: what is between the parentheses */
};

/* Borrows from the field. */
struct structured_item {
	enum structured_type type;
	int64_t number;
	struct bytes text;
};

/* Reads a field that is one item. 0, or -EINVAL. */
int structured_item(struct bytes field, struct structured_item *item);

/* Finds KEY in a field that is a dictionary; the last one counts. 0; -ENOENT when it has none;
 * -EINVAL when the field is broken, wherever. */
int structured_dictionary_get(struct bytes field, const char *key, struct structured_item *item);

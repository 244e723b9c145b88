#pragma once

/*
 * Conditional requests (RFC 9110 section 13): whether a request still means the representation that
 * there is.
 */

#include "wire/http_fields.h"

/* What there is under the name a request asks for. */
struct http_current {
	bool exists;
	struct bytes etag;   /* strong, with its quotes; empty when it has none */
	uint64_t modified_s; /* Last-Modified, seconds since 1970; 0 when it has none */
};

/* The preconditions in the order of section 13.2.2: 0 to go on, else the status to answer, 304 or
 * 412. NOW, seconds since 1970, is for reading dates. */
int http_condition_check(const struct http_fields *fields, enum http_method method,
	const struct http_current *current, uint64_t now);

/* Whether a Range field counts: there is no If-Range, or it names what there is (section 13.1.5).
 */
bool http_condition_allows_range(
	const struct http_fields *fields, const struct http_current *current, uint64_t now);

/* Whether LIST, the value of If-Match or If-None-Match, names ETAG or is `*`. WEAK: a weak tag of
 * the list counts too (section 8.8.3.2). A broken list names what it names before it breaks. */
bool http_etag_list_has(struct bytes list, struct bytes etag, bool weak);

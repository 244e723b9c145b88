#pragma once

/*
 * What is asked of a hub over HTTP.
 */

#include "client/link.h"
#include "client/session.h"
#include "net/address.h"
#include "wire/http_writer.h"

/* Begins a request for TARGET in OUT: the request line, Host (as A has it), User-Agent, and the
 * token that L shows. */
void request_begin_at(struct http_writer *w, struct buffer *out, const struct address *a,
	const struct link *l, enum http_method method, struct bytes target);

/* Begins a request for the session's topic in OUT, with QUERY (empty, or "?a=b") behind the path.
 */
void request_begin(struct http_writer *w, struct buffer *out, const struct session *s,
	enum http_method method, struct bytes query);

/* Appends "NAME=VALUE" to QUERY, the value escaped, behind the `?` or `&` it needs. 0 or -ENOMEM.
 */
int request_query(struct buffer *query, const char *name, const char *value);

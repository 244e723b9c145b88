#pragma once

/*
 * Problem details (RFC 9457): what an error response tells people and programs.
 */

#include "base/bytes.h"

#define HTTP_PROBLEM_MEDIA_TYPE "application/problem+json"

struct http_problem {
	int status;
	const char *type;  /* a URI; NULL for a problem that its status says all about */
	const char *title; /* NULL for the status's phrase */
	struct bytes
		detail; /* one line for people: what is wrong here and what to do; may be empty */
	struct bytes members; /* further members as JSON, "\"a\":1,\"b\":2"; may be empty */
};

/* Appends the object and a line end. 0 or -ENOMEM. */
int http_problem_append(struct buffer *out, const struct http_problem *problem);

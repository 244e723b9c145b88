#pragma once

/*
 * Dates in fields (RFC 9110 section 5.6.7): Date, Last-Modified, If-Modified-Since … Whole seconds
 * since 1970-01-01T00:00:00Z.
 */

#include "base/bytes.h"

/* "Sun, 06 Nov 1994 08:49:37 GMT" and its NUL. */
enum { HTTP_DATE_SIZE = 30 };
void http_date_format(uint64_t seconds, char text[HTTP_DATE_SIZE]);

/* Reads that form and the two obsolete ones, which every recipient must know:
 * "Sunday, 06-Nov-94 08:49:37 GMT" and "Sun Nov  6 08:49:37 1994". NOW tells the century of the
 * first of them: no date is more than 50 years ahead. 0, or -EINVAL. */
int http_date_parse(struct bytes text, uint64_t now, uint64_t *seconds);

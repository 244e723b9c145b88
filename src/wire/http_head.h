#pragma once

/*
 * What request heads and response heads have in common: finding their end, reading their lines, and
 * learning from their fields how the body is framed.
 *
 * A head is judged once it is whole, in one pass. Until then only a `struct http_scan` is kept: how
 * far the search for the end came, so that a head that arrives byte by byte is not searched from
 * its start each time. Nothing else depends on how the input was cut.
 */

#include "wire/http_fields.h"

/* All zero is the start of a head. The input must begin with the same bytes at every call; it may
 * have moved. */
struct http_scan {
	uint16_t at;	     /* what is before has been searched */
	uint16_t line;	     /* where the line being searched begins */
	uint16_t start;	     /* where the start line begins, behind empty lines */
	uint8_t empty_lines; /* before the start line */
	bool judged;	     /* the start line was found good */
};

#define HTTP_SCAN_NULL ((struct http_scan){0})

/* Goes on searching for the end of the head. 0: it ends at scan->at. HTTP_MORE. HTTP_REFUSED: it is
 * longer than HTTP_HEAD_MAX, or more than HTTP_EMPTY_LINES_MAX empty lines stand before it. */
int http_scan_head(struct http_scan *scan, struct bytes input);

/* What is wrong with a head: the status to answer it with and a line for people, a constant. */
struct http_refusal {
	int status; /* 0 when nothing is wrong */
	const char *detail;
};

#define HTTP_REFUSAL_NULL ((struct http_refusal){0})

/* The lines of a head. A CR LF ends a line; a lone LF does too, as RFC 9112 section 2.2 allows,
 * which is what a person types into netcat. But all lines of a head must end alike: a lone LF in a
 * head with CR LFs is what request smuggling is made of. */
struct http_lines {
	struct bytes rest;
	bool lf; /* the first line ends with a lone LF, so all do */
};

/* Takes the first line, without its end, off HEAD; false when HEAD has no whole line. */
bool http_lines_first(struct http_lines *lines, struct bytes head, struct bytes *line);

/* Reads the lines up to the empty one, which must be the last, into FIELDS. */
struct http_refusal http_lines_fields(struct http_lines *lines, struct http_fields *fields);

/* How a body is framed by its message's own fields, the message's kind left aside. */
struct http_length {
	bool chunked;
	bool given;	/* Content-Length is there */
	uint64_t bytes; /* what it says, at most INT64_MAX */
};

/* Content-Length and Transfer-Encoding, read as strictly as RFC 9112 section 6 allows: only one of
 * the two, Content-Length once and one number, Transfer-Encoding `chunked` and nothing else and not
 * in HTTP/1.0. */
struct http_refusal http_fields_length(
	const struct http_fields *fields, int minor, struct http_length *length);

/* Whether the connection stays open behind the message (RFC 9112 section 9.3). */
bool http_fields_keep_alive(const struct http_fields *fields, int minor);

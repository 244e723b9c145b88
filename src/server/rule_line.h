#pragma once

/*
 * A line of a file that says who may come in: words with blanks between them, a comment behind a
 * `#` that begins a word. What is wrong with one is told with the file and the line, and never with
 * the word itself, which may be a secret.
 */

#include "base/bytes.h"
#include "base/fault.h"
#include "server/access.h"

struct rule_line {
	const char *path;
	unsigned number;   /* of the line just taken */
	struct bytes file; /* what follows it */
	struct bytes rest; /* what follows the word just taken */
	struct fault *why;
};

/* Takes the next line; false at the end of the file. */
bool rule_line_next(struct rule_line *l);

/* Takes the line's next word; empty at its end. */
struct bytes rule_line_word(struct rule_line *l);

/* "PATH, line N: WHAT"; returns -EINVAL. */
int rule_line_fault(const struct rule_line *l, const char *what);

/* Takes WORD as the name of who it is about. 0 or -EINVAL. */
int rule_line_name(const struct rule_line *l, struct bytes word, char name[ACCESS_NAME_MAX + 1]);

/* Takes the words up to the line's end as what WHO may do; MISSING is the fault when there are
 * none, or NULL for all there is. 0 or a negative errno. */
int rule_line_grants(struct rule_line *l, struct identity *who, const char *missing);

/* 1 to 64 of A-Z a-z 0-9 . _ - @ +. */
bool rule_is_name(struct bytes word);

#pragma once

/*
 * Results
 *
 * 0          done
 * negative   -errno: nothing this caller can do about it; hand it up unchanged
 * positive   a named outcome of the module; the caller handles it and never hands it on
 *
 * A `struct fault` travels along where the place that fails knows more than a number: it holds the
 * one line a person is shown ("tcp:nowhere:99999: the port must be 0 to 65535"). It is plain
 * memory that the caller owns; functions take a pointer to it and accept NULL.
 */

enum { FAULT_TEXT_MAX = 512 };

struct fault {
	int error; /* negative errno, 0 when nothing has failed */
	char text[FAULT_TEXT_MAX];
};

#define FAULT_NULL ((struct fault){0})

/* Notes ERROR (negative errno) and the line, and returns ERROR: `return fault_set(why, -EINVAL,
 * …)`. The line has no line end and no "ferry:" in front. Control bytes in it are replaced by `?`.
 */
int fault_set(struct fault *why, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same with ": " and the system's name of the error behind the line. */
int fault_errno(struct fault *why, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The exit code (DESIGN, sysexits.h) that fits a negative errno: 69, 74, 75, 77, 124 … or 70. */
int fault_exit_code(int error);

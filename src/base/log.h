#pragma once

/*
 * What ferry says of itself: one line to standard error, "ferry: …". Only the server, the relay and
 * the commands log; the floors below return faults. The level is the process's own, set once by the
 * command line before any thread starts.
 */

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_QUIET, LOG_NORMAL, LOG_VERBOSE };

void log_set_level(enum log_level level);
enum log_level log_get_level(void);

/* Always printed: what went wrong, to what, and what to do. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Printed unless -q. */
void log_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Printed with -v. */
void log_detail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Lines that whoever connects can cause, as often as they like: LOG_BURST a second of them are
 * printed, and how many were left out. Zeroed at first; for one thread at a time.
 */
enum { LOG_BURST = 20 };

struct log_limit {
	uint64_t second;
	unsigned count; /* of lines in it */
};

/* True when the line may be printed. */
bool log_limit_allows(struct log_limit *l);

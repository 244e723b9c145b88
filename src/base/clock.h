#pragma once

/*
 * Time. Monotonic time is for waiting, real time is for people; both in milliseconds.
 */

#include <stddef.h>
#include <stdint.h>

uint64_t clock_monotonic_ms(void);
uint64_t clock_monotonic_ns(void);

/* Milliseconds since 1970-01-01T00:00:00Z. */
uint64_t clock_real_ms(void);

/* "2026-11-23T09:00:00.000Z" (RFC 3339) and its NUL. */
enum { CLOCK_TEXT_SIZE = 25 };
void clock_format(uint64_t real_ms, char text[CLOCK_TEXT_SIZE]);

/* The same read back; the fraction of a second may be missing or have any number of digits, of
 * which three count. 0, or -EINVAL. */
int clock_parse(const char *text, uint64_t *real_ms);

/* "10m", "1h30m", "500ms", "2d", a bare number is seconds. 0, or -EINVAL. */
int clock_parse_span(const char *text, uint64_t *ms);

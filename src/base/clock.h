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

/* "10m", "1h30m", "500ms", "2d", a bare number is seconds. 0, or -EINVAL. */
int clock_parse_span(const char *text, uint64_t *ms);

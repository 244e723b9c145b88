#pragma once

/*
 * Moments in text (RFC 3339, always UTC): real time in milliseconds since 1970-01-01T00:00:00Z.
 */

#include <stdint.h>

/* "2026-11-23T09:00:00.000Z" and its NUL. */
enum { DATE_TEXT_SIZE = 25 };

/* A moment after the year 9999 is written as that year's last. */
void date_format(uint64_t real_ms, char text[DATE_TEXT_SIZE]);

/* The same read back; the fraction of a second may be missing or have any number of digits, of
 * which three count. 0, or -EINVAL. */
int date_parse(const char *text, uint64_t *real_ms);

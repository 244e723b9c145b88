#pragma once

/*
 * Moments (always UTC) and their text (RFC 3339): real time in milliseconds since
 * 1970-01-01T00:00:00Z.
 */

#include <stdint.h>

/* "2026-11-23T09:00:00.000Z" and its NUL. */
enum { DATE_TEXT_SIZE = 25 };

/* A moment after the year 9999 is written as that year's last. */
void date_format(uint64_t real_ms, char text[DATE_TEXT_SIZE]);

/* The same read back; the fraction of a second may be missing or have any number of digits, of
 * which three count. 0, or -EINVAL. */
int date_parse(const char *text, uint64_t *real_ms);

/* A moment taken apart, for whoever writes it in another way. */
struct date {
	unsigned year;
	unsigned month; /* 1 to 12 */
	unsigned day;	/* 1 to 31 */
	unsigned hour;
	unsigned minute;
	unsigned second;
	unsigned weekday; /* 0 is Sunday */
};

/* SECONDS since 1970, of the year 9999 at most. */
void date_split(uint64_t seconds, struct date *date);

/* The same put together; the weekday is not looked at. 0, or -EINVAL when the calendar has no such
 * moment from 1970 to 9999. */
int date_join(const struct date *date, uint64_t *seconds);

/*
 * Dates are reckoned in years that begin with March, so that the leap day is a year's last, and in
 * eras of 400 years, which all have the same days. The C library's way costs ten times as much, and
 * every message has its time in text.
 */

#include "base/date.h"

#include <errno.h>
#include <string.h>

enum {
	ERA_YEARS = 400,
	ERA_DAYS = 146097,
	EPOCH_DAYS = 719468, /* from 0000-03-01 to 1970-01-01 */
	EPOCH_WEEKDAY = 4,   /* a Thursday */
	DAY_SECONDS = 86400,
};

static const uint64_t DATE_MAX_MS = 253402300799999; /* 9999-12-31T23:59:59.999Z */

static unsigned date_to_days(unsigned year, unsigned month, unsigned day)
{
	unsigned march_year = year - (month < 3);
	unsigned march_month = (month + 9) % 12;

	return march_year / ERA_YEARS * ERA_DAYS + march_year % ERA_YEARS * 365 +
	       march_year % ERA_YEARS / 4 - march_year % ERA_YEARS / 100 +
	       (153 * march_month + 2) / 5 + day - 1;
}

static void date_of_days(unsigned days, unsigned *year, unsigned *month, unsigned *day)
{
	unsigned in_era = days % ERA_DAYS;
	unsigned year_of_era = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	unsigned in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	unsigned march_month = (5 * in_year + 2) / 153;

	*month = march_month < 10 ? march_month + 3 : march_month - 9;
	*year = days / ERA_DAYS * ERA_YEARS + year_of_era + (*month < 3);
	*day = in_year - (153 * march_month + 2) / 5 + 1;
}

static char *date_put(char *to, unsigned n, unsigned digits, char behind)
{
	for (unsigned i = digits; i; n /= 10)
		to[--i] = (char)('0' + n % 10);
	to[digits] = behind;
	return to + digits + 1;
}

void date_split(uint64_t seconds, struct date *date)
{
	unsigned days = (unsigned)(seconds / DAY_SECONDS);
	unsigned of_day = (unsigned)(seconds % DAY_SECONDS);

	date_of_days(days + EPOCH_DAYS, &date->year, &date->month, &date->day);
	date->hour = of_day / 3600;
	date->minute = of_day / 60 % 60;
	date->second = of_day % 60;
	date->weekday = (days + EPOCH_WEEKDAY) % 7;
}

int date_join(const struct date *date, uint64_t *seconds)
{
	unsigned year;
	unsigned month;
	unsigned day;

	if (date->year < 1970 || date->year > 9999 || date->month < 1 || date->month > 12 ||
		date->day < 1 || date->day > 31 || date->hour > 23 || date->minute > 59 ||
		date->second > 59)
		return -EINVAL;
	unsigned days = date_to_days(date->year, date->month, date->day);
	date_of_days(days, &year, &month, &day);
	if (day != date->day) /* as 30 February */
		return -EINVAL;
	*seconds = (uint64_t)(days - EPOCH_DAYS) * DAY_SECONDS + date->hour * 3600 +
		   date->minute * 60 + date->second;
	return 0;
}

void date_format(uint64_t real_ms, char text[DATE_TEXT_SIZE])
{
	uint64_t ms = real_ms < DATE_MAX_MS ? real_ms : DATE_MAX_MS;
	struct date date;

	date_split(ms / 1000, &date);
	char *at = date_put(text, date.year, 4, '-');
	at = date_put(at, date.month, 2, '-');
	at = date_put(at, date.day, 2, 'T');
	at = date_put(at, date.hour, 2, ':');
	at = date_put(at, date.minute, 2, ':');
	at = date_put(at, date.second, 2, '.');
	at = date_put(at, (unsigned)(ms % 1000), 3, 'Z');
	*at = '\0';
}

/* DIGITS digits, then one of BEHIND; NULL when it is not so. */
static const char *date_get(const char *at, unsigned digits, const char *behind, unsigned *n)
{
	*n = 0;
	for (; digits; digits--, at++) {
		if (*at < '0' || *at > '9')
			return NULL;
		*n = *n * 10 + (unsigned)(*at - '0');
	}
	return *at && strchr(behind, *at) ? at + 1 : NULL;
}

/* The milliseconds of a fraction that ends with Z, which ends the text. */
static int date_get_fraction(const char *at, unsigned *ms)
{
	size_t digits = strspn(at, "0123456789");

	if (!digits || strcmp(at + digits, "Z"))
		return -EINVAL;
	*ms = 0;
	for (size_t i = 0; i < 3; i++)
		*ms = *ms * 10 + (i < digits ? (unsigned)(at[i] - '0') : 0);
	return 0;
}

int date_parse(const char *text, uint64_t *real_ms)
{
	const char *at = text;
	uint64_t seconds;
	struct date date;
	unsigned ms = 0;

	if (!(at = date_get(at, 4, "-", &date.year)) || !(at = date_get(at, 2, "-", &date.month)) ||
		!(at = date_get(at, 2, "T", &date.day)) ||
		!(at = date_get(at, 2, ":", &date.hour)) ||
		!(at = date_get(at, 2, ":", &date.minute)) ||
		!(at = date_get(at, 2, ".Z", &date.second)))
		return -EINVAL;
	if (at[-1] == '.' ? date_get_fraction(at, &ms) : *at)
		return -EINVAL;
	int r = date_join(&date, &seconds);
	if (r < 0)
		return r;
	*real_ms = seconds * 1000 + ms;
	return 0;
}

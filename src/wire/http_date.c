#include "wire/http_date.h"

#include <errno.h>

#include "base/date.h"

static const char days[7][10] = {
	"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char months[12][4] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static const uint64_t last_second = 253402300799; /* 9999-12-31T23:59:59Z */

static char *put_digits(char *to, unsigned n, int count)
{
	for (int i = count; i; n /= 10)
		to[--i] = (char)('0' + n % 10);
	return to + count;
}

static char *put_text(char *to, const char *text, size_t len)
{
	memcpy(to, text, len);
	return to + len;
}

void http_date_format(uint64_t seconds, char text[HTTP_DATE_SIZE])
{
	struct date date;

	date_split(seconds < last_second ? seconds : last_second, &date);
	char *at = put_text(text, days[date.weekday], 3);
	at = put_text(at, ", ", 2);
	at = put_digits(at, date.day, 2);
	at = put_text(at, " ", 1);
	at = put_text(at, months[date.month - 1], 3);
	at = put_text(at, " ", 1);
	at = put_digits(at, date.year, 4);
	at = put_text(at, " ", 1);
	at = put_digits(at, date.hour, 2);
	at = put_text(at, ":", 1);
	at = put_digits(at, date.minute, 2);
	at = put_text(at, ":", 1);
	at = put_digits(at, date.second, 2);
	put_text(at, " GMT", 5);
}

/* Each of these takes something off the front of *rest, or says that it is not there. */

static bool take_text(struct bytes *rest, const char *text)
{
	size_t len = strlen(text);

	if (rest->len < len || memcmp(rest->data, text, len))
		return false;
	*rest = bytes_skip(*rest, len);
	return true;
}

static bool take_digits(struct bytes *rest, size_t count, unsigned *n)
{
	*n = 0;
	if (rest->len < count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (rest->data[i] < '0' || rest->data[i] > '9')
			return false;
		*n = *n * 10 + rest->data[i] - '0';
	}
	*rest = bytes_skip(*rest, count);
	return true;
}

static bool take_day_name(struct bytes *rest, bool *whole)
{
	for (size_t i = 0; i < 7; i++) {
		char brief[4] = {days[i][0], days[i][1], days[i][2], '\0'};
		*whole = take_text(rest, days[i]);
		if (*whole || take_text(rest, brief))
			return true;
	}
	return false;
}

static bool take_month(struct bytes *rest, unsigned *month)
{
	for (*month = 1; *month <= 12; ++*month)
		if (take_text(rest, months[*month - 1]))
			return true;
	return false;
}

/* A leap second counts as the second before it. */
static bool take_time(struct bytes *rest, struct date *date)
{
	bool there = take_digits(rest, 2, &date->hour) && take_text(rest, ":") &&
		     take_digits(rest, 2, &date->minute) && take_text(rest, ":") &&
		     take_digits(rest, 2, &date->second);

	if (there && date->second == 60)
		date->second = 59;
	return there;
}

static bool take_fixed(struct bytes *rest, struct date *date)
{
	return take_text(rest, ", ") && take_digits(rest, 2, &date->day) && take_text(rest, " ") &&
	       take_month(rest, &date->month) && take_text(rest, " ") &&
	       take_digits(rest, 4, &date->year) && take_text(rest, " ") && take_time(rest, date) &&
	       take_text(rest, " GMT");
}

static bool take_rfc850(struct bytes *rest, struct date *date, uint64_t now)
{
	struct date today;

	if (!take_text(rest, ", ") || !take_digits(rest, 2, &date->day) || !take_text(rest, "-") ||
		!take_month(rest, &date->month) || !take_text(rest, "-") ||
		!take_digits(rest, 2, &date->year) || !take_text(rest, " ") ||
		!take_time(rest, date) || !take_text(rest, " GMT"))
		return false;
	date_split(now < last_second ? now : last_second, &today);
	date->year += today.year / 100 * 100;
	if (date->year > today.year + 50)
		date->year -= 100;
	else if (date->year + 50 <= today.year)
		date->year += 100;
	return true;
}

static bool take_asctime(struct bytes *rest, struct date *date)
{
	return take_text(rest, " ") && take_month(rest, &date->month) && take_text(rest, " ") &&
	       take_digits(rest, take_text(rest, " ") ? 1 : 2, &date->day) &&
	       take_text(rest, " ") && take_time(rest, date) && take_text(rest, " ") &&
	       take_digits(rest, 4, &date->year);
}

int http_date_parse(struct bytes text, uint64_t now, uint64_t *seconds)
{
	struct date date = {0};
	bool whole;
	bool good;

	if (!take_day_name(&text, &whole))
		return -EINVAL;
	if (whole)
		good = take_rfc850(&text, &date, now);
	else if (text.len && text.data[0] == ',')
		good = take_fixed(&text, &date);
	else
		good = take_asctime(&text, &date);
	return good && !text.len ? date_join(&date, seconds) : -EINVAL;
}

#include "wire/http_file.h"

#include <stdio.h>

enum { NANOSECONDS = 1000000000, NANOSECOND_DIGITS = 9, SECONDS_MAX_DIGITS = 12 };

/* The digits of TEXT, of which there are at most MAX, as a number. */
static bool read_digits(struct bytes text, size_t max, int base, uint64_t *number)
{
	*number = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] >= '0' + base)
			return false;
		*number = *number * (uint64_t)base + (uint64_t)(text.data[i] - '0');
	}
	return text.len > 0 && text.len <= max;
}

static bool read_time(struct bytes text, struct http_file *file)
{
	struct bytes whole = text;
	uint64_t seconds = 0, fraction = 0;

	bool before = text.len && text.data[0] == '-'; /* before 1970 */
	if (before)
		text = whole = bytes_skip(text, 1);
	if (bytes_cut(&text, '.', &whole)) {
		if (!read_digits(text, NANOSECOND_DIGITS, 10, &fraction))
			return false;
		for (size_t i = text.len; i < NANOSECOND_DIGITS; i++)
			fraction *= 10;
	}
	if (!read_digits(whole, SECONDS_MAX_DIGITS, 10, &seconds))
		return false;
	file->seconds = before ? -(int64_t)seconds : (int64_t)seconds;
	file->nanoseconds = (uint32_t)fraction;
	if (before && fraction) {
		file->seconds--;
		file->nanoseconds = NANOSECONDS - file->nanoseconds;
	}
	return true;
}

void http_file_read(const struct http_fields *fields, struct http_file *file)
{
	struct bytes mode = http_fields_get_only(fields, "File-Mode");
	uint64_t bits;

	*file = (struct http_file){0};
	file->has_time = read_time(http_fields_get_only(fields, "File-Time"), file);
	file->has_mode = mode.len >= 3 && read_digits(mode, 4, 8, &bits);
	if (file->has_mode)
		file->mode = (unsigned)bits & 0777;
}

void http_file_format_time(int64_t seconds, uint32_t nanoseconds, char text[HTTP_FILE_TIME_SIZE])
{
	bool before = seconds < 0;

	if (before && nanoseconds) {
		seconds++;
		nanoseconds = NANOSECONDS - nanoseconds;
	}
	snprintf(text, HTTP_FILE_TIME_SIZE, "%s%lld.%09u", before ? "-" : "",
		before ? -(long long)seconds : (long long)seconds, (unsigned)nanoseconds);
}

void http_file_format_mode(unsigned mode, char text[HTTP_FILE_MODE_SIZE])
{
	snprintf(text, HTTP_FILE_MODE_SIZE, "%04o", mode & 0777);
}

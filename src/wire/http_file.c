#include "wire/http_file.h"

#include <stdio.h>

enum { NANOSECOND_DIGITS = 9, SECONDS_MAX_DIGITS = 12 };

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

static bool read_time(struct bytes text, struct timespec *time)
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
	*time = (struct timespec){.tv_sec = (time_t)seconds, .tv_nsec = (long)fraction};
	if (before) { /* the fraction of a timespec goes forward */
		time->tv_sec = -time->tv_sec - (fraction ? 1 : 0);
		time->tv_nsec = fraction ? 1000000000 - time->tv_nsec : 0;
	}
	return true;
}

void http_file_read(const struct http_fields *fields, struct http_file *file)
{
	struct bytes mode = http_fields_get_only(fields, "File-Mode");
	uint64_t bits;

	*file = (struct http_file){0};
	file->has_time = read_time(http_fields_get_only(fields, "File-Time"), &file->time);
	file->has_mode = mode.len >= 3 && read_digits(mode, 4, 8, &bits);
	if (file->has_mode)
		file->mode = (unsigned)bits & 0777;
}

void http_file_format_time(struct timespec time, char text[HTTP_FILE_TIME_SIZE])
{
	bool before = time.tv_sec < 0;

	if (before && time.tv_nsec) {
		time.tv_sec++;
		time.tv_nsec = 1000000000 - time.tv_nsec;
	}
	snprintf(text, HTTP_FILE_TIME_SIZE, "%s%lld.%09ld", before ? "-" : "",
		before ? -(long long)time.tv_sec : (long long)time.tv_sec, time.tv_nsec);
}

void http_file_format_mode(unsigned mode, char text[HTTP_FILE_MODE_SIZE])
{
	snprintf(text, HTTP_FILE_MODE_SIZE, "%04o", mode & 0777);
}

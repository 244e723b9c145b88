#include "base/log.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum log_level log_level = LOG_NORMAL;

void log_set_level(enum log_level level)
{
	log_level = level;
}

enum log_level log_get_level(void)
{
	return log_level;
}

/* One write a line, so that lines of several processes do not mix; control bytes never reach the
 * terminal. */
__attribute__((format(printf, 1, 0))) static void log_line(const char *format, va_list args)
{
	char line[1024] = "ferry: ";
	size_t start = strlen(line);

	int len = vsnprintf(line + start, sizeof(line) - start - 1, format, args);
	if (len < 0)
		return;
	size_t end = start + (size_t)len;
	if (end > sizeof(line) - 2)
		end = sizeof(line) - 2;
	for (size_t i = start; i < end; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[end++] = '\n';
	if (write(STDERR_FILENO, line, end) < 0)
		return; /* nowhere left to say it */
}

#define LOG_AT(level)                                                                              \
	do {                                                                                       \
		va_list args;                                                                      \
		if (log_level < (level))                                                           \
			return;                                                                    \
		va_start(args, format);                                                            \
		log_line(format, args);                                                            \
		va_end(args);                                                                      \
	} while (0)

void log_error(const char *format, ...)
{
	LOG_AT(LOG_QUIET);
}

void log_note(const char *format, ...)
{
	LOG_AT(LOG_NORMAL);
}

void log_detail(const char *format, ...)
{
	LOG_AT(LOG_VERBOSE);
}

bool log_limit_allows(struct log_limit *l)
{
	uint64_t second = clock_monotonic_ms() / 1000;

	if (l->second != second) {
		if (l->count > LOG_BURST)
			log_note("%u more lines like these were left out", l->count - LOG_BURST);
		*l = (struct log_limit){.second = second};
	}
	return l->count++ < LOG_BURST;
}

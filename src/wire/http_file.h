#pragma once

/*
 * What a message says of the file in it beside its content: `File-Time`, seconds since 1970 with up
 * to nine decimals, and `File-Mode`, its permissions in octal, of which rwxrwxrwx count.
 */

#include "wire/http_fields.h"

/* A field that is broken counts as absent. */
struct http_file {
	bool has_time;
	int64_t seconds;
	uint32_t nanoseconds; /* forward, also before 1970: as in a timespec */
	bool has_mode;
	unsigned mode; /* at most 0777 */
};

void http_file_read(const struct http_fields *fields, struct http_file *file);

enum { HTTP_FILE_TIME_SIZE = 32, HTTP_FILE_MODE_SIZE = 8 };

/* The fields' values and their NUL. */
void http_file_format_time(int64_t seconds, uint32_t nanoseconds, char text[HTTP_FILE_TIME_SIZE]);
void http_file_format_mode(unsigned mode, char text[HTTP_FILE_MODE_SIZE]);

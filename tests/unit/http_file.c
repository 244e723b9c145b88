#include "wire/http_file.h"

#include <stdio.h>

#include "test.h"

static struct http_file read_line(const char *line)
{
	static struct http_fields fields;
	struct http_file file;

	fields = (struct http_fields){0};
	assert_null(http_fields_add(&fields, bytes_text(line)));
	http_file_read(&fields, &file);
	return file;
}

static void reads_modes(void **state)
{
	assert_int_equal(read_line("File-Mode: 0644").mode, 0644);
	assert_int_equal(read_line("file-mode: 755").mode, 0755);
	assert_int_equal(read_line("File-Mode: 4755").mode, 0755);
	assert_true(read_line("File-Mode: 000").has_mode);
	assert_false(read_line("File-Mode: 0888").has_mode);
	assert_false(read_line("File-Mode: 44").has_mode);
	assert_false(read_line("File-Mode: 00644").has_mode);
	assert_false(read_line("File-Mode:").has_mode);
	assert_false(read_line("Mode: 0644").has_mode);
}

static void assert_time(const char *line, int64_t seconds, uint32_t nanoseconds)
{
	struct http_file file = read_line(line);

	assert_true(file.has_time);
	assert_int_equal(file.seconds, seconds);
	assert_int_equal(file.nanoseconds, nanoseconds);
}

static void reads_times(void **state)
{
	assert_time("File-Time: 1700000000", 1700000000, 0);
	assert_time("File-Time: 1700000000.5", 1700000000, 500000000);
	assert_time("File-Time: 1.000000001", 1, 1);
	assert_time("File-Time: -1.5", -2, 500000000);
	assert_time("File-Time: -3", -3, 0);
	assert_false(read_line("File-Time: 1.").has_time);
	assert_false(read_line("File-Time: .5").has_time);
	assert_false(read_line("File-Time: 1.0000000001").has_time);
	assert_false(read_line("File-Time: 1e9").has_time);
	assert_false(read_line("File-Time: --1").has_time);
	assert_false(read_line("File-Time: 9999999999999").has_time);
}

static void writes_what_it_reads(void **state)
{
	static const struct {
		int64_t seconds;
		uint32_t nanoseconds;
	} times[] = {{0, 0}, {1, 1}, {-1, 500000000}, {-2, 0}, {1700000000, 999999999}};
	char text[HTTP_FILE_TIME_SIZE], line[64];

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		http_file_format_time(times[i].seconds, times[i].nanoseconds, text);
		snprintf(line, sizeof(line), "File-Time: %s", text);
		assert_time(line, times[i].seconds, times[i].nanoseconds);
	}
	http_file_format_time(-1, 500000000, text);
	assert_string_equal(text, "-0.500000000");
	http_file_format_mode(0100755, text);
	assert_string_equal(text, "0755");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_modes),
		cmocka_unit_test(reads_times),
		cmocka_unit_test(writes_what_it_reads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

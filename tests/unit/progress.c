#include "cli/progress.h"

#include "test.h"

static const struct progress_state half = {
	.name = "photos/summer.jpg",
	.done = 512 * 1024,
	.total = 1024 * 1024,
	.files = 1,
};

static void writes_sizes(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} sizes[] = {{0, "0 B"}, {999, "999 B"}, {1000, "1.0 KiB"}, {10189, "10 KiB"},
		{1023488, "1.0 MiB"}, {1536 * 1024, "1.5 MiB"}, {1024ULL << 30, "1.0 TiB"},
		{UINT64_MAX, "16 EiB"}};
	char text[PROGRESS_SIZE_TEXT];

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		progress_format_size(text, sizes[i].bytes);
		assert_string_equal(text, sizes[i].text);
	}
}

static void assert_line(
	const struct progress_state *state, unsigned columns, double rate, const char *expected)
{
	char text[256];

	progress_format(text, sizeof(text), columns, state, rate);
	assert_string_equal(text, expected);
}

static void says_how_far_and_how_long(void **state)
{
	assert_line(&half, 100, 65536,
		"photos/summer.jpg   50 %  512 KiB of 1.0 MiB  64 KiB/s  0:08 left");
	assert_line(
		&half, 100, 0, "photos/summer.jpg   50 %  512 KiB of 1.0 MiB  0 B/s  -:-- left");
	assert_line(&half, 100, 100,
		"photos/summer.jpg   50 %  512 KiB of 1.0 MiB  100 B/s  1:27:22 left");
	assert_line(
		&half, 100, 1, "photos/summer.jpg   50 %  512 KiB of 1.0 MiB  1 B/s  days left");
}

static void says_what_it_can(void **state)
{
	struct progress_state several = half;

	several.total = 0;
	several.file = 3;
	several.files = 12;
	assert_line(&several, 100, 2048, "photos/summer.jpg  512 KiB  2.0 KiB/s  3/12 files");
	several.total = several.done;
	assert_line(&several, 100, 2048,
		"photos/summer.jpg  100 %  512 KiB of 512 KiB  2.0 KiB/s  0:00 left  3/12 files");
}

static void fits(void **state)
{
	struct progress_state wide = half;

	wide.name = "größe größe größe größe";
	assert_line(&wide, 64, 65536,
		"größe größe größ   50 %  512 KiB of 1.0 MiB  64 KiB/s  0:08 left");
	assert_line(&half, 20, 65536, " 50 %  512 KiB of 1.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_sizes),
		cmocka_unit_test(says_how_far_and_how_long),
		cmocka_unit_test(says_what_it_can),
		cmocka_unit_test(fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

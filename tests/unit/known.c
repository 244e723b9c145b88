/* The file of known keys: what is read of it, broken lines and all, and what is added. */

#include "test.h"

#include "base/cleanup.h"
#include "net/known.h"
#include "test_file.h"

#include <errno.h>
#include <sys/stat.h>

#define PIN_A "sha256:abc-_fghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPI"
#define PIN_B "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define SINCE "2026-11-23T09:00:00.000Z"

struct world {
	struct test_file file;
	char path[96];
	struct known known;
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	test_file_init(&w->file);
	snprintf(w->path, sizeof(w->path), "%s/known", w->file.folder);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	known_deinit(&w->known);
	test_file_deinit(&w->file);
	free(w);
	return 0;
}

static void world_open(struct world *w)
{
	struct fault why = FAULT_NULL;

	known_deinit(&w->known);
	if (known_open(&w->known, w->file.folder, &why) < 0)
		fail_msg("%s", why.text);
}

static void world_write(struct world *w, const char *text)
{
	FILE *file = fopen(w->path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	world_open(w);
}

static void assert_finds(const struct known *k, const char *name, size_t line, const char *pin)
{
	char text[PIN_TEXT_SIZE];
	struct pin found;

	assert_int_equal(known_find(k, name, &found), line);
	if (!line)
		return;
	pin_format(&found, text);
	assert_string_equal(text, pin);
}

static void test_no_file_is_an_empty_one(void **state)
{
	struct world *w = *state;

	world_open(w);
	assert_finds(&w->known, "tls:a:1", 0, NULL);
	assert_int_equal(w->known.broken, 0);
	assert_string_equal(w->known.path, w->path);
}

static void test_lines_as_people_leave_them(void **state)
{
	struct world *w = *state;

	world_write(w, "# mine\n"
		       "\n"
		       "tls:a:1 " PIN_A " " SINCE "\n"
		       "  tls:b:1\t" PIN_B "  " SINCE " \r\n"
		       "tls:a:1 " PIN_B " " SINCE "\n" /* the first counts */
		       "tls:c:1 " PIN_B " " SINCE);    /* no line end */
	assert_int_equal(w->known.broken, 0);
	assert_finds(&w->known, "tls:a:1", 3, PIN_A);
	assert_finds(&w->known, "tls:b:1", 4, PIN_B);
	assert_finds(&w->known, "tls:c:1", 6, PIN_B);
	assert_finds(&w->known, "tls:a:11", 0, NULL);
	assert_finds(&w->known, "tls:a:", 0, NULL);
	assert_finds(&w->known, "# mine", 0, NULL);
}

static void test_broken_lines_are_as_if_not_there(void **state)
{
	static const char *const lines[] = {
		"tls:a:1",
		"tls:a:1 " PIN_A,
		"tls:a:1 sha256:abc " SINCE,
		"tls:a:1 " PIN_A "x " SINCE,
		"tls:a:1 " PIN_A " yesterday",
		"tls:a:1 " PIN_A " " SINCE " more",
		"tls:a:1" PIN_A " " SINCE,
	};
	struct world *w = *state;
	char text[512];

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		snprintf(
			text, sizeof(text), "# first\n%s\ntls:b:1 %s %s\n", lines[i], PIN_B, SINCE);
		world_write(w, text);
		assert_int_equal(w->known.broken, 2);
		assert_finds(&w->known, "tls:a:1", 0, NULL);
		assert_finds(&w->known, "tls:b:1", 3, PIN_B);
	}
}

static void world_add(struct world *w, const char *name, const char *pin)
{
	struct fault why = FAULT_NULL;
	struct pin p;

	assert_int_equal(pin_parse(&p, pin), 0);
	if (known_add(&w->known, name, &p, &why) < 0)
		fail_msg("%s", why.text);
}

static void test_what_is_added_is_found_at_once_and_later(void **state)
{
	struct world *w = *state;
	struct stat st;

	world_open(w);
	world_add(w, "tls:a:1", PIN_A);
	world_add(w, "tls:b:1", PIN_B);
	for (int i = 0; i < 2; i++) {
		assert_finds(&w->known, "tls:a:1", 1, PIN_A);
		assert_finds(&w->known, "tls:b:1", 2, PIN_B);
		world_open(w);
		assert_int_equal(w->known.broken, 0);
	}
	assert_int_equal(stat(w->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_a_line_without_end_is_ended_first(void **state)
{
	struct world *w = *state;

	world_write(w, "tls:a:1 " PIN_A " " SINCE);
	world_add(w, "tls:b:1", PIN_B);
	for (int i = 0; i < 2; i++) {
		assert_finds(&w->known, "tls:a:1", 1, PIN_A);
		assert_finds(&w->known, "tls:b:1", 2, PIN_B);
		world_open(w);
	}
}

static void test_the_directory_is_made(void **state)
{
	struct world *w = *state;
	struct fault why = FAULT_NULL;
	char inner[128];

	snprintf(inner, sizeof(inner), "%s/inner", w->file.folder);
	assert_int_equal(known_open(&w->known, inner, &why), 0);
	world_add(w, "tls:a:1", PIN_A);
	snprintf(inner, sizeof(inner), "%s/inner/known", w->file.folder);
	assert_int_equal(unlink(inner), 0);
	snprintf(inner, sizeof(inner), "%s/inner", w->file.folder);
	assert_int_equal(rmdir(inner), 0);
}

static void assert_name(const char *address, const char *name)
{
	cleanup(cleanup_free) char *made = NULL;
	struct address a;

	assert_int_equal(address_parse(&a, address, NULL), 0);
	made = known_name(&a);
	assert_string_equal(made, name);
	address_deinit(&a);
}

/* Whatever way an address is written, it is one name, and one word. */
static void test_names(void **state)
{
	assert_name("tls:H:1?pin=" PIN_A "&topic=t&name=n", "tls:h:1");
	assert_name("tls:1", "tls:localhost:1");
	assert_name("tls:[::1]:1", "tls:[::1]:1");
	assert_name("tls+unix:/a b?mode=0600", "tls+unix:/a%20b");
	assert_name("tls+vsock:host:5", "tls+vsock:host:5");
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(test_no_file_is_an_empty_one),
		IN_WORLD(test_lines_as_people_leave_them),
		IN_WORLD(test_broken_lines_are_as_if_not_there),
		IN_WORLD(test_what_is_added_is_found_at_once_and_later),
		IN_WORLD(test_a_line_without_end_is_ended_first),
		IN_WORLD(test_the_directory_is_made),
		cmocka_unit_test(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

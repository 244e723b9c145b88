/* Where the state directory is, by what the environment says. */

#include "test.h"

#include "base/cleanup.h"
#include "base/state_directory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static void assert_found(const char *given, const char *state, const char *home, const char *path)
{
	cleanup(cleanup_free) char *found = NULL;

	if (state)
		setenv("XDG_STATE_HOME", state, 1);
	else
		unsetenv("XDG_STATE_HOME");
	if (home)
		setenv("HOME", home, 1);
	else
		unsetenv("HOME");
	assert_int_equal(state_directory_find(given, &found, NULL), path ? 0 : -EINVAL);
	if (path)
		assert_string_equal(found, path);
	else
		assert_null(found);
}

static void test_found_by_the_environment(void **state)
{
	assert_found(NULL, "/s", "/h", "/s/ferry");
	assert_found(NULL, NULL, "/h", "/h/.local/state/ferry");
	assert_found(NULL, "", "/h", "/h/.local/state/ferry");
	assert_found(NULL, "relative", "/h", "/h/.local/state/ferry");
	assert_found("keys", "/s", "/h", "keys");
	assert_found("/k", NULL, NULL, "/k");
	assert_found(NULL, NULL, NULL, NULL);
}

static void test_made_with_all_above_it(void **state)
{
	char top[] = "/tmp/ferry-unit-XXXXXX";
	cleanup(cleanup_free) char *path = NULL;
	struct fault why = FAULT_NULL;
	struct stat st;

	assert_non_null(mkdtemp(top));
	assert_true(asprintf(&path, "%s/a/b", top) > 0);
	assert_int_equal(state_directory_make(path, &why), 0);
	assert_int_equal(state_directory_make(path, &why), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0700);
	assert_int_equal(state_directory_make("/proc/nowhere/a", &why), -ENOENT);
	assert_non_null(strstr(why.text, "cannot make the directory /proc/nowhere"));
	rmdir(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	assert_int_equal(rmdir(top), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found_by_the_environment),
		cmocka_unit_test(test_made_with_all_above_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "client/landing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

/* In place of the C library's, for whatever this program calls: counts, and fails on demand. */
static struct {
	int files, directories;
	bool file_fails, directory_fails;
} syncs;

int fsync(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	bool directory = S_ISDIR(st.st_mode);
	syncs.files += !directory;
	syncs.directories += directory;
	errno = EIO;
	return (directory ? syncs.directory_fails : syncs.file_fails) ? -1 : 0;
}

struct place {
	char path[32];
	int root;
};

static int place_make(void **state)
{
	struct place *p = malloc(sizeof(*p));

	strcpy(p->path, "/tmp/landing-XXXXXX");
	assert_non_null(mkdtemp(p->path));
	p->root = open(p->path, O_RDONLY | O_DIRECTORY);
	*state = p;
	return 0;
}

static int place_remove(void **state)
{
	struct place *p = *state;
	char command[64];

	close(p->root);
	snprintf(command, sizeof(command), "rm -r %s", p->path);
	assert_int_equal(system(command), 0);
	free(p);
	return 0;
}

static bool is_there(const struct place *p, const char *name)
{
	return faccessat(p->root, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void appears_when_it_is_whole(void **state)
{
	const struct place *p = *state;
	const struct http_file facts = {true, 1000000000, 5, true, 0640};
	struct landing l;
	struct stat st;

	assert_int_equal(landing_open(&l, p->root, "a/b/c", NULL), 0);
	assert_int_equal(landing_restart(&l, bytes_text("\"tag\"")), 0);
	assert_int_equal(landing_add(&l, bytes_text("hello")), 0);
	assert_false(is_there(p, "a/b/c"));
	assert_true(is_there(p, "a/b/.c.part"));
	assert_true(is_there(p, "a/b/.c.etag"));
	assert_int_equal(landing_finish(&l, &facts, NULL), 0);
	assert_int_equal(fstatat(p->root, "a/b/c", &st, 0), 0);
	assert_int_equal(st.st_size, 5);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(st.st_mtim.tv_sec, 1000000000);
	assert_int_equal(st.st_mtim.tv_nsec, 5);
	assert_false(is_there(p, "a/b/.c.part"));
	assert_false(is_there(p, "a/b/.c.etag"));
	landing_close(&l);
}

static void goes_on(void **state)
{
	const struct place *p = *state;
	struct landing l;

	assert_int_equal(landing_open(&l, p->root, "a", NULL), 0);
	assert_int_equal(landing_restart(&l, bytes_text("\"tag\"")), 0);
	assert_int_equal(landing_add(&l, bytes_text("hello")), 0);
	landing_close(&l);
	assert_int_equal(landing_open(&l, p->root, "a", NULL), 0);
	assert_int_equal(l.size, 5);
	assert_string_equal(l.etag, "\"tag\"");
	landing_drop(&l);
	assert_false(is_there(p, ".a.part"));
	assert_false(is_there(p, ".a.etag"));
}

static void does_not_keep_what_has_no_strong_tag(void **state)
{
	const struct place *p = *state;
	struct landing l;

	assert_int_equal(landing_open(&l, p->root, "a", NULL), 0);
	assert_int_equal(landing_restart(&l, bytes_text("W/\"weak\"")), 0);
	assert_int_equal(landing_add(&l, bytes_text("hello")), 0);
	landing_close(&l);
	assert_false(is_there(p, ".a.part"));
	assert_false(is_there(p, ".a.etag"));
}

static void is_for_one_at_a_time(void **state)
{
	const struct place *p = *state;
	struct landing one, other;

	assert_int_equal(landing_open(&one, p->root, "a", NULL), 0);
	assert_int_equal(landing_open(&other, p->root, "a", NULL), -EBUSY);
	landing_close(&one);
	assert_int_equal(landing_open(&other, p->root, "a", NULL), 0);
	landing_close(&other);
}

static void stays_beneath(void **state)
{
	const struct place *p = *state;
	struct landing l;

	assert_int_equal(symlinkat("/tmp", p->root, "way"), 0);
	assert_int_equal(landing_open(&l, p->root, "way/a", NULL), -EACCES);
	assert_true(landing_open(&l, p->root, "../a", NULL) < 0);
	assert_true(landing_open(&l, p->root, "/tmp/a", NULL) < 0);
	assert_true(landing_open(&l, p->root, "a/..", NULL) < 0);
	assert_int_equal(landing_open(&l, p->root, "a/", NULL), -EINVAL);
	assert_int_equal(landing_open(&l, p->root, "", NULL), -EINVAL);
}

static void takes_the_place_of_what_was_planted(void **state)
{
	const struct place *p = *state;
	struct landing l;
	struct stat st;

	assert_int_equal(symlinkat("victim", p->root, ".a.part"), 0);
	assert_int_equal(symlinkat("victim", p->root, ".a.etag"), 0);
	int victim = openat(p->root, "victim", O_CREAT | O_RDWR, 0600);
	assert_int_equal(write(victim, "x", 1), 1);
	assert_int_equal(landing_open(&l, p->root, "a", NULL), 0);
	assert_int_equal(landing_restart(&l, bytes_text("\"tag\"")), 0);
	assert_int_equal(landing_add(&l, bytes_text("hello")), 0);
	assert_int_equal(landing_finish(&l, &(struct http_file){0}, NULL), 0);
	assert_int_equal(fstat(victim, &st), 0);
	assert_int_equal(st.st_size, 1);
	close(victim);
	/* another's name for one of our files */
	assert_int_equal(linkat(p->root, "victim", p->root, ".b.part", 0), 0);
	assert_int_equal(landing_open(&l, p->root, "b", NULL), 0);
	assert_int_equal(landing_restart(&l, BYTES_NULL), 0);
	assert_int_equal(fstatat(p->root, "victim", &st, 0), 0);
	assert_int_equal(st.st_size, 1);
	landing_close(&l);
}

static void cuts_long_names_between_characters(void **state)
{
	const struct place *p = *state;
	char name[260] = "";
	struct landing l;

	for (int i = 0; i < 85; i++)
		strcat(name, "☃"); /* three bytes each */
	assert_int_equal(landing_open(&l, p->root, name, NULL), 0);
	assert_int_equal(strlen(l.part), 1 + 240 + 5);
	assert_int_equal(landing_finish(&l, &(struct http_file){0}, NULL), 0);
	assert_true(is_there(p, name));
	strcat(name, "x");
	assert_int_equal(landing_open(&l, p->root, name, NULL), -EINVAL);
}

static int land(const struct place *p, const char *name)
{
	struct landing l;

	assert_int_equal(landing_open(&l, p->root, name, NULL), 0);
	assert_int_equal(landing_restart(&l, bytes_text("\"tag\"")), 0);
	assert_int_equal(landing_add(&l, bytes_text("hello")), 0);
	syncs.files = syncs.directories = 0;
	int r = landing_finish(&l, &(struct http_file){0}, NULL);
	landing_close(&l);
	return r;
}

static void is_on_the_disk_when_it_is_done(void **state)
{
	const struct place *p = *state;

	assert_int_equal(land(p, "a"), 0);
	assert_int_equal(syncs.files, 1);
	assert_int_equal(syncs.directories, 1);
	syncs.file_fails = true;
	assert_int_equal(land(p, "b"), -EIO);
	syncs.file_fails = false;
	assert_false(is_there(p, "b"));
	assert_true(is_there(p, ".b.part"));
	syncs.directory_fails = true;
	assert_int_equal(land(p, "c"), -EIO);
	syncs.directory_fails = false;
	assert_true(is_there(p, "c"));
	assert_false(is_there(p, ".c.part"));
	assert_false(is_there(p, ".c.etag"));
}

static void has_the_mode_of_the_umask(void **state)
{
	const struct place *p = *state;
	struct stat st;

	mode_t before = umask(027);
	assert_int_equal(land(p, "a"), 0);
	assert_int_equal(umask(before), 027);
	assert_int_equal(fstatat(p->root, "a", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(appears_when_it_is_whole, place_make, place_remove),
		cmocka_unit_test_setup_teardown(goes_on, place_make, place_remove),
		cmocka_unit_test_setup_teardown(
			does_not_keep_what_has_no_strong_tag, place_make, place_remove),
		cmocka_unit_test_setup_teardown(is_for_one_at_a_time, place_make, place_remove),
		cmocka_unit_test_setup_teardown(stays_beneath, place_make, place_remove),
		cmocka_unit_test_setup_teardown(
			takes_the_place_of_what_was_planted, place_make, place_remove),
		cmocka_unit_test_setup_teardown(
			cuts_long_names_between_characters, place_make, place_remove),
		cmocka_unit_test_setup_teardown(
			is_on_the_disk_when_it_is_done, place_make, place_remove),
		cmocka_unit_test_setup_teardown(
			has_the_mode_of_the_umask, place_make, place_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

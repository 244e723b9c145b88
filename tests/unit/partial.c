/* Files on their way in: resumed, copied, named. */

#include <sys/syscall.h>

#include "shelf.h"

/* In place of the C library's, for whatever this program calls: fails for directories on demand. */
static bool directories_fail;

int fsync(int fd)
{
	struct stat st;

	if (directories_fail && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

/* ---- what is resumed ---- */

static void goes_on_with_what_is_there(void **state)
{
	struct shelf *s = *state;
	struct partial p = partial_of("a/b");
	char id[PARTIAL_ID_LEN + 1], hex[SHA256_HEX_SIZE];
	struct file f;
	bool is_new;

	p.record.has_mode = true;
	p.record.mode = 0640;
	assert_int_equal(partial_create(&p, s->catalogue, true), 0);
	fill(&p, "a");
	strcpy(id, p.id);
	partial_close(&p);
	shelf_open(s, 0, 0);
	assert_int_equal(partial_open(&p, s->catalogue, bytes_text("../a")), -ENOENT);
	assert_int_equal(partial_open(&p, s->catalogue, bytes_text(id)), 0);
	assert_int_equal(p.size, 1);
	struct iovec iov = {"bc", 2};
	assert_int_equal(partial_write(&p, &iov, 1), 0);
	assert_int_equal(partial_hash_written(&p, 3), 0);
	assert_int_equal(partial_commit(&p, &f, &is_new), 0);
	assert_true(is_new);
	assert_int_equal(f.st.st_mode & 0777, 0640);
	assert_file(s, "a/b", "abc");
	hash_of(s, "a/b", hex);
	assert_string_equal(
		hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(partial_open(&p, s->catalogue, bytes_text(id)), -ENOENT);
}

/* Whatever time its client gave it: else it would be taken for one that nobody has touched. */
static void stays_young_when_it_gets_no_name(void **state)
{
	struct shelf *s = *state;
	struct partial p = partial_of("a");
	struct stat st;
	struct file f;
	bool is_new;

	p.record.has_time = true;
	p.record.time = (struct timespec){.tv_sec = 1};
	assert_int_equal(partial_create(&p, s->catalogue, true), 0);
	assert_int_equal(partial_charge(&p, 3), 0);
	fill(&p, "abc");
	assert_int_equal(put(s, "a/b", "0"), 0);
	assert_int_equal(partial_commit(&p, &f, &is_new), -EISDIR);
	assert_int_equal(fstat(p.fd, &st), 0);
	assert_true(st.st_mtim.tv_sec > 1);
	partials_expire(s->catalogue);
	assert_int_equal(catalogue_used(s->catalogue), 4);
	partial_discard(&p);
	assert_int_equal(catalogue_used(s->catalogue), 1);
}

/* One that a client asks about now and then stays in memory, and is written to by nobody. */
static void expires_what_nobody_has_open(void **state)
{
	static const struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	struct shelf *s = *state;
	struct partial p = partial_of("a");
	char id[PARTIAL_ID_LEN + 1];

	assert_int_equal(put(s, "b", "0"), 0);
	assert_int_equal(partial_create(&p, s->catalogue, true), 0);
	fill(&p, "abc");
	strcpy(id, p.id);
	assert_int_equal(futimens(p.fd, old), 0);
	partials_expire(s->catalogue);
	assert_int_equal(catalogue_used(s->catalogue), 4);
	partial_close(&p);
	assert_int_equal(partial_open(&p, s->catalogue, bytes_text(id)), 0);
	partials_expire(s->catalogue);
	assert_int_equal(catalogue_used(s->catalogue), 4);
	partial_close(&p);
	partials_expire(s->catalogue);
	assert_int_equal(catalogue_used(s->catalogue), 1);
	assert_int_equal(partial_open(&p, s->catalogue, bytes_text(id)), -ENOENT);
}

/* ---- open files that are copied ---- */

static void copies_open_files(void **state)
{
	struct shelf *s = *state;
	struct partial p = partial_of("copy");
	struct stat st;
	struct file f;
	bool is_new;

	plant(s, "a", "abc");
	cleanup(cleanup_close) int from = source_open(s, "a", &st);
	assert_int_equal(partial_create(&p, s->catalogue, false), 0);
	assert_int_equal(partial_copy(&p, from, &st), 0);
	assert_int_equal(p.size, 3);
	assert_int_equal(partial_hash_written(&p, 3), 0);
	assert_int_equal(partial_commit(&p, &f, &is_new), 0);
	assert_true(f.hashed);
	assert_file(s, "copy", "abc");
}

static void commits_without_a_digest(void **state)
{
	struct shelf *s = *state;
	struct partial p = partial_of("copy");
	char hex[SHA256_HEX_SIZE];
	struct stat st;
	struct file f;
	bool is_new;

	plant(s, "a", "abc");
	cleanup(cleanup_close) int from = source_open(s, "a", &st);
	assert_int_equal(partial_create(&p, s->catalogue, false), 0);
	assert_int_equal(partial_copy(&p, from, &st), 0);
	p.record.has_sha256 = true; /* but then it must be hashed */
	assert_int_equal(partial_commit(&p, &f, &is_new), PARTIAL_WRONG);
	p.record.has_sha256 = false;
	assert_int_equal(partial_commit(&p, &f, &is_new), 0);
	assert_false(f.hashed);
	hash_of(s, "copy", hex);
	assert_string_equal(
		hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* Shorter, longer, or as long as before. */
static void notices_that_the_original_changes(void **state)
{
	enum { LARGE = 129 * 1024 * 1024 }; /* more than one call copies */
	static const off_t sizes[] = {LARGE - 1, LARGE + 1, LARGE};
	static const struct timespec before[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	struct shelf *s = *state;

	plant(s, "a", "");
	for (size_t i = 0; i < 3; i++) {
		struct partial p = partial_of("copy");
		struct stat st;
		cleanup(cleanup_close) int from = source_open(s, "a", &st);
		assert_int_equal(ftruncate(from, LARGE), 0);
		assert_int_equal(futimens(from, before), 0);
		assert_int_equal(fstat(from, &st), 0);
		assert_int_equal(partial_create(&p, s->catalogue, false), 0);
		int r = partial_copy(&p, from, &st);
		bool shared = r == 0; /* its blocks: so it is what it was */
		assert_int_equal(pwrite(from, "x", 1, 0), 1);
		assert_int_equal(ftruncate(from, sizes[i]), 0);
		while (r == PARTIAL_MORE)
			r = partial_copy(&p, from, &st);
		assert_int_equal(r, shared ? 0 : PARTIAL_CHANGED);
		partial_discard(&p);
	}
}

static void tells_that_a_name_may_not_last(void **state)
{
	struct shelf *s = *state;
	struct partial p = partial_of("a"), again;
	struct file f;
	char id[PARTIAL_ID_LEN + 1];
	bool is_new;

	assert_int_equal(partial_create(&p, s->catalogue, true), 0);
	memcpy(id, p.id, sizeof(id));
	fill(&p, "text");
	directories_fail = true;
	assert_int_equal(partial_commit(&p, &f, &is_new), PARTIAL_UNSYNCED);
	directories_fail = false;
	assert_true(is_new);
	partial_discard(&p);
	assert_file(s, "a", "text");
	assert_int_equal(partial_open(&again, s->catalogue, bytes_text(id)), -ENOENT);
	assert_int_equal(catalogue_used(s->catalogue), 4);
	assert_int_equal(s->catalogue->unfinished, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SHELF(goes_on_with_what_is_there),
		ON_SHELF(stays_young_when_it_gets_no_name),
		ON_SHELF(expires_what_nobody_has_open),
		ON_SHELF(copies_open_files),
		ON_SHELF(commits_without_a_digest),
		ON_SHELF(notices_that_the_original_changes),
		ON_SHELF(tells_that_a_name_may_not_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The catalogue with plain calls: what is planted in the way, renames, bounds. */

#include "hub/catalogue.h"
#include "base/cleanup.h"
#include "hub/partial.h"
#include "hub/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "test.h"

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

struct shelf {
	struct catalogue *catalogue;
	char path[64];
	int folder;
};

static void shelf_open(struct shelf *s, uint64_t max_file, uint64_t max_total)
{
	const struct catalogue_options options = {s->path, max_file, max_total};
	struct fault why = FAULT_NULL;

	s->catalogue = catalogue_free(s->catalogue);
	s->catalogue = catalogue_new(&options, &why);
	if (!s->catalogue)
		fail_msg("%s", why.text);
}

static int set_up(void **state)
{
	struct shelf *s = calloc(1, sizeof(*s));

	strcpy(s->path, "/tmp/ferry-unit-XXXXXX");
	if (!mkdtemp(s->path))
		return -1;
	s->folder = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	shelf_open(s, 0, 0);
	*state = s;
	return s->folder < 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	return remove(path);
}

static int tear_down(void **state)
{
	struct shelf *s = *state;

	catalogue_free(s->catalogue);
	close(s->folder);
	int r = nftw(s->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(s);
	return r;
}

static struct partial partial_of(const char *name)
{
	struct partial p = PARTIAL_NULL;

	p.record.name_len = (uint16_t)strlen(name);
	memcpy(p.record.name, name, p.record.name_len);
	return p;
}

static void fill(struct partial *p, const char *text)
{
	struct iovec iov = {(void *)text, strlen(text)};

	assert_int_equal(partial_charge(p, p->size + strlen(text)), 0);
	assert_int_equal(partial_write(p, &iov, 1), 0);
	partial_hash(p, bytes_text(text));
}

/* Puts TEXT under NAME; what the commit gives. */
static int put_if(
	struct shelf *s, const char *name, const char *text, const struct file_state *expected)
{
	struct partial p = partial_of(name);
	struct file f;
	bool is_new;

	p.record.has_expected = expected != NULL;
	if (expected)
		p.record.expected = *expected;
	assert_int_equal(partial_create(&p, s->catalogue, false), 0);
	fill(&p, text);
	int r = partial_commit(&p, &f, &is_new);
	partial_discard(&p);
	return r;
}

static int put(struct shelf *s, const char *name, const char *text)
{
	return put_if(s, name, text, NULL);
}

static void assert_file(struct shelf *s, const char *name, const char *text)
{
	char data[256] = "";
	struct file f;

	assert_int_equal(file_open(s->catalogue, bytes_text(name), &f), 0);
	assert_int_equal(read(f.fd, data, sizeof(data) - 1), (ssize_t)strlen(text));
	assert_string_equal(data, text);
	file_close(&f);
}

static void plant(struct shelf *s, const char *name, const char *text)
{
	cleanup(cleanup_close) int fd =
		openat(s->folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static struct file_state state_of(struct shelf *s, const char *name)
{
	struct file_state state = {.exists = true};
	struct file f;

	assert_int_equal(file_open(s->catalogue, bytes_text(name), &f), 0);
	state.st = f.st;
	file_close(&f);
	return state;
}

/* ---- what is planted ---- */

static void follows_no_link(void **state)
{
	struct shelf *s = *state;
	struct file f;

	assert_int_equal(symlinkat("/etc", s->folder, "out"), 0);
	assert_int_equal(symlinkat("/etc/passwd", s->folder, "file"), 0);
	assert_int_equal(symlinkat("..", s->folder, "up"), 0);
	assert_int_equal(symlinkat("/proc/self/root", s->folder, "magic"), 0);
	static const char *const names[] = {"out/passwd", "file", "up/x", "magic/etc/passwd"};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		assert_int_equal(file_open(s->catalogue, bytes_text(names[i]), &f), -ELOOP);
		assert_int_equal(put(s, names[i], "x"), -ELOOP);
		assert_int_equal(
			catalogue_remove(s->catalogue, bytes_text(names[i]), NULL), -ELOOP);
	}
}

static void opens_nothing_but_files(void **state)
{
	struct shelf *s = *state;
	struct file f;

	assert_int_equal(mkfifoat(s->folder, "fifo", 0600), 0);
	assert_int_equal(mkdirat(s->folder, "dir", 0700), 0);
	assert_int_equal(file_open(s->catalogue, bytes_text("fifo"), &f), -EPERM);
	assert_int_equal(file_open(s->catalogue, bytes_text("dir"), &f), -EISDIR);
	assert_int_equal(put(s, "fifo", "x"), -EPERM);
	assert_int_equal(put(s, "dir", "x"), -EISDIR);
	assert_int_equal(put(s, "dir/a", "x"), 0);
	assert_int_equal(put(s, "dir/a/b", "x"), -ENOTDIR);
	assert_int_equal(catalogue_remove(s->catalogue, bytes_text("dir"), NULL), -EISDIR);
}

static void walks_over_files_alone(void **state)
{
	struct shelf *s = *state;
	cleanup(walk_deinit) struct walk w = WALK_NULL;
	unsigned seen = 0;
	struct bytes name;
	struct stat st;
	int r;

	assert_int_equal(put(s, "a/b/c", "1"), 0);
	assert_int_equal(put(s, "d", "22"), 0);
	plant(s, ".hidden", "x");
	assert_int_equal(symlinkat("d", s->folder, "link"), 0);
	assert_int_equal(symlinkat("a", s->folder, "link-to-a"), 0);
	assert_int_equal(mkfifoat(s->folder, "fifo", 0600), 0);
	assert_int_equal(walk_init(&w, s->catalogue->folder, BYTES_NULL), 0);
	while ((r = walk_next(&w, &name, &st)) == 0) {
		if (bytes_equal(name, bytes_text("a/b/c")) && st.st_size == 1)
			seen |= 1;
		else if (bytes_equal(name, bytes_text("d")) && st.st_size == 2)
			seen |= 2;
		else
			fail_msg("%.*s", (int)name.len, (const char *)name.data);
	}
	assert_int_equal(r, WALK_END);
	assert_int_equal(seen, 3);
}

/* ---- files ---- */

static void replaces_at_once(void **state)
{
	struct shelf *s = *state;
	char data[16] = "";
	struct file before;

	assert_int_equal(put(s, "a", "before"), 0);
	assert_int_equal(file_open(s->catalogue, bytes_text("a"), &before), 0);
	assert_int_equal(put(s, "a", "after"), 0);
	assert_file(s, "a", "after");
	assert_int_equal(read(before.fd, data, sizeof(data)), 6);
	assert_string_equal(data, "before");
	file_close(&before);
	assert_int_equal(catalogue_used(s->catalogue), 5);
}

static void gives_a_name_only_in_the_state_expected(void **state)
{
	struct shelf *s = *state;
	const struct file_state absent = {.exists = false};

	assert_int_equal(put_if(s, "a", "one", &absent), 0);
	assert_int_equal(put_if(s, "a", "two", &absent), -ESTALE);
	struct file_state one = state_of(s, "a");
	assert_int_equal(put_if(s, "a", "three", &one), 0);
	assert_int_equal(put_if(s, "a", "four", &one), -ESTALE);
	assert_int_equal(catalogue_remove(s->catalogue, bytes_text("a"), &one), -ESTALE);
	assert_file(s, "a", "three");
	struct file_state three = state_of(s, "a");
	assert_int_equal(catalogue_remove(s->catalogue, bytes_text("a"), &three), 0);
	assert_int_equal(put_if(s, "a", "five", &three), -ESTALE);
	assert_int_equal(catalogue_used(s->catalogue), 0);
}

static void removes_directories_that_are_empty(void **state)
{
	struct shelf *s = *state;

	assert_int_equal(put(s, "a/b/c", "x"), 0);
	assert_int_equal(put(s, "a/d", "x"), 0);
	assert_int_equal(catalogue_remove(s->catalogue, bytes_text("a/b/c"), NULL), 0);
	assert_int_equal(faccessat(s->folder, "a/b", F_OK, 0), -1);
	assert_file(s, "a/d", "x");
	assert_int_equal(catalogue_remove(s->catalogue, bytes_text("a/d"), NULL), 0);
	assert_int_equal(faccessat(s->folder, "a", F_OK, 0), -1);
	assert_int_equal(catalogue_remove(s->catalogue, bytes_text("a/d"), NULL), -ENOENT);
}

static void refuses_a_wrong_digest(void **state)
{
	struct shelf *s = *state;
	struct partial p = partial_of("a");
	struct file f;
	bool is_new;

	p.record.has_sha256 = true;
	assert_int_equal(partial_create(&p, s->catalogue, false), 0);
	fill(&p, "text");
	assert_int_equal(partial_commit(&p, &f, &is_new), PARTIAL_WRONG);
	partial_discard(&p);
	assert_int_equal(file_open(s->catalogue, bytes_text("a"), &f), -ENOENT);
}

static void hash_of(struct shelf *s, const char *name, char hex[SHA256_HEX_SIZE])
{
	struct file f;

	assert_int_equal(file_open(s->catalogue, bytes_text(name), &f), 0);
	assert_int_equal(file_hash(s->catalogue, &f), 0);
	sha256_to_hex(f.sha256, hex);
	file_close(&f);
}

static void hashes_what_others_put_there(void **state)
{
	struct shelf *s = *state;
	char hex[SHA256_HEX_SIZE];

	plant(s, "a", "abc");
	hash_of(s, "a", hex);
	assert_string_equal(
		hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	plant(s, "a", "abd"); /* as large, and maybe in the same moment */
	hash_of(s, "a", hex);
	assert_string_not_equal(
		hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void tells_that_a_file_changes(void **state)
{
	struct shelf *s = *state;
	struct file f;

	plant(s, "a", "abc");
	assert_int_equal(file_open(s->catalogue, bytes_text("a"), &f), 0);
	plant(s, "a", "abcdef");
	assert_int_equal(file_hash(s->catalogue, &f), FILE_CHANGED);
	file_close(&f);
}

/* ---- bounds ---- */

static void keeps_its_bounds(void **state)
{
	struct shelf *s = *state;
	struct partial p = partial_of("b");

	assert_int_equal(put(s, "a", "0123456789"), 0);
	shelf_open(s, 20, 25); /* counts what is there */
	assert_int_equal(catalogue_used(s->catalogue), 10);
	assert_int_equal(partial_create(&p, s->catalogue, false), 0);
	assert_int_equal(partial_charge(&p, 21), -EFBIG);
	assert_int_equal(partial_charge(&p, 16), -EDQUOT);
	assert_int_equal(partial_charge(&p, 15), 0);
	assert_int_equal(partial_charge(&p, 14), 0);
	assert_int_equal(catalogue_used(s->catalogue), 25);
	partial_discard(&p);
	assert_int_equal(catalogue_used(s->catalogue), 10);
	assert_int_equal(put(s, "a", "0"), 0);
	assert_int_equal(catalogue_used(s->catalogue), 1);
}

static void has_one_owner(void **state)
{
	struct shelf *s = *state;
	const struct catalogue_options options = {.path = s->path};
	struct fault why = FAULT_NULL;

	assert_null(catalogue_new(&options, &why));
	assert_int_equal(why.error, -EBUSY);
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

static void copies_open_files(void **state)
{
	struct shelf *s = *state;
	struct partial p = partial_of("copy");
	struct file f;
	bool is_new;

	plant(s, "a", "abc");
	cleanup(cleanup_close) int from = openat(s->folder, "a", O_RDONLY | O_CLOEXEC);
	assert_int_equal(partial_create(&p, s->catalogue, false), 0);
	assert_int_equal(partial_copy(&p, from, 3), 0);
	assert_int_equal(p.size, 3);
	assert_int_equal(partial_hash_written(&p, 3), 0);
	assert_int_equal(partial_commit(&p, &f, &is_new), 0);
	assert_file(s, "copy", "abc");
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

#define ON_SHELF(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SHELF(follows_no_link),
		ON_SHELF(opens_nothing_but_files),
		ON_SHELF(walks_over_files_alone),
		ON_SHELF(replaces_at_once),
		ON_SHELF(gives_a_name_only_in_the_state_expected),
		ON_SHELF(removes_directories_that_are_empty),
		ON_SHELF(refuses_a_wrong_digest),
		ON_SHELF(hashes_what_others_put_there),
		ON_SHELF(tells_that_a_file_changes),
		ON_SHELF(keeps_its_bounds),
		ON_SHELF(has_one_owner),
		ON_SHELF(goes_on_with_what_is_there),
		ON_SHELF(stays_young_when_it_gets_no_name),
		ON_SHELF(expires_what_nobody_has_open),
		ON_SHELF(copies_open_files),
		ON_SHELF(tells_that_a_name_may_not_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The catalogue with plain calls: what is planted in the way, renames, bounds. */

#include "hub/walk.h"

#include "shelf.h"

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

/* ---- digests that several want ---- */

enum { STRETCHES = 3, STRETCH = 64 * 1024 * 1024 };

static void shares_what_is_being_found_out(void **state)
{
	static const struct timespec before[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	struct shelf *s = *state;
	struct file one, two;
	struct stat st;

	plant(s, "a", "");
	cleanup(cleanup_close) int fd = source_open(s, "a", &st);
	assert_int_equal(ftruncate(fd, STRETCHES * STRETCH - 1), 0);
	assert_int_equal(futimens(fd, before), 0);
	assert_int_equal(file_open(s->catalogue, bytes_text("a"), &one), 0);
	assert_int_equal(file_open(s->catalogue, bytes_text("a"), &two), 0);
	assert_int_equal(file_hash(s->catalogue, &one), FILE_MORE);
	assert_int_equal(file_hash(s->catalogue, &two), FILE_MORE);
	assert_int_equal(file_hash(s->catalogue, &one), 0);
	file_close(&one);
	assert_int_equal(file_hash(s->catalogue, &two), 0);
	assert_memory_equal(one.sha256, two.sha256, SHA256_SIZE);
	file_close(&two);
}

struct reader {
	struct shelf *shelf;
	pthread_t thread;
	int result;
	uint8_t sha256[SHA256_SIZE];
};

static void *reader_run(void *data)
{
	struct reader *r = data;
	struct file f;

	r->result = file_open(r->shelf->catalogue, bytes_text("a"), &f);
	while (r->result == 0 || r->result == FILE_MORE) {
		r->result = file_hash(r->shelf->catalogue, &f);
		if (f.hashed)
			break;
	}
	memcpy(r->sha256, f.sha256, SHA256_SIZE);
	file_close(&f);
	return NULL;
}

static void shares_it_among_threads(void **state)
{
	static const struct timespec before[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	struct shelf *s = *state;
	struct reader readers[4];
	struct stat st;

	plant(s, "a", "abc");
	cleanup(cleanup_close) int fd = source_open(s, "a", &st);
	assert_int_equal(ftruncate(fd, STRETCHES * STRETCH - 1), 0);
	assert_int_equal(futimens(fd, before), 0);
	for (size_t i = 0; i < 4; i++) {
		readers[i] = (struct reader){.shelf = s};
		assert_int_equal(
			pthread_create(&readers[i].thread, NULL, reader_run, &readers[i]), 0);
	}
	for (size_t i = 0; i < 4; i++) {
		pthread_join(readers[i].thread, NULL);
		assert_int_equal(readers[i].result, 0);
		assert_memory_equal(readers[i].sha256, readers[0].sha256, SHA256_SIZE);
	}
	assert_true(list_empty(&s->catalogue->hashings.list));
}

static void goes_on_when_one_leaves(void **state)
{
	static const struct timespec before[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	struct shelf *s = *state;
	struct file one, two;
	struct stat st;

	plant(s, "a", "");
	cleanup(cleanup_close) int fd = source_open(s, "a", &st);
	assert_int_equal(ftruncate(fd, STRETCHES * STRETCH - 1), 0);
	assert_int_equal(futimens(fd, before), 0);
	assert_int_equal(file_open(s->catalogue, bytes_text("a"), &one), 0);
	assert_int_equal(file_hash(s->catalogue, &one), FILE_MORE);
	assert_int_equal(file_open(s->catalogue, bytes_text("a"), &two), 0);
	assert_int_equal(file_hash(s->catalogue, &two), FILE_MORE);
	file_close(&one);
	assert_int_equal(pwrite(fd, "x", 1, 0), 1);
	assert_int_equal(file_hash(s->catalogue, &two), FILE_CHANGED);
	file_close(&two);
	assert_int_equal(futimens(fd, before), 0); /* as it was; but nobody shares what has ended */
	assert_int_equal(file_open(s->catalogue, bytes_text("a"), &one), 0);
	assert_int_equal(file_hash(s->catalogue, &one), FILE_MORE);
	file_close(&one);
}

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
		ON_SHELF(shares_what_is_being_found_out),
		ON_SHELF(shares_it_among_threads),
		ON_SHELF(goes_on_when_one_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

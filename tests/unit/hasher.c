#include "client/hasher.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "test.h"

enum { SIZE = 5 * 1000 * 1000 };

struct file {
	int fd;
	uint8_t *data;
	uint8_t digest[SHA256_SIZE]; /* of all of it */
};

static void digest_of(const uint8_t *data, size_t len, uint8_t digest[SHA256_SIZE])
{
	struct sha256 *s = sha256_new();

	sha256_update(s, data, len);
	sha256_finish(s, digest);
	sha256_free(s);
}

static void file_init(struct file *f)
{
	FILE *stream = tmpfile();

	f->fd = dup(fileno(stream));
	fclose(stream);
	f->data = malloc(SIZE);
	for (size_t i = 0; i < SIZE; i++)
		f->data[i] = (uint8_t)(i * 2654435761U >> 13);
	digest_of(f->data, SIZE, f->digest);
}

static void file_deinit(struct file *f)
{
	close(f->fd);
	free(f->data);
}

static void follows_a_file_that_grows(void **state)
{
	struct hasher *h = hasher_new();
	uint8_t digest[SHA256_SIZE];
	struct file f;

	file_init(&f);
	hasher_start(h, f.fd);
	for (size_t at = 0; at < SIZE; at += 50000) {
		assert_int_equal(pwrite(f.fd, f.data + at, 50000, (off_t)at), 50000);
		hasher_extend(h, at + 50000);
	}
	assert_true(hasher_reach(h, SIZE) > SIZE - 1000000);
	assert_int_equal(hasher_finish(h, SIZE, digest), 0);
	assert_memory_equal(digest, f.digest, SHA256_SIZE);
	hasher_free(h);
	file_deinit(&f);
}

static void takes_any_end(void **state)
{
	static const size_t ends[] = {0, 1, 1000, 524288, 524289, SIZE};
	struct hasher *h = hasher_new();
	uint8_t digest[SHA256_SIZE], expected[SHA256_SIZE];
	struct file f;

	file_init(&f);
	assert_int_equal(write(f.fd, f.data, SIZE), SIZE);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		hasher_start(h, f.fd);
		assert_int_equal(hasher_finish(h, ends[i], digest), 0);
		digest_of(f.data, ends[i], expected);
		assert_memory_equal(digest, expected, SHA256_SIZE);
	}
	hasher_free(h);
	file_deinit(&f);
}

static void begins_again(void **state)
{
	struct hasher *h = hasher_new();
	uint8_t digest[SHA256_SIZE];
	struct file f;

	file_init(&f);
	assert_int_equal(write(f.fd, f.data, SIZE), SIZE);
	for (int i = 0; i < 20; i++) {
		hasher_start(h, f.fd);
		hasher_extend(h, SIZE);
	}
	hasher_stop(h);
	hasher_start(h, f.fd);
	assert_int_equal(hasher_finish(h, SIZE, digest), 0);
	assert_memory_equal(digest, f.digest, SHA256_SIZE);
	hasher_start(h, f.fd);
	hasher_extend(h, SIZE); /* and is freed in the midst of it */
	hasher_free(h);
	file_deinit(&f);
}

static void tells_of_a_file_that_is_too_short(void **state)
{
	struct hasher *h = hasher_new();
	uint8_t digest[SHA256_SIZE];
	struct file f;

	file_init(&f);
	assert_int_equal(write(f.fd, f.data, 1000000), 1000000);
	hasher_start(h, f.fd);
	hasher_extend(h, SIZE);
	assert_int_equal(hasher_finish(h, SIZE, digest), -ENODATA);
	hasher_free(h);
	file_deinit(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_a_file_that_grows),
		cmocka_unit_test(takes_any_end),
		cmocka_unit_test(begins_again),
		cmocka_unit_test(tells_of_a_file_that_is_too_short),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

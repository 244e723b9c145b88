#pragma once

/*
 * A catalogue in a directory of its own, with plain calls: files are put into it, or planted by
 * somebody else.
 */

#include "base/cleanup.h"
#include "hub/partial.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>

#include "test.h"

struct shelf {
	struct catalogue *catalogue;
	char path[64];
	int folder;
};

static inline void shelf_open(struct shelf *s, uint64_t max_file, uint64_t max_total)
{
	const struct catalogue_options options = {s->path, max_file, max_total};
	struct fault why = FAULT_NULL;

	s->catalogue = catalogue_free(s->catalogue);
	s->catalogue = catalogue_new(&options, &why);
	if (!s->catalogue)
		fail_msg("%s", why.text);
}

static inline int set_up(void **state)
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

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	return remove(path);
}

static inline int tear_down(void **state)
{
	struct shelf *s = *state;

	catalogue_free(s->catalogue);
	close(s->folder);
	int r = nftw(s->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(s);
	return r;
}

static inline struct partial partial_of(const char *name)
{
	struct partial p = PARTIAL_NULL;

	p.record.name_len = (uint16_t)strlen(name);
	memcpy(p.record.name, name, p.record.name_len);
	return p;
}

static inline void fill(struct partial *p, const char *text)
{
	struct iovec iov = {(void *)text, strlen(text)};

	assert_int_equal(partial_charge(p, p->size + strlen(text)), 0);
	assert_int_equal(partial_write(p, &iov, 1), 0);
	partial_hash(p, bytes_text(text));
}

/* Puts TEXT under NAME; what the commit gives. */
static inline int put_if(
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

static inline int put(struct shelf *s, const char *name, const char *text)
{
	return put_if(s, name, text, NULL);
}

static inline void assert_file(struct shelf *s, const char *name, const char *text)
{
	char data[256] = "";
	struct file f;

	assert_int_equal(file_open(s->catalogue, bytes_text(name), &f), 0);
	assert_int_equal(read(f.fd, data, sizeof(data) - 1), (ssize_t)strlen(text));
	assert_string_equal(data, text);
	file_close(&f);
}

static inline void plant(struct shelf *s, const char *name, const char *text)
{
	cleanup(cleanup_close) int fd =
		openat(s->folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static inline struct file_state state_of(struct shelf *s, const char *name)
{
	struct file_state state = {.exists = true};
	struct file f;

	assert_int_equal(file_open(s->catalogue, bytes_text(name), &f), 0);
	state.st = f.st;
	file_close(&f);
	return state;
}

static inline void hash_of(struct shelf *s, const char *name, char hex[SHA256_HEX_SIZE])
{
	struct file f;

	assert_int_equal(file_open(s->catalogue, bytes_text(name), &f), 0);
	assert_int_equal(file_hash(s->catalogue, &f), 0);
	sha256_to_hex(f.sha256, hex);
	file_close(&f);
}

/* Its state is that of now. */
static inline int source_open(struct shelf *s, const char *name, struct stat *st)
{
	int fd = openat(s->folder, name, O_RDWR | O_CLOEXEC);

	assert_int_equal(fstat(fd, st), 0);
	return fd;
}

#define ON_SHELF(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

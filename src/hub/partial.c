#include "hub/partial.h"

#include "base/cleanup.h"
#include "base/file_copy.h"
#include "base/folder.h"
#include "base/hex.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/uio.h>
#include <time.h>

#define RECORD_ENDING ".record"

/* A call of one of the long functions takes some 10 to 50 ms. */
enum {
	HASH_STRETCH = 32 * 1024 * 1024,
	COPY_STRETCH = 8 * 1024 * 1024,
	READ_BLOCK = 256 * 1024,
	RECORD_NAME_SIZE = PARTIAL_ID_LEN + sizeof(RECORD_ENDING),
};

/* ---- records ---- */

static void record_name_of(const char *id, char name[RECORD_NAME_SIZE])
{
	snprintf(name, RECORD_NAME_SIZE, "%.*s" RECORD_ENDING, PARTIAL_ID_LEN, id);
}

/* A descriptor or a negative errno. */
static int record_open(struct catalogue *c, const char *id, int flags)
{
	char name[RECORD_NAME_SIZE];

	record_name_of(id, name);
	int fd = openat(c->private, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	return fd;
}

static int partial_write_record(const struct partial *p)
{
	char text[RECORD_SIZE];
	size_t len = record_format(&p->record, text);

	cleanup(cleanup_close) int fd =
		record_open(p->catalogue, p->id, O_WRONLY | O_CREAT | O_EXCL);
	if (fd < 0)
		return fd;
	ssize_t n = write(fd, text, len);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -ENOSPC;
}

static int partial_read_record(struct catalogue *c, const char *id, struct record *record)
{
	char text[RECORD_SIZE];

	cleanup(cleanup_close) int fd = record_open(c, id, O_RDONLY);
	if (fd < 0)
		return fd;
	ssize_t n = read(fd, text, sizeof(text));
	if (n < 0)
		return -errno;
	return record_parse(record, bytes_of(text, (size_t)n));
}

static void partial_remove(struct catalogue *c, const char *id)
{
	char name[RECORD_NAME_SIZE];

	record_name_of(id, name);
	unlinkat(c->private, name, 0);
	unlinkat(c->private, id, 0);
}

/* ---- life ---- */

static bool partial_is_id(struct bytes id)
{
	if (id.len != PARTIAL_ID_LEN)
		return false;
	for (size_t i = 0; i < id.len; i++)
		if (hex_digit(id.data[i]) < 0)
			return false;
	return true;
}

static int partial_choose_id(struct partial *p)
{
	uint8_t random[PARTIAL_ID_LEN / 2];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(p->id + 2 * i, 3, "%02x", random[i]);
	return 0;
}

/* Makes it one that partial_expire passes over: until the descriptor is closed. */
static int partial_lock(struct partial *p)
{
	struct stat st = {0};

	if (flock(p->fd, LOCK_EX) < 0 || fstat(p->fd, &st) < 0)
		return -errno;
	p->size = (uint64_t)st.st_size;
	return st.st_nlink ? 0 : -ENOENT; /* expired just then */
}

int partial_create(struct partial *p, struct catalogue *c, bool lasting)
{
	p->catalogue = c;
	p->sha256 = sha256_new();
	int r = p->sha256 ? partial_choose_id(p) : -ENOMEM;
	if (r == 0 && lasting)
		r = catalogue_begin(c, record_holder(&p->record));
	p->lasting = r == 0 && lasting;
	if (r == 0 && lasting)
		r = partial_write_record(p);
	if (r == 0) {
		p->fd = openat(c->private, p->id, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		r = p->fd < 0 ? -errno : partial_lock(p);
	}
	if (r < 0)
		partial_discard(p);
	return r;
}

int partial_open(struct partial *p, struct catalogue *c, struct bytes id)
{
	*p = PARTIAL_NULL;
	if (!partial_is_id(id))
		return -ENOENT;
	memcpy(p->id, id.data, id.len);
	int r = partial_read_record(c, p->id, &p->record);
	if (r < 0)
		return r == -EINVAL ? -ENOENT : r;
	p->sha256 = sha256_new();
	if (!p->sha256)
		return -ENOMEM;
	p->catalogue = c;
	p->lasting = true;
	p->fd = openat(c->private, p->id, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	r = p->fd < 0 ? -errno : partial_lock(p);
	if (r < 0) {
		partial_close(p);
		return r;
	}
	p->charged = p->size;
	return 0;
}

void partial_close(struct partial *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	p->sha256 = sha256_free(p->sha256);
	if (p->catalogue && p->charged > p->size)
		catalogue_release(p->catalogue, p->charged - p->size);
	p->catalogue = NULL;
}

void partial_discard(struct partial *p)
{
	struct catalogue *c = p->catalogue;

	if (!c)
		return;
	partial_remove(c, p->id);
	if (p->lasting)
		catalogue_end(c, record_holder(&p->record));
	p->lasting = false;
	catalogue_release(c, p->charged);
	p->charged = 0;
	partial_close(p);
}

/* ---- bytes ---- */

int partial_charge(struct partial *p, uint64_t size)
{
	struct catalogue *c = p->catalogue;

	if (c->max_file && size > c->max_file)
		return -EFBIG;
	if (size <= p->charged)
		return 0;
	int r = catalogue_charge(c, size - p->charged);
	if (r == 0)
		p->charged = size;
	return r;
}

int partial_write(struct partial *p, const struct iovec *iov, int count)
{
	struct iovec rest[16];

	while (count) {
		int some = count < 16 ? count : 16, at = 0;
		memcpy(rest, iov, (size_t)some * sizeof(*iov));
		while (at < some) {
			ssize_t n = pwritev(p->fd, rest + at, some - at, (off_t)p->size);
			if (n < 0 && errno != EINTR)
				return -errno;
			p->size += n > 0 ? (uint64_t)n : 0;
			for (; n > 0 && at < some && (size_t)n >= rest[at].iov_len; at++)
				n -= (ssize_t)rest[at].iov_len;
			if (n > 0) {
				rest[at].iov_base = (char *)rest[at].iov_base + n;
				rest[at].iov_len -= (size_t)n;
			}
		}
		iov += some;
		count -= some;
	}
	return 0;
}

void partial_hash(struct partial *p, struct bytes data)
{
	sha256_update(p->sha256, data.data, data.len);
	p->hashed += data.len;
}

void partial_forget_hash(struct partial *p)
{
	sha256_reset(p->sha256);
	p->hashed = 0;
}

int partial_hash_written(struct partial *p, uint64_t at)
{
	uint64_t stretch = p->hashed + HASH_STRETCH;

	if (p->hashed >= at)
		return 0;
	cleanup(cleanup_free) uint8_t *block = malloc(READ_BLOCK);
	if (!block)
		return -ENOMEM;
	while (p->hashed < at && p->hashed < stretch) {
		uint64_t left = at - p->hashed;
		ssize_t n = pread(
			p->fd, block, left < READ_BLOCK ? left : READ_BLOCK, (off_t)p->hashed);
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		partial_hash(p, bytes_of(block, (size_t)n));
	}
	return p->hashed < at ? PARTIAL_MORE : 0;
}

/* All is there; but is it what the file was? */
static int partial_check_source(const struct partial *p, int from, const struct stat *state)
{
	struct stat now;

	if (fstat(from, &now) < 0)
		return -errno;
	bool same = fingerprint_same_state(state, &now) && p->size == (uint64_t)state->st_size;
	return same ? 0 : PARTIAL_CHANGED;
}

int partial_copy(struct partial *p, int from, const struct stat *state)
{
	uint64_t len = (uint64_t)state->st_size, stretch = p->size + COPY_STRETCH;
	struct stat st;

	if (!p->size && len && file_share(from, p->fd)) {
		if (fstat(p->fd, &st) < 0)
			return -errno;
		p->size = (uint64_t)st.st_size;
	}
	while (p->size < len && p->size < stretch) {
		uint64_t left = len - p->size;
		ssize_t n =
			file_copy(from, p->fd, p->size, left < COPY_STRETCH ? left : COPY_STRETCH);
		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		p->size += (uint64_t)n;
	}
	bool more = p->size < len && p->size >= stretch;
	return more ? PARTIAL_MORE : partial_check_source(p, from, state);
}

/* ---- the end ---- */

static int partial_finish(struct partial *p, struct file *f)
{
	const struct record *r = &p->record;
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, r->time};

	/* The hub must be able to read what it keeps, and nobody else to write to it. */
	if (r->has_mode && fchmod(p->fd, (r->mode | S_IRUSR) & ~(S_IWGRP | S_IWOTH)) < 0)
		return -errno;
	if (r->has_time && futimens(p->fd, times) < 0)
		return -errno;
	if (fstat(p->fd, &f->st) < 0)
		return -errno;
	if (f->hashed)
		fingerprint_keep(&p->catalogue->fingerprints, p->fd, &f->st, f->sha256);
	return fsync(p->fd) < 0 ? -errno : 0;
}

int partial_commit(struct partial *p, struct file *f, bool *is_new)
{
	const struct record *record = &p->record;
	struct catalogue *c = p->catalogue;
	char name[RECORD_NAME_SIZE];

	*f = FILE_NULL;
	f->hashed = p->hashed == p->size;
	if (f->hashed)
		sha256_finish(p->sha256, f->sha256);
	if (record->has_sha256 &&
		(!f->hashed || memcmp(record->sha256, f->sha256, SHA256_SIZE) != 0))
		return PARTIAL_WRONG;
	int r = partial_finish(p, f);
	if (r < 0)
		return r;
	r = catalogue_take(c, p->id, record_name(record),
		record->has_expected ? &record->expected : NULL, is_new);
	if (r < 0) {
		futimens(p->fd, NULL); /* it stays, and its age counts from now */
		return r;
	}
	if (p->lasting) {
		record_name_of(p->id, name);
		unlinkat(c->private, name, 0);
		catalogue_end(c, record_holder(record));
	}
	if (p->charged > p->size)
		catalogue_release(c, p->charged - p->size);
	p->charged = p->size;
	partial_close(p);
	return r == CATALOGUE_UNSYNCED ? PARTIAL_UNSYNCED : 0;
}

/* ---- those that are left behind ---- */

static bool partial_is_old(const struct stat *st)
{
	return st->st_mtim.tv_sec + PARTIAL_AGE_S < time(NULL);
}

/* Calls SEE with each file that is no record, and whose name is an id. */
static int partials_each(struct catalogue *c,
	void (*see)(struct catalogue *c, const char *id, const struct stat *st))
{
	const struct dirent *entry;
	struct stat st;

	int fd = folder_open_directory(c->private, BYTES_NULL);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return fd < 0 ? fd : -ENOMEM;
	while ((entry = readdir(dir)))
		if (partial_is_id(bytes_text(entry->d_name)) &&
			fstatat(c->private, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			see(c, entry->d_name, &st);
	closedir(dir);
	return 0;
}

static void partial_tidy(struct catalogue *c, const char *id, const struct stat *st)
{
	struct record record = {0};

	if (partial_read_record(c, id, &record) < 0 || partial_is_old(st))
		partial_remove(c, id);
	else {
		c->used += (uint64_t)st->st_size;
		catalogue_begin(c, record_holder(&record));
	}
}

/* Whoever has it in memory has it locked. */
static void partial_expire(struct catalogue *c, const char *id, const struct stat *seen)
{
	struct record record = {0};
	struct stat st;

	if (!partial_is_old(seen))
		return;
	cleanup(cleanup_close) int fd = openat(c->private, id, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &st) < 0 || !st.st_nlink ||
		!partial_is_old(&st) || partial_read_record(c, id, &record) < 0)
		return;
	partial_remove(c, id);
	catalogue_end(c, record_holder(&record));
	catalogue_release(c, (uint64_t)st.st_size);
}

/* Records whose file was given its name, or was never made. */
static int partials_drop_records(struct catalogue *c)
{
	const struct dirent *entry;
	char id[PARTIAL_ID_LEN + 1];

	int fd = folder_open_directory(c->private, BYTES_NULL);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return fd < 0 ? fd : -ENOMEM;
	while ((entry = readdir(dir))) {
		if (strlen(entry->d_name) != RECORD_NAME_SIZE - 1)
			continue;
		snprintf(id, sizeof(id), "%.*s", PARTIAL_ID_LEN, entry->d_name);
		if (faccessat(c->private, id, F_OK, 0) < 0)
			unlinkat(c->private, entry->d_name, 0);
	}
	closedir(dir);
	return 0;
}

int partials_tidy(struct catalogue *c)
{
	int r = partials_each(c, partial_tidy);

	return r < 0 ? r : partials_drop_records(c);
}

void partials_expire(struct catalogue *c)
{
	partials_each(c, partial_expire);
}

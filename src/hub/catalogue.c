#include "hub/catalogue.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/folder.h"
#include "hub/partial.h"
#include "hub/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/syscall.h>

#define PRIVATE ".ferry"

enum { READ_BLOCK = 256 * 1024, YOUNG_MS = 100, YOUNG_SECONDS_MS = 2000 };

/* ---- the directory ---- */

static int catalogue_lock(struct catalogue *c, const char *path, struct fault *why)
{
	c->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->folder < 0)
		return fault_errno(why, -errno, "cannot keep files in %s", path);
	if (mkdirat(c->folder, PRIVATE, 0700) < 0 && errno != EEXIST)
		return fault_errno(why, -errno, "cannot make %s/" PRIVATE, path);
	c->private = folder_open_directory(c->folder, BYTES_LITERAL(PRIVATE));
	if (c->private < 0)
		return fault_errno(why, c->private, "cannot use %s/" PRIVATE, path);
	if (flock(c->private, LOCK_EX | LOCK_NB) < 0)
		return fault_set(why, -EBUSY, "another hub keeps its files in %s", path);
	return 0;
}

static int catalogue_count(struct catalogue *c)
{
	cleanup(walk_deinit) struct walk w = WALK_NULL;
	struct bytes name;
	struct stat st;

	int r = walk_init(&w, c->folder, BYTES_NULL);
	while (r == 0) {
		r = walk_next(&w, &name, &st);
		if (r == 0)
			c->used += (uint64_t)st.st_size;
	}
	return r < 0 ? r : 0;
}

struct catalogue *catalogue_new(const struct catalogue_options *options, struct fault *why)
{
	struct catalogue *c = calloc(1, sizeof(*c));

	if (!c) {
		fault_errno(why, -ENOMEM, "cannot keep files in %s", options->path);
		return NULL;
	}
	c->folder = -1;
	c->private = -1;
	c->max_file = options->max_file;
	c->max_total = options->max_total;
	pthread_mutex_init(&c->names, NULL);
	pthread_mutex_init(&c->count, NULL);
	fingerprints_init(&c->fingerprints);
	hashings_init(&c->hashings);
	if (catalogue_lock(c, options->path, why) < 0)
		return catalogue_free(c);
	int r = partials_tidy(c);
	if (r == 0)
		r = catalogue_count(c);
	if (r == 0)
		return c;
	fault_errno(why, r, "cannot read %s", options->path);
	return catalogue_free(c);
}

struct catalogue *catalogue_free(struct catalogue *c)
{
	if (!c)
		return NULL;
	if (c->private >= 0)
		close(c->private);
	if (c->folder >= 0)
		close(c->folder);
	hashings_deinit(&c->hashings);
	fingerprints_deinit(&c->fingerprints);
	pthread_mutex_destroy(&c->names);
	pthread_mutex_destroy(&c->count);
	free(c);
	return NULL;
}

/* ---- the bound by size ---- */

int catalogue_charge(struct catalogue *c, uint64_t more)
{
	pthread_mutex_lock(&c->count);
	bool fits = !more || !c->max_total ||
		    (c->used <= c->max_total && more <= c->max_total - c->used);
	if (fits)
		c->used += more;
	pthread_mutex_unlock(&c->count);
	return fits ? 0 : -EDQUOT;
}

void catalogue_release(struct catalogue *c, uint64_t less)
{
	pthread_mutex_lock(&c->count);
	c->used -= less < c->used ? less : c->used;
	pthread_mutex_unlock(&c->count);
}

uint64_t catalogue_used(struct catalogue *c)
{
	pthread_mutex_lock(&c->count);
	uint64_t used = c->used;
	pthread_mutex_unlock(&c->count);
	return used;
}

static bool catalogue_is_of(const struct catalogue *c, size_t at, struct bytes holder)
{
	return bytes_equal(bytes_of(c->holders[at].name, c->holders[at].len), holder);
}

int catalogue_begin(struct catalogue *c, struct bytes holder)
{
	size_t held = 0;

	pthread_mutex_lock(&c->count);
	for (size_t i = 0; i < c->unfinished; i++)
		held += catalogue_is_of(c, i, holder);
	bool fits = c->unfinished < CATALOGUE_UNFINISHED && held < CATALOGUE_UNFINISHED_EACH;
	if (fits) {
		struct holder *h = &c->holders[c->unfinished++];
		h->len = holder.len;
		if (holder.len)
			memcpy(h->name, holder.data, holder.len);
	}
	pthread_mutex_unlock(&c->count);
	return fits ? 0 : -EUSERS;
}

void catalogue_end(struct catalogue *c, struct bytes holder)
{
	size_t at = 0;

	pthread_mutex_lock(&c->count);
	while (at < c->unfinished && !catalogue_is_of(c, at, holder))
		at++;
	if (at < c->unfinished)
		c->holders[at] = c->holders[--c->unfinished];
	pthread_mutex_unlock(&c->count);
}

/* ---- files ---- */

int file_open(struct catalogue *c, struct bytes name, struct file *f)
{
	*f = FILE_NULL;
	f->fd = folder_open_file(c->folder, name, &f->st);
	return f->fd < 0 ? f->fd : 0;
}

void file_close(struct file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	f->computing = hashing_leave(f->computing);
}

/* What was changed so lately could change again without its time showing it. Times without a
 * fraction are of a file system that counts in seconds. */
static bool file_is_young(const struct stat *st)
{
	uint64_t changed =
		(uint64_t)st->st_mtim.tv_sec * 1000 + (uint64_t)st->st_mtim.tv_nsec / 1000000;
	uint64_t age = st->st_mtim.tv_nsec ? YOUNG_MS : YOUNG_SECONDS_MS, now = clock_real_ms();

	return now >= changed ? now - changed < age : changed - now < age;
}

int file_hash(struct catalogue *c, struct file *f)
{
	if (f->hashed)
		return 0;
	if (!f->computing) {
		f->hashed = fingerprint_find(&c->fingerprints, f->fd, &f->st, f->sha256);
		if (f->hashed)
			return 0;
		f->computing = hashing_join(&c->hashings, &f->st, file_is_young(&f->st));
		if (!f->computing)
			return -ENOMEM;
	}
	int r = hashing_go_on(f->computing, f->fd, f->sha256);
	if (r)
		return r;
	f->computing = hashing_leave(f->computing);
	f->hashed = true;
	if (!file_is_young(&f->st))
		fingerprint_keep(&c->fingerprints, f->fd, &f->st, f->sha256);
	return 0;
}

int file_warm(const struct file *f, uint64_t at, size_t len)
{
	cleanup(cleanup_free) uint8_t *block = malloc(READ_BLOCK);
	ssize_t n = 1;

	if (!block)
		return -ENOMEM;
	posix_fadvise(f->fd, (off_t)at, (off_t)len, POSIX_FADV_WILLNEED);
	while (len && n) {
		n = pread(f->fd, block, len < READ_BLOCK ? len : READ_BLOCK, (off_t)at);
		if (n < 0)
			return -errno;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* cachestat(2), which the C library does not know yet. */
bool file_is_warm(const struct file *f, uint64_t at, size_t len)
{
	enum { CACHESTAT = 451 };
	struct {
		uint64_t at, len;
	} range;
	struct {
		uint64_t cached, dirty, writeback, evicted, recently_evicted;
	} state;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (at + len > (uint64_t)f->st.st_size)
		len = (size_t)((uint64_t)f->st.st_size - at);
	if (!len)
		return true;
	range.at = at / page * page;
	range.len = (at + len + page - 1) / page * page - range.at;
	return syscall(CACHESTAT, f->fd, &range, &state, 0) == 0 &&
	       state.cached >= range.len / page;
}

/* ---- names ---- */

static int catalogue_check(const struct file_state *expected, int found, const struct stat *st)
{
	if (found < 0 && found != -ENOENT)
		return found;
	if (!expected)
		return found;
	bool same = expected->exists ? found == 0 && fingerprint_same_state(&expected->st, st)
				     : found == -ENOENT;
	return same ? found : -ESTALE;
}

static void catalogue_leaf(struct bytes name, char path[FILE_SEGMENT_MAX_LEN + 1])
{
	struct bytes leaf = file_name_leaf(name);

	memcpy(path, leaf.data, leaf.len);
	path[leaf.len] = 0;
}

/* The size of what has lost its name is added to *freed. A descriptor of the directory, or a
 * negative errno. */
static int catalogue_rename(struct catalogue *c, const char *partial, struct bytes name,
	const struct file_state *expected, bool *is_new, uint64_t *freed)
{
	char leaf[FILE_SEGMENT_MAX_LEN + 1];
	struct stat st;

	cleanup(cleanup_close) int parent =
		folder_make_directory(c->folder, file_name_parent(name));
	if (parent < 0)
		return parent;
	catalogue_leaf(name, leaf);
	int r = catalogue_check(expected, folder_stat(parent, bytes_text(leaf), &st), &st);
	if (r < 0 && r != -ENOENT)
		return r;
	*is_new = r == -ENOENT;
	if (!*is_new)
		*freed = (uint64_t)st.st_size;
	/* Another process may give the name away between the look and the rename. */
	unsigned flags = *is_new && expected ? RENAME_NOREPLACE : 0;
	if (renameat2(c->private, partial, parent, leaf, flags) < 0)
		return errno == EEXIST ? -ESTALE : -errno;
	return take_fd(&parent);
}

int catalogue_take(struct catalogue *c, const char *partial, struct bytes name,
	const struct file_state *expected, bool *is_new)
{
	uint64_t freed = 0;

	pthread_mutex_lock(&c->names);
	cleanup(cleanup_close) int parent =
		catalogue_rename(c, partial, name, expected, is_new, &freed);
	pthread_mutex_unlock(&c->names);
	if (parent < 0)
		return parent;
	catalogue_release(c, freed);
	return fsync(parent) < 0 ? CATALOGUE_UNSYNCED : 0;
}

static int catalogue_unlink(
	struct catalogue *c, int parent, struct bytes name, const struct file_state *expected)
{
	char leaf[FILE_SEGMENT_MAX_LEN + 1];
	struct stat st;

	catalogue_leaf(name, leaf);
	int r = catalogue_check(expected, folder_stat(parent, bytes_text(leaf), &st), &st);
	if (r == 0 && unlinkat(parent, leaf, 0) < 0)
		r = -errno;
	if (r == 0)
		catalogue_release(c, (uint64_t)st.st_size);
	return r;
}

int catalogue_remove(struct catalogue *c, struct bytes name, const struct file_state *expected)
{
	struct bytes above = file_name_parent(name);

	cleanup(cleanup_close) int parent = folder_open_directory(c->folder, above);
	if (parent < 0)
		return parent;
	pthread_mutex_lock(&c->names);
	int r = catalogue_unlink(c, parent, name, expected);
	pthread_mutex_unlock(&c->names);
	if (r < 0)
		return r;
	if (fsync(parent) < 0)
		return -errno;
	pthread_mutex_lock(&c->names);
	folder_prune(c->folder, above);
	pthread_mutex_unlock(&c->names);
	return 0;
}

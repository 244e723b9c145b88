#include "client/landing.h"

#include "base/cleanup.h"
#include "base/file_copy.h"
#include "base/file_name.h"
#include "base/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>

enum { LANDING_NAME_MAX = 240, LANDING_ATTEMPTS = 8 };

/* ---- opening ---- */

static int landing_explain(struct fault *why, const char *path, int error)
{
	switch (-error) {
	case ELOOP:
	case EXDEV:
		return fault_set(why, -EACCES, "%s: a symbolic link is in the way", path);
	case EISDIR:
		return fault_set(why, error, "%s is a directory", path);
	case EBUSY:
		return fault_set(why, error, "%s: another process is fetching it", path);
	default:
		return fault_errno(why, error, "cannot write %s", path);
	}
}

/* Long names are cut, at the start of a UTF-8 character. That two may have one part then harms
 * nobody: its tag tells whose it is. */
static void landing_name(struct landing *l, struct bytes leaf)
{
	size_t len = leaf.len < LANDING_NAME_MAX ? leaf.len : LANDING_NAME_MAX;

	while (len < leaf.len && (leaf.data[len] & 0xc0) == 0x80)
		len--;
	snprintf(l->name, sizeof(l->name), "%.*s", (int)leaf.len, (const char *)leaf.data);
	snprintf(l->part, sizeof(l->part), ".%.*s.part", (int)len, l->name);
	snprintf(l->note, sizeof(l->note), ".%.*s.etag", (int)len, l->name);
}

/* Whether the file we have locked is still the one of that name, and ours alone. */
static bool landing_owns(const struct landing *l, int fd)
{
	struct stat ours, named;

	return fstat(fd, &ours) == 0 &&
	       fstatat(l->directory, l->part, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       ours.st_ino == named.st_ino && ours.st_dev == named.st_dev &&
	       S_ISREG(ours.st_mode) && ours.st_nlink == 1 && ours.st_uid == geteuid();
}

static int landing_lock(const struct landing *l)
{
	enum { FLAGS = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC };

	cleanup(cleanup_close) int fd = openat(l->directory, l->part, FLAGS, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	return landing_owns(l, fd) ? take_fd(&fd) : -EAGAIN;
}

/* What someone else has planted there is removed. */
static int landing_take(const struct landing *l)
{
	int fd = landing_lock(l);

	for (int i = 0; i < LANDING_ATTEMPTS; i++) {
		if (fd != -EAGAIN && fd != -ELOOP && fd != -ENXIO && fd != -EACCES)
			break;
		if (unlinkat(l->directory, l->part, 0) < 0 && errno != ENOENT)
			return -errno;
		fd = landing_lock(l);
	}
	return fd;
}

static void landing_read_note(struct landing *l)
{
	cleanup(cleanup_close) int fd =
		openat(l->directory, l->note, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, l->etag, LANDING_ETAG_MAX);

	l->etag[n > 0 ? n : 0] = 0;
	if (!http_is_value(bytes_text(l->etag)))
		l->etag[0] = 0;
}

static int landing_begin(struct landing *l)
{
	struct stat st;

	int r = folder_stat(l->directory, bytes_text(l->name), &st);
	if (r == -EISDIR)
		return r; /* anything else is replaced */
	l->fd = landing_take(l);
	if (l->fd < 0)
		return l->fd;
	if (fstat(l->fd, &st) < 0)
		return -errno;
	l->size = (uint64_t)st.st_size;
	landing_read_note(l);
	return l->size && !l->etag[0] ? landing_restart(l, BYTES_NULL) : 0;
}

int landing_open(struct landing *l, int root, const char *path, struct fault *why)
{
	struct bytes name = bytes_text(path), leaf = file_name_leaf(name);

	*l = LANDING_NULL;
	if (!leaf.len || leaf.len > NAME_MAX)
		return fault_set(why, -EINVAL, "%s is no name for a file", path);
	l->directory = folder_make_directory(root, file_name_parent(name));
	if (l->directory < 0)
		return landing_explain(why, path, l->directory);
	landing_name(l, leaf);
	int r = landing_begin(l);
	if (r == 0)
		return 0;
	landing_close(l);
	return landing_explain(why, path, r);
}

/* ---- filling ---- */

static int landing_write_note(const struct landing *l)
{
	size_t len = strlen(l->etag);

	cleanup(cleanup_close) int fd = openat(
		l->directory, l->note, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	return write(fd, l->etag, len) == (ssize_t)len ? 0 : -EIO;
}

int landing_restart(struct landing *l, struct bytes etag)
{
	bool useful = etag.len > 2 && etag.len <= LANDING_ETAG_MAX && etag.data[0] == '"';

	/* The note first, so that none ever stands beside bytes that it is not about. */
	if (unlinkat(l->directory, l->note, 0) < 0 && errno != ENOENT)
		return -errno;
	if (ftruncate(l->fd, 0) < 0)
		return -errno;
	l->size = 0;
	snprintf(l->etag, sizeof(l->etag), "%.*s", useful ? (int)etag.len : 0,
		(const char *)etag.data);
	return useful ? landing_write_note(l) : 0;
}

int landing_add(struct landing *l, struct bytes piece)
{
	while (piece.len) {
		ssize_t n = pwrite(l->fd, piece.data, piece.len, (off_t)l->size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		l->size += (uint64_t)n;
		piece = bytes_skip(piece, (size_t)n);
	}
	return 0;
}

ssize_t landing_copy(struct landing *l, int from, size_t len)
{
	struct stat st;

	if (!l->size && file_share(from, l->fd) && fstat(l->fd, &st) == 0) {
		l->size = (uint64_t)st.st_size;
		return st.st_size;
	}
	ssize_t n = file_copy(from, l->fd, l->size, len);
	if (n > 0)
		l->size += (uint64_t)n;
	return n;
}

/* ---- ends ---- */

/* As proc(5) tells it: umask(2) would change it for all threads. Unknown, it is the strictest. */
static mode_t landing_umask(void)
{
	static const char label[] = "Umask:";
	unsigned long mask = 077;
	char line[256];

	FILE *status = fopen("/proc/self/status", "re");
	if (!status)
		return (mode_t)mask;
	while (fgets(line, sizeof(line), status))
		if (strncmp(line, label, sizeof(label) - 1) == 0) {
			mask = strtoul(line + sizeof(label) - 1, NULL, 8);
			break;
		}
	fclose(status);
	return (mode_t)mask;
}

static int landing_set_facts(const struct landing *l, const struct http_file *facts)
{
	mode_t mode = facts->has_mode ? (mode_t)facts->mode : 0666 & ~landing_umask();
	struct timespec times[2] = {
		{.tv_nsec = UTIME_OMIT},
		{.tv_sec = facts->seconds, .tv_nsec = facts->nanoseconds},
	};

	if (fchmod(l->fd, mode) < 0)
		return -errno;
	return facts->has_time && futimens(l->fd, times) < 0 ? -errno : 0;
}

int landing_finish(struct landing *l, const struct http_file *facts, struct fault *why)
{
	int r = landing_set_facts(l, facts);
	if (r == 0 && fsync(l->fd) < 0)
		r = -errno;
	if (r == 0 && renameat(l->directory, l->part, l->directory, l->name) < 0)
		r = -errno;
	if (r < 0)
		return landing_explain(why, l->name, r);
	if (l->etag[0])
		unlinkat(l->directory, l->note, 0);
	if (fsync(l->directory) < 0)
		r = fault_errno(why, -errno, "%s is here, but may not last", l->name);
	l->size = 0;
	landing_close(l);
	return r;
}

void landing_close(struct landing *l)
{
	if (l->fd >= 0 && !(l->size && l->etag[0]) && landing_owns(l, l->fd))
		unlinkat(l->directory, l->part, 0);
	cleanup_close(&l->fd);
	cleanup_close(&l->directory);
	*l = LANDING_NULL;
}

void landing_drop(struct landing *l)
{
	if (l->fd >= 0)
		landing_restart(l, BYTES_NULL);
	landing_close(l);
}

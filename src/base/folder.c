#include "base/folder.h"

#include "base/cleanup.h"
#include "base/file_name.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

/* How often a directory is made again that someone removes meanwhile. */
enum { MAKE_ATTEMPTS = 8 };

static void folder_path(struct bytes name, char path[FILE_NAME_MAX_LEN + 1])
{
	memcpy(path, name.data, name.len);
	path[name.len] = 0;
}

static int folder_openat(int folder, struct bytes name, uint64_t flags)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS,
	};
	char path[FILE_NAME_MAX_LEN + 1] = ".";
	long fd;

	if (name.len > FILE_NAME_MAX_LEN)
		return -ENAMETOOLONG;
	if (name.len)
		folder_path(name, path);
	do
		fd = syscall(SYS_openat2, folder, path, &how, sizeof(how));
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : (int)fd;
}

static int folder_judge(const struct stat *st)
{
	if (S_ISREG(st->st_mode))
		return 0;
	if (S_ISDIR(st->st_mode))
		return -EISDIR;
	return S_ISLNK(st->st_mode) ? -ELOOP : -EPERM;
}

int folder_open_file(int folder, struct bytes name, struct stat *st)
{
	cleanup(cleanup_close) int fd = -1;

	/* Opening some devices does something. */
	cleanup(cleanup_close) int path = folder_openat(folder, name, O_PATH);
	if (path < 0)
		return path;
	if (fstat(path, st) < 0)
		return -errno;
	int r = folder_judge(st);
	if (r < 0)
		return r;
	fd = folder_openat(folder, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return fd;
	if (fstat(fd, st) < 0)
		return -errno;
	r = folder_judge(st);
	return r < 0 ? r : take_fd(&fd);
}

int folder_open_directory(int folder, struct bytes name)
{
	return folder_openat(folder, name, O_RDONLY | O_DIRECTORY);
}

static int folder_make_leaf(int folder, struct bytes name)
{
	char leaf[FILE_NAME_MAX_LEN + 1];

	cleanup(cleanup_close) int parent = folder_open_directory(folder, file_name_parent(name));
	if (parent < 0)
		return parent;
	folder_path(file_name_leaf(name), leaf);
	if (mkdirat(parent, leaf, 0777) < 0)
		return errno == EEXIST ? 0 : -errno;
	return fsync(parent) < 0 ? -errno : 0;
}

static int folder_make_all(int folder, struct bytes name)
{
	for (size_t len = 1; len <= name.len; len++) {
		if (len < name.len && name.data[len] != '/')
			continue;
		int r = folder_make_leaf(folder, bytes_of(name.data, len));
		if (r < 0)
			return r;
	}
	return 0;
}

int folder_make_directory(int folder, struct bytes name)
{
	int fd = folder_open_directory(folder, name);

	for (int i = 0; fd == -ENOENT && i < MAKE_ATTEMPTS; i++) {
		int r = folder_make_all(folder, name);
		if (r < 0 && r != -ENOENT)
			return r;
		fd = folder_open_directory(folder, name);
	}
	return fd;
}

void folder_prune(int folder, struct bytes name)
{
	char leaf[FILE_NAME_MAX_LEN + 1];

	while (name.len) {
		struct bytes above = file_name_parent(name);
		cleanup(cleanup_close) int parent = folder_open_directory(folder, above);
		if (parent < 0)
			return;
		folder_path(file_name_leaf(name), leaf);
		if (unlinkat(parent, leaf, AT_REMOVEDIR) < 0)
			return;
		name = above;
	}
}

int folder_stat(int directory, struct bytes leaf, struct stat *st)
{
	char path[FILE_NAME_MAX_LEN + 1];

	folder_path(leaf, path);
	if (fstatat(directory, path, st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return folder_judge(st);
}

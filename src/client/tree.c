#include "client/tree.h"

#include "base/cleanup.h"
#include "base/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

void tree_deinit(struct tree *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->files[i].path);
	free(t->files);
	t->files = NULL;
	t->count = t->room = 0;
}

static void tree_skip(const struct tree *t, const char *path, const char *reason)
{
	if (t->skipped)
		t->skipped(t->data, path, reason);
}

static int tree_add(struct tree *t, const char *path, uint64_t size)
{
	if (t->count == t->room) {
		size_t room = t->room ? t->room * 2 : 64;
		struct tree_file *files = realloc(t->files, room * sizeof(*files));
		if (!files)
			return -ENOMEM;
		t->files = files;
		t->room = room;
	}
	char *copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	t->files[t->count++] = (struct tree_file){copy, size};
	return 0;
}

static int tree_read_below(struct tree *t, int root, struct buffer *path);

/* PATH is the entry's, with a NUL that does not count. */
static int tree_take(
	struct tree *t, int root, DIR *directory, const char *name, struct buffer *path)
{
	const char *text = (const char *)buffer_bytes(path).data;
	struct stat st;

	if (name[0] == '.') {
		tree_skip(t, text, "hidden");
		return 0;
	}
	if (fstatat(dirfd(directory), name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (S_ISREG(st.st_mode))
		return tree_add(t, text, (uint64_t)st.st_size);
	if (S_ISDIR(st.st_mode))
		return tree_read_below(t, root, path);
	tree_skip(t, text, S_ISLNK(st.st_mode) ? "a symbolic link" : "no regular file");
	return 0;
}

static int tree_read_entry(
	struct tree *t, int root, DIR *directory, const char *name, struct buffer *path)
{
	size_t len = buffer_len(path);

	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return 0;
	int r = len ? buffer_append(path, "/", 1) : 0;
	if (r == 0)
		r = buffer_append(path, name, strlen(name) + 1);
	if (r == 0) {
		path->end--;
		r = tree_take(t, root, directory, name, path);
	}
	if (r == 0) /* else it says where */
		path->end = path->start + len;
	return r;
}

static int tree_read_below(struct tree *t, int root, struct buffer *path)
{
	int fd = folder_open_directory(root, buffer_bytes(path));
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!directory)
		return fd < 0 ? fd : -errno;
	int r = 0;
	while (r == 0 && (entry = readdir(directory)))
		r = tree_read_entry(t, root, directory, entry->d_name, path);
	closedir(directory);
	return r;
}

static int tree_compare(const void *a, const void *b)
{
	const struct tree_file *one = a, *other = b;

	return strcmp(one->path, other->path);
}

int tree_read(struct tree *t, int root, struct fault *why)
{
	cleanup(buffer_deinit) struct buffer path = BUFFER_NULL;

	int r = tree_read_below(t, root, &path);
	if (r < 0) {
		struct bytes at = buffer_bytes(&path);
		return fault_errno(why, r, "cannot read %.*s", (int)at.len,
			at.len ? (const char *)at.data : ".");
	}
	if (t->count)
		qsort(t->files, t->count, sizeof(*t->files), tree_compare);
	return 0;
}

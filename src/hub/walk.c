#include "hub/walk.h"

#include "base/cleanup.h"
#include "base/file_name.h"
#include "base/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

struct walk_directory {
	struct list node;
	size_t len;
	char name[]; /* a text */
};

static int walk_add(struct walk *w, struct bytes name)
{
	struct walk_directory *d = malloc(sizeof(*d) + name.len + 1);

	if (!d)
		return -ENOMEM;
	d->len = name.len;
	if (name.len)
		memcpy(d->name, name.data, name.len);
	d->name[name.len] = 0;
	list_push(&w->waiting, &d->node);
	return 0;
}

int walk_init(struct walk *w, int folder, struct bytes name)
{
	*w = (struct walk){.folder = folder};
	list_init(&w->waiting);
	return walk_add(w, name);
}

static void walk_leave(struct walk *w)
{
	if (w->dir)
		closedir(take(w->dir));
	free(take(w->now));
}

/* A directory that went away meanwhile has no files. */
static int walk_enter(struct walk *w)
{
	while (!list_empty(&w->waiting)) {
		walk_leave(w);
		w->now = container_of(w->waiting.next, struct walk_directory, node);
		list_unlink(&w->now->node);
		int fd = folder_open_directory(w->folder, bytes_of(w->now->name, w->now->len));
		if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP || fd == -EACCES)
			continue;
		if (fd < 0)
			return fd;
		w->dir = fdopendir(fd);
		if (w->dir)
			return 0;
		close(fd);
		return -ENOMEM;
	}
	walk_leave(w);
	return WALK_END;
}

/* Whether the entry LEAF is a file; a directory is noted for later. */
static int walk_look(struct walk *w, const char *leaf, struct bytes *name, struct stat *st)
{
	int len = snprintf(
		w->name, sizeof(w->name), "%s%s%s", w->now->name, w->now->len ? "/" : "", leaf);

	*name = bytes_of(w->name, (size_t)len);
	if (len >= (int)sizeof(w->name) || !file_name_valid(*name) ||
		fstatat(dirfd(w->dir), leaf, st, AT_SYMLINK_NOFOLLOW) < 0)
		return WALK_END;
	if (S_ISDIR(st->st_mode)) {
		int r = walk_add(w, *name);
		return r < 0 ? r : WALK_END;
	}
	return S_ISREG(st->st_mode) ? 0 : WALK_END;
}

int walk_next(struct walk *w, struct bytes *name, struct stat *st)
{
	int r;

	for (;;) {
		if (!w->dir) {
			r = walk_enter(w);
			if (r)
				return r;
		}
		errno = 0;
		const struct dirent *entry = readdir(w->dir);
		if (!entry && errno)
			return -errno;
		if (!entry) {
			walk_leave(w);
			continue;
		}
		r = walk_look(w, entry->d_name, name, st);
		if (r != WALK_END)
			return r;
	}
}

void walk_deinit(struct walk *w)
{
	if (w->folder < 0)
		return;
	walk_leave(w);
	while (!list_empty(&w->waiting)) {
		struct walk_directory *d =
			container_of(w->waiting.next, struct walk_directory, node);
		list_unlink(&d->node);
		free(d);
	}
	w->folder = -1;
}

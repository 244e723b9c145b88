#include "client/upload_note.h"

#include "base/cleanup.h"
#include "base/sha256.h"
#include "base/state_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>

enum { NOTE_AGE_S = 2 * 24 * 60 * 60 };

static int note_key(
	char hex[SHA256_HEX_SIZE], const char *address, const char *name, const struct stat *st)
{
	cleanup(buffer_deinit) struct buffer key = BUFFER_NULL;
	struct sha256 *s = sha256_new();
	uint8_t digest[SHA256_SIZE];

	int r = buffer_print(&key, "%s\n%s\n%llu %llu %llu %lld.%09ld", address, name,
		(unsigned long long)st->st_dev, (unsigned long long)st->st_ino,
		(unsigned long long)st->st_size, (long long)st->st_mtim.tv_sec,
		st->st_mtim.tv_nsec);
	if (!s || r < 0) {
		sha256_free(s);
		return -ENOMEM;
	}
	struct bytes text = buffer_bytes(&key);
	sha256_update(s, text.data, text.len);
	sha256_finish(s, digest);
	sha256_free(s);
	sha256_to_hex(digest, hex);
	return 0;
}

int upload_note_init(
	struct upload_note *n, const struct address *a, const char *name, const struct stat *st)
{
	cleanup(cleanup_free) char *state = NULL;
	cleanup(cleanup_free) char *address = address_format(a);
	cleanup(buffer_deinit) struct buffer path = BUFFER_NULL;
	char hex[SHA256_HEX_SIZE];

	*n = UPLOAD_NOTE_NULL;
	if (!address)
		return -ENOMEM;
	if (state_directory_find(NULL, &state, NULL) < 0)
		return 0;
	int r = note_key(hex, address, name, st);
	if (r == 0)
		r = buffer_print(&path, "%s/uploads/%.32s", state, hex);
	if (r == 0)
		n->path = bytes_dup(buffer_bytes(&path));
	return n->path ? 0 : -ENOMEM;
}

void upload_note_deinit(struct upload_note *n)
{
	free(n->path);
	*n = UPLOAD_NOTE_NULL;
}

bool upload_note_read(const struct upload_note *n, char location[UPLOAD_NOTE_MAX])
{
	cleanup(cleanup_close) int fd =
		n->path ? open(n->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;
	ssize_t len = fd < 0 ? 0 : read(fd, location, UPLOAD_NOTE_MAX - 1);

	location[len > 0 ? len : 0] = 0;
	return location[0] == '/';
}

/* Hubs forget an upload that nobody goes on with after a day. */
static void note_tidy(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	struct stat st;

	while (directory && (entry = readdir(directory))) {
		if (entry->d_name[0] != '.' &&
			fstatat(dirfd(directory), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			st.st_mtim.tv_sec + NOTE_AGE_S < time(NULL))
			unlinkat(dirfd(directory), entry->d_name, 0);
	}
	if (directory)
		closedir(directory);
}

static void note_make_directory(const struct upload_note *n)
{
	cleanup(cleanup_free) char *directory = strdup(n->path);

	if (!directory)
		return;
	*strrchr(directory, '/') = 0;
	state_directory_make(directory, NULL);
	note_tidy(directory);
}

void upload_note_write(const struct upload_note *n, const char *location)
{
	enum { FLAGS = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC };

	if (!n->path)
		return;
	note_make_directory(n);
	cleanup(cleanup_close) int fd = open(n->path, FLAGS, 0600);
	size_t len = strlen(location);
	if (fd < 0 || write(fd, location, len) != (ssize_t)len)
		upload_note_remove(n);
}

void upload_note_remove(const struct upload_note *n)
{
	if (n->path)
		unlink(n->path);
}

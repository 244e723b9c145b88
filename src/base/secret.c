#include "base/secret.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { SECRET_PIECE = 4096 };

/* Who is named here can read it, or change who can. */
static int secret_check(int fd, const char *path, struct fault *why)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fault_errno(why, -errno, "%s", path);
	if (S_ISDIR(st.st_mode))
		return fault_errno(why, -EISDIR, "%s", path);
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return fault_set(why, -EACCES,
			"others may read or change %s, which has secrets in it: chmod 600 %s", path,
			path);
	return 0;
}

static int secret_read_all(int fd, const char *path, struct buffer *out, struct fault *why)
{
	uint8_t *to;
	ssize_t n;

	do {
		if (buffer_len(out) > SECRET_MAX)
			return fault_errno(why, -EFBIG, "%s", path);
		if (buffer_reserve(out, SECRET_PIECE, &to) < 0)
			return fault_errno(why, -ENOMEM, "%s", path);
		n = read(fd, to, SECRET_PIECE);
		if (n < 0)
			return fault_errno(why, -errno, "%s", path);
		buffer_commit(out, (size_t)n);
	} while (n);
	return 0;
}

int secret_read(const char *path, struct buffer *out, struct fault *why)
{
	cleanup(cleanup_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return fault_errno(why, -errno, "%s", path);
	int r = secret_check(fd, path, why);
	return r < 0 ? r : secret_read_all(fd, path, out, why);
}

void secret_forget(struct buffer *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buffer_deinit(b);
}

#include "base/file_copy.h"

#include "base/cleanup.h"

#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

enum { COPY_BLOCK = 256 * 1024 };

bool file_share(int from, int to)
{
	return ioctl(to, FICLONE, from) == 0;
}

static int copy_write(int to, const uint8_t *data, size_t len, uint64_t at)
{
	while (len) {
		ssize_t n = pwrite(to, data, len, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
		at += (uint64_t)n;
	}
	return 0;
}

/* What takes any two files. */
static ssize_t copy_by_hand(int from, int to, uint64_t at, size_t len)
{
	cleanup(cleanup_free) uint8_t *block = malloc(COPY_BLOCK);

	if (!block)
		return -ENOMEM;
	ssize_t n = pread(from, block, len < COPY_BLOCK ? len : COPY_BLOCK, (off_t)at);
	if (n <= 0)
		return n < 0 ? -errno : 0;
	int r = copy_write(to, block, (size_t)n, at);
	return r < 0 ? r : n;
}

/* 0 too: copy_file_range(2) knows no size of what is in /proc. */
static bool copy_is_not_for(ssize_t n)
{
	return n == 0 || errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP ||
	       errno == ENOSYS || errno == EPERM;
}

ssize_t file_copy(int from, int to, uint64_t at, size_t len)
{
	off_t in = (off_t)at, out = in;

	ssize_t n = copy_file_range(from, &in, to, &out, len, 0);
	if (n > 0)
		return n;
	return copy_is_not_for(n) ? copy_by_hand(from, to, at, len) : -errno;
}

#include "net/standard.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

int standard_open(int fd)
{
	struct stat st;
	char path[32];

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)) {
		int access = fcntl(fd, F_GETFL) & O_ACCMODE;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		int anew = open(path, access | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
		if (anew >= 0)
			return anew;
	}
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (copy < 0)
		return -errno;
	/* Not to be opened anew (no /proc, another user's terminal): share the flag after all. */
	if (!S_ISREG(st.st_mode) && !S_ISSOCK(st.st_mode))
		fcntl(copy, F_SETFL, fcntl(copy, F_GETFL) | O_NONBLOCK);
	return copy;
}

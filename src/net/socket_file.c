#include "net/socket_file.h"

#include "base/cleanup.h"
#include "net/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

enum { LOCK_TRIES = 200, LOCK_PAUSE_NS = 5 * 1000 * 1000 };

/* Locks the directory of PATH until *lock is closed. One that may be written but not read cannot be
 * locked; *lock is -1 then. 0 or a negative errno. */
static int directory_lock(const char *path, int *lock)
{
	char copy[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	struct timespec pause = {.tv_nsec = LOCK_PAUSE_NS};

	strcpy(copy, path);
	*lock = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*lock < 0)
		return errno == EACCES ? 0 : -errno;
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(*lock, LOCK_EX | LOCK_NB) == 0)
			return 0;
		nanosleep(&pause, NULL);
	}
	return -EBUSY;
}

/* 0 when the socket at the path has no owner any more and the file was removed. The probe is of
 * datagrams: a live listener of streams or packets refuses it as another type and notices nothing
 * (EPROTOTYPE), one of datagrams is not told. */
static int remove_stale(const struct endpoint *e, const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	int probe = sys_socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (probe < 0)
		return probe;
	int r = sys_connect(probe, (const struct sockaddr *)&e->addr, e->len);
	sys_close(probe);
	if (r != -ECONNREFUSED && r != -ENOENT)
		return -EADDRINUSE;
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static int bind_exclusive(int fd, const struct endpoint *e, const char *path)
{
	const struct sockaddr *addr = (const struct sockaddr *)&e->addr;

	int r = sys_bind(fd, addr, e->len);
	if (r != -EADDRINUSE)
		return r;
	r = remove_stale(e, path);
	return r < 0 ? r : sys_bind(fd, addr, e->len);
}

/* The file has no more rights than the mode gives, but perhaps less, by the umask. */
static int file_complete(struct socket_file *f, const char *path, int mode)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return -errno;
	f->path = strdup(path);
	if (!f->path)
		return -ENOMEM;
	f->device = st.st_dev;
	f->inode = st.st_ino;
	if ((int)(st.st_mode & 0777) != mode && chmod(path, (mode_t)mode) < 0)
		return -errno;
	return 0;
}

int socket_file_bind(struct socket_file *f, int fd, const struct endpoint *e, int mode, int backlog)
{
	struct sockaddr_un un = {0};

	*f = SOCKET_FILE_NULL;
	memcpy(&un, &e->addr, e->len);
	mode = mode < 0 ? SOCKET_FILE_MODE : mode;
	cleanup(cleanup_close) int lock = -1;
	int r = directory_lock(un.sun_path, &lock);
	if (r < 0)
		return r;
	if (fchmod(fd, (mode_t)mode) < 0)
		return -errno;
	r = bind_exclusive(fd, e, un.sun_path);
	if (r < 0)
		return r;
	r = file_complete(f, un.sun_path, mode);
	if (!r && e->type != SOCK_DGRAM)
		r = sys_listen(fd, backlog);
	if (r < 0)
		socket_file_deinit(f);
	return r;
}

void socket_file_deinit(struct socket_file *f)
{
	struct stat st;

	if (!f->path)
		return;
	if (lstat(f->path, &st) == 0 && st.st_dev == f->device && st.st_ino == f->inode)
		unlink(f->path);
	free(f->path);
	*f = SOCKET_FILE_NULL;
}

#include "net/activation.h"

#include "base/cleanup.h"
#include "net/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

/* More descriptors than any process is given, and no more numbers than there are processes. */
enum { COUNT_MAX = 65536, PID_MAX = 4194304 };

/* The number that the variable NAME is, 0 when it is none of 1 to MAX. */
static int variable_number(const char *name, long max)
{
	const char *text = getenv(name);
	char *end;

	if (!text || *text < '0' || *text > '9')
		return 0;
	long n = strtol(text, &end, 10);
	return *end || n > max ? 0 : (int)n;
}

int activation_count(void)
{
	if (variable_number("LISTEN_PID", PID_MAX) != getpid())
		return 0;
	return variable_number("LISTEN_FDS", COUNT_MAX);
}

const char *activation_name(int index, int *len)
{
	const char *name = getenv("LISTEN_FDNAMES");

	for (; name && index; index--) {
		name = strchr(name, ':');
		if (name)
			name++;
	}
	if (!name || !*name)
		name = "unknown";
	*len = (int)strcspn(name, ":");
	return name;
}

void activation_forget(void)
{
	int count = activation_count();

	for (int i = 0; i < count; i++) {
		int flags = fcntl(ACTIVATION_FIRST + i, F_GETFD);
		if (flags >= 0)
			fcntl(ACTIVATION_FIRST + i, F_SETFD, flags | FD_CLOEXEC);
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_PIDFDID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}

int activation_supervisor(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	if (!path || !*path)
		return -ENOENT;
	size_t len = strlen(path);
	if (*path != '/' && *path != '@')
		return -EAFNOSUPPORT;
	if (len >= sizeof(un.sun_path))
		return -ENAMETOOLONG;
	memcpy(un.sun_path, path, len);
	if (*path == '@')
		un.sun_path[0] = '\0';
	cleanup(cleanup_close) int fd = sys_socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	int r = sys_connect(fd, (struct sockaddr *)&un,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	return r < 0 ? r : take_fd(&fd);
}

int activation_notify(int supervisor, const char *state)
{
	if (supervisor < 0)
		return 0;
	ssize_t r = sys_send(supervisor, state, strlen(state), MSG_NOSIGNAL);
	return r < 0 ? (int)r : 0;
}

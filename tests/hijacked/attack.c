#include "attack.h"

#include "base/cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int attack_done(long result)
{
	return result < 0 ? -errno : 0;
}

static int attack_opened(int fd)
{
	int r = attack_done(fd);

	if (fd >= 0)
		close(fd);
	return r;
}

static int attack_open(const char *path)
{
	return attack_opened(open(path, O_RDONLY | O_CLOEXEC));
}

static int attack_write(const char *path)
{
	return attack_opened(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int attack_list(const char *path)
{
	return attack_opened(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static int attack_remove(const char *path)
{
	return attack_done(unlink(path));
}

static int attack_execute(const char *path)
{
	char *args[] = {(char *)path, NULL};

	return attack_done(execv(path, args));
}

static int attack_fork(const char *unused)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return attack_done(pid);
}

static int attack_connect(const char *port)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
		.sin_addr = {htonl(INADDR_LOOPBACK)},
	};

	cleanup(cleanup_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return attack_done(fd < 0 ? fd : connect(fd, (struct sockaddr *)&to, sizeof(to)));
}

static int attack_connect_unix(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};

	cleanup(cleanup_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	return attack_done(fd < 0 ? fd : connect(fd, (struct sockaddr *)&to, sizeof(to)));
}

static int attack_trace(const char *unused)
{
	int r = attack_done(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));

	if (r == 0) {
		waitpid(getppid(), NULL, __WALL);
		ptrace(PTRACE_DETACH, getppid(), NULL, NULL);
	}
	return r;
}

static int attack_mount(const char *path)
{
	int r = attack_done(mount("none", path, "tmpfs", 0, NULL));

	if (r == 0)
		umount(path);
	return r;
}

static int attack_namespace(const char *unused)
{
	return attack_done(unshare(CLONE_NEWUSER));
}

static int attack_signal(const char *unused)
{
	return attack_done(kill(getppid(), SIGURG)); /* which does nothing */
}

/* Where what comes to a descriptor is told by a signal. */
static int attack_own(const char *unused)
{
	int r = attack_done(fcntl(STDERR_FILENO, F_SETOWN, getppid()));

	if (r == 0)
		fcntl(STDERR_FILENO, F_SETOWN, 0);
	return r;
}

static int attack_async(const char *unused)
{
	int flags = fcntl(STDERR_FILENO, F_GETFL);
	int r = attack_done(fcntl(STDERR_FILENO, F_SETFL, flags | O_ASYNC));

	if (r == 0)
		fcntl(STDERR_FILENO, F_SETFL, flags);
	return r;
}

static int attack_run_memory(const char *unused)
{
	void *memory = mmap(
		NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return -errno;
	munmap(memory, 4096);
	return 0;
}

static int attack_ring(const char *unused)
{
	char parameters[120] = {0};

	return attack_opened((int)syscall(SYS_io_uring_setup, 1, parameters));
}

static int attack_type(const char *unused)
{
	return attack_done(ioctl(STDIN_FILENO, TIOCSTI, "\n"));
}

int attack_try(struct bytes what)
{
	static const struct {
		const char *name;
		int (*try)(const char *argument);
	} attacks[] = {
		{"open", attack_open},
		{"write", attack_write},
		{"list", attack_list},
		{"remove", attack_remove},
		{"execute", attack_execute},
		{"fork", attack_fork},
		{"connect", attack_connect},
		{"connect-unix", attack_connect_unix},
		{"trace", attack_trace},
		{"mount", attack_mount},
		{"namespace", attack_namespace},
		{"signal", attack_signal},
		{"own", attack_own},
		{"async", attack_async},
		{"run-memory", attack_run_memory},
		{"ring", attack_ring},
		{"type", attack_type},
	};
	char argument[256];
	struct bytes name = what, rest = what;

	if (!bytes_cut(&rest, ' ', &name))
		rest = BYTES_NULL;
	snprintf(argument, sizeof(argument), "%.*s", (int)rest.len, (const char *)rest.data);
	for (size_t i = 0; i < sizeof(attacks) / sizeof(*attacks); i++)
		if (bytes_equal(name, bytes_text(attacks[i].name)))
			return attacks[i].try(argument);
	return -ENOTSUP;
}

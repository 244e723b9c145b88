#include "sandbox/landlock.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { ABI_MIN = 2, ABI_TRUNCATE = 3, ABI_NET = 4, ABI_IOCTL = 5, ABI_SCOPE = 6 };

/* What headers older than the kernel lack. */
struct landlock_rules {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

struct landlock_port {
	uint64_t allowed;
	uint64_t port;
};

enum {
	FS_TRUNCATE = 1 << 14,
	FS_IOCTL_DEV = 1 << 15,
	NET_BIND_TCP = 1 << 0,
	NET_CONNECT_TCP = 1 << 1,
	SCOPE_ABSTRACT_UNIX = 1 << 0,
	SCOPE_SIGNAL = 1 << 1,
	RULE_NET_PORT = 2,
};

enum {
	FS_ALL_1 = (1 << 13) - 1, /* from EXECUTE to MAKE_SYM */
	FS_READ = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
	FS_KEEP = FS_READ | FS_TRUNCATE | LANDLOCK_ACCESS_FS_WRITE_FILE |
		  LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |
		  LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
		  LANDLOCK_ACCESS_FS_REFER,
	FS_OF_FILES = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |
		      LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV,
};

static uint64_t landlock_files(int abi)
{
	uint64_t all = FS_ALL_1 | LANDLOCK_ACCESS_FS_REFER;

	if (abi >= ABI_TRUNCATE)
		all |= FS_TRUNCATE;
	if (abi >= ABI_IOCTL)
		all |= FS_IOCTL_DEV;
	return all;
}

int landlock_init(struct landlock *l, bool abstract)
{
	*l = LANDLOCK_NULL;
	int abi =
		(int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < ABI_MIN)
		return 0;
	struct landlock_rules rules = {
		.fs = landlock_files(abi),
		.net = abi >= ABI_NET ? NET_BIND_TCP | NET_CONNECT_TCP : 0,
		.scoped = SCOPE_SIGNAL | (abstract ? 0 : SCOPE_ABSTRACT_UNIX),
	};
	size_t size = sizeof(rules);
	if (abi < ABI_SCOPE)
		size = abi < ABI_NET ? sizeof(rules.fs) : sizeof(rules.fs) + sizeof(rules.net);
	l->fd = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
	if (l->fd < 0)
		return -errno;
	l->abi = abi;
	return 0;
}

void landlock_deinit(struct landlock *l)
{
	cleanup_close(&l->fd);
	*l = LANDLOCK_NULL;
}

static int landlock_add_path(struct landlock *l, int fd, uint64_t rights)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	struct landlock_path_beneath_attr rule = {
		.allowed_access = rights & landlock_files(l->abi),
		.parent_fd = fd,
	};
	if (!S_ISDIR(st.st_mode))
		rule.allowed_access &= FS_OF_FILES;
	if (rule.allowed_access &&
		syscall(SYS_landlock_add_rule, l->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		return -errno;
	return 0;
}

int landlock_allow(struct landlock *l, const char *path, enum landlock_right right)
{
	static const uint64_t rights[] = {
		[LANDLOCK_READ] = FS_READ,
		[LANDLOCK_KEEP] = FS_KEEP,
		[LANDLOCK_REMOVE] = LANDLOCK_ACCESS_FS_REMOVE_FILE,
		[LANDLOCK_RUN] = FS_READ | LANDLOCK_ACCESS_FS_EXECUTE,
	};

	if (l->fd < 0)
		return 0;
	cleanup(cleanup_close) int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -errno;
	return landlock_add_path(l, fd, rights[right]);
}

int landlock_allow_connect(struct landlock *l, uint16_t port)
{
	struct landlock_port rule = {.allowed = NET_CONNECT_TCP, .port = port};

	if (l->abi < ABI_NET)
		return 0;
	return syscall(SYS_landlock_add_rule, l->fd, RULE_NET_PORT, &rule, 0) < 0 ? -errno : 0;
}

int landlock_enforce(struct landlock *l)
{
	if (l->fd < 0)
		return 0;
	return syscall(SYS_landlock_restrict_self, l->fd, 0) < 0 ? -errno : 0;
}

#include "net/process.h"

#include "base/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

static void cleanup_closedir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int sockets_add(struct process_sockets *s, size_t *room, uint64_t inode, pid_t pid)
{
	if (s->count == *room) {
		size_t more = *room ? *room * 2 : 256;
		struct process_socket *list = realloc(s->list, more * sizeof(*list));
		if (!list)
			return -ENOMEM;
		s->list = list;
		*room = more;
	}
	s->list[s->count++] = (struct process_socket){.inode = inode, .pid = pid};
	return 0;
}

/* The inode of "socket:[123]", 0 for a descriptor of another kind. */
static uint64_t socket_inode(const char *target)
{
	static const char mark[] = "socket:[";

	if (strncmp(target, mark, sizeof(mark) - 1))
		return 0;
	return strtoull(target + sizeof(mark) - 1, NULL, 10);
}

/* Adds the sockets among the descriptors of one process. */
static int sockets_add_process(struct process_sockets *s, size_t *room, pid_t pid)
{
	char path[32];
	char target[64];

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	cleanup(cleanup_closedir) DIR *dir = opendir(path);
	if (!dir) {
		s->partial |= errno == EACCES;
		return 0; /* otherwise it has gone */
	}
	for (const struct dirent *entry; (entry = readdir(dir));) {
		ssize_t len = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
		if (len < 0)
			continue;
		target[len] = '\0';
		uint64_t inode = socket_inode(target);
		int r = inode ? sockets_add(s, room, inode, pid) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

static int compare_sockets(const void *a, const void *b)
{
	const struct process_socket *x = a;
	const struct process_socket *y = b;

	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return (x->pid > y->pid) - (x->pid < y->pid);
}

static void sockets_sort(struct process_sockets *s)
{
	size_t kept = 0;

	if (!s->count)
		return;
	qsort(s->list, s->count, sizeof(*s->list), compare_sockets);
	for (size_t i = 0; i < s->count; i++)
		if (!i || compare_sockets(&s->list[i], &s->list[kept - 1]))
			s->list[kept++] = s->list[i];
	s->count = kept;
}

int process_sockets_init(struct process_sockets *s)
{
	size_t room = 0;

	*s = PROCESS_SOCKETS_NULL;
	cleanup(cleanup_closedir) DIR *dir = opendir("/proc");
	if (!dir)
		return -errno;
	for (const struct dirent *entry; (entry = readdir(dir));) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
		if (pid <= 0)
			continue;
		int r = sockets_add_process(s, &room, pid);
		if (r < 0) {
			process_sockets_deinit(s);
			return r;
		}
	}
	sockets_sort(s);
	return 0;
}

void process_sockets_deinit(struct process_sockets *s)
{
	free(s->list);
	*s = PROCESS_SOCKETS_NULL;
}

const struct process_socket *process_sockets_find(
	const struct process_sockets *s, uint64_t inode, size_t *count)
{
	size_t low = 0;
	size_t high = s->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (s->list[middle].inode < inode)
			low = middle + 1;
		else
			high = middle;
	}
	*count = 0;
	while (low + *count < s->count && s->list[low + *count].inode == inode)
		++*count;
	return *count ? &s->list[low] : NULL;
}

/* What fits of /proc/PID/NAME, as text with its NUL: the length, or a negative errno. */
static ssize_t process_file(pid_t pid, const char *name, char *text, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t len = read(fd, text, size - 1);
	if (len < 0)
		len = -errno;
	else
		text[len] = '\0';
	close(fd);
	return len;
}

static int process_read_uid(struct process *p)
{
	char text[2048];

	if (process_file(p->pid, "status", text, sizeof(text)) < 0)
		return -ESRCH;
	char *at = strstr(text, "\nUid:");
	if (!at)
		return -ESRCH;
	strtoul(at + 5, &at, 10); /* the real one; the effective one follows */
	p->uid = (uid_t)strtoul(at, NULL, 10);
	process_user(p->uid, p->user);
	return 0;
}

static void process_read_command(struct process *p)
{
	ssize_t len = process_file(p->pid, "cmdline", p->command, sizeof(p->command));

	/* A NUL ends each argument; a title that a server gave itself may be padded with them. */
	while (len > 0 && !p->command[len - 1])
		len--;
	for (ssize_t i = 0; i < len; i++)
		if (!p->command[i])
			p->command[i] = ' ';
	p->command[len > 0 ? len : 0] = '\0';
}

static bool names_unit(const char *name, size_t len)
{
	static const char *const kinds[] = {".service", ".scope"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		size_t kind_len = strlen(kinds[i]);
		if (len > kind_len && !memcmp(name + len - kind_len, kinds[i], kind_len))
			return true;
	}
	return false;
}

/* systemd names a group after its unit; a unit may make groups of its own inside (cgroups(7)). */
static void process_find_unit(struct process *p)
{
	for (const char *part = p->cgroup; *part;) {
		size_t len = strcspn(part, "/");
		if (names_unit(part, len) && len < sizeof(p->unit))
			snprintf(p->unit, sizeof(p->unit), "%.*s", (int)len, part);
		part += len;
		part += strspn(part, "/");
	}
}

/* The group of the unified hierarchy, or of systemd's where the old kind is used. */
static void process_read_cgroup(struct process *p)
{
	static const char *const marks[] = {"\n0::", ":name=systemd:"};
	char text[4096] = "\n";

	if (process_file(p->pid, "cgroup", text + 1, sizeof(text) - 1) < 0)
		return;
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		const char *group = strstr(text, marks[i]);
		if (!group)
			continue;
		group += strlen(marks[i]);
		snprintf(p->cgroup, sizeof(p->cgroup), "%.*s", (int)strcspn(group, "\n"), group);
		if (strcmp(p->cgroup, "/"))
			break;
	}
	process_find_unit(p);
}

int process_read(struct process *p, pid_t pid)
{
	*p = (struct process){.pid = pid};
	if (process_file(pid, "comm", p->name, sizeof(p->name)) < 0)
		return -ESRCH;
	p->name[strcspn(p->name, "\n")] = '\0';
	int r = process_read_uid(p);
	if (r < 0)
		return r;
	process_read_command(p);
	process_read_cgroup(p);
	return 0;
}

void process_user(uid_t uid, char name[PROCESS_USER_SIZE])
{
	struct passwd entry;
	struct passwd *found = NULL;
	char text[4096];

	if (getpwuid_r(uid, &entry, text, sizeof(text), &found) || !found)
		snprintf(name, PROCESS_USER_SIZE, "%u", uid);
	else
		snprintf(name, PROCESS_USER_SIZE, "%s", found->pw_name);
}

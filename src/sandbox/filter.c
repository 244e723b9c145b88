#include "sandbox/filter.h"

#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* No build but those with instruments runs code that it makes, looks into itself or starts others.
 */
#ifdef SANDBOX_INSTRUMENTS
enum { INSTRUMENTED = 1 };
#else
enum { INSTRUMENTED = 0 };
#endif

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

/* Whatever their arguments are. */
static const int filter_calls[] = {
	/* memory, threads */
	SCMP_SYS(brk),
	SCMP_SYS(madvise),
	SCMP_SYS(membarrier),
	SCMP_SYS(mremap),
	SCMP_SYS(munmap),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(futex),
	SCMP_SYS(get_robust_list),
	SCMP_SYS(gettid),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rseq),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_yield),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(set_tid_address),
	/* signals, children that end */
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigpending),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigtimedwait),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(wait4),
	SCMP_SYS(waitid),
	/* who and when */
	SCMP_SYS(clock_getres),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(getegid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getpgrp),
	SCMP_SYS(getpid),
	SCMP_SYS(getppid),
	SCMP_SYS(getrandom),
	SCMP_SYS(getrlimit),
	SCMP_SYS(getrusage),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(getuid),
	SCMP_SYS(nanosleep),
	SCMP_SYS(sysinfo),
	SCMP_SYS(time),
	SCMP_SYS(times),
	SCMP_SYS(uname),
	/* waiting */
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(eventfd2),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(pselect6),
	SCMP_SYS(select),
	/* files */
	451, /* cachestat, which libseccomp does not know yet */
	SCMP_SYS(access),
	SCMP_SYS(chmod),
	SCMP_SYS(close),
	SCMP_SYS(close_range),
	SCMP_SYS(copy_file_range),
	SCMP_SYS(dup),
	SCMP_SYS(dup2),
	SCMP_SYS(dup3),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(fadvise64),
	SCMP_SYS(fallocate),
	SCMP_SYS(fchmod),
	SCMP_SYS(fchmodat),
	SCMP_SYS(fchown),
	SCMP_SYS(fdatasync),
	SCMP_SYS(fgetxattr),
	SCMP_SYS(flock),
	SCMP_SYS(fsetxattr),
	SCMP_SYS(fstat),
	SCMP_SYS(fstatfs),
	SCMP_SYS(fsync),
	SCMP_SYS(ftruncate),
	SCMP_SYS(getcwd),
	SCMP_SYS(getdents64),
	SCMP_SYS(link),
	SCMP_SYS(linkat),
	SCMP_SYS(lseek),
	SCMP_SYS(lstat),
	SCMP_SYS(mkdir),
	SCMP_SYS(mkdirat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(open),
	SCMP_SYS(openat),
	SCMP_SYS(openat2),
	SCMP_SYS(pipe2),
	SCMP_SYS(pread64),
	SCMP_SYS(preadv),
	SCMP_SYS(pwrite64),
	SCMP_SYS(pwritev),
	SCMP_SYS(read),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(readv),
	SCMP_SYS(rename),
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
	SCMP_SYS(rmdir),
	SCMP_SYS(sendfile),
	SCMP_SYS(splice),
	SCMP_SYS(stat),
	SCMP_SYS(statfs),
	SCMP_SYS(statx),
	SCMP_SYS(sync_file_range),
	SCMP_SYS(truncate),
	SCMP_SYS(umask),
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
	SCMP_SYS(utimensat),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	/* sockets that there are, and those that come to them */
	SCMP_SYS(accept),
	SCMP_SYS(accept4),
	SCMP_SYS(getpeername),
	SCMP_SYS(getsockname),
	SCMP_SYS(getsockopt),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmmsg),
	SCMP_SYS(recvmsg),
	SCMP_SYS(setsockopt),
	SCMP_SYS(shutdown),
};

/* Of a client that looks names up. */
static const int filter_client_calls[] = {
	SCMP_SYS(bind),
	SCMP_SYS(connect),
	SCMP_SYS(sendmmsg),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(socket),
	SCMP_SYS(socketpair),
};

/* What sanitizers do when the process ends: threads that are stopped and looked into by a process
 * that shares everything, and a program that knows the names of functions. */
static const int filter_instrument_calls[] = {
	SCMP_SYS(arch_prctl),
	SCMP_SYS(clone),
	SCMP_SYS(clone3),
	SCMP_SYS(execve),
	SCMP_SYS(fork),
	SCMP_SYS(getdents),
	SCMP_SYS(kill),
	SCMP_SYS(mmap),
	SCMP_SYS(mprotect),
	SCMP_SYS(personality),
	SCMP_SYS(prctl),
	SCMP_SYS(prlimit64),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(ptrace),
	SCMP_SYS(setrlimit),
	SCMP_SYS(socketpair),
	SCMP_SYS(tgkill),
	SCMP_SYS(tkill),
	SCMP_SYS(vfork),
};

/* An argument decides: VALUE is what is left of it under MASK. */
struct filter_case {
	int call;
	unsigned argument;
	uint64_t mask;
	uint64_t value;
};

enum {
	CLONE_KINDS = CLONE_THREAD | CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
		      CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_PTRACE,
	CLONE_ARGUMENT = 0,
};

#define WHOLE UINT64_MAX
#define WORD  UINT32_MAX

static const struct filter_case filter_cases[] = {
	{SCMP_SYS(clone), CLONE_ARGUMENT, CLONE_KINDS, CLONE_THREAD},
	{SCMP_SYS(mmap), 2, PROT_EXEC, 0},
	{SCMP_SYS(mprotect), 2, PROT_EXEC, 0},
	{SCMP_SYS(prctl), 0, WORD, PR_GET_NAME},
	{SCMP_SYS(prctl), 0, WORD, PR_SET_NAME},
	{SCMP_SYS(prctl), 0, WORD, PR_SET_VMA},
	{SCMP_SYS(prlimit64), 2, WHOLE, 0},	 /* asked for, not set */
	{SCMP_SYS(sendto), 4, WHOLE, 0},	 /* to no address */
	{SCMP_SYS(sendmsg), 2, MSG_FASTOPEN, 0}, /* which would connect */
	{SCMP_SYS(sendmmsg), 3, MSG_FASTOPEN, 0},
	/* None that sends signals (F_SETOWN, F_SETSIG, F_SETLEASE, F_NOTIFY). */
	{SCMP_SYS(fcntl), 1, WORD, F_DUPFD},
	{SCMP_SYS(fcntl), 1, WORD, F_DUPFD_CLOEXEC},
	{SCMP_SYS(fcntl), 1, WORD, F_GETFD},
	{SCMP_SYS(fcntl), 1, WORD, F_GETFL},
	{SCMP_SYS(fcntl), 1, WORD, F_GETLK},
	{SCMP_SYS(fcntl), 1, WORD, F_SETFD},
	{SCMP_SYS(fcntl), 1, WORD, F_SETLK},
	{SCMP_SYS(fcntl), 1, WORD, F_SETLKW},
	{SCMP_SYS(fcntl), 1, WORD, F_SETPIPE_SZ},
	{SCMP_SYS(ioctl), 1, WORD, FICLONE},
	{SCMP_SYS(ioctl), 1, WORD, FIONBIO},
	{SCMP_SYS(ioctl), 1, WORD, FIONREAD},
	{SCMP_SYS(ioctl), 1, WORD, TCGETS},
	{SCMP_SYS(ioctl), 1, WORD, TCSETS},
	{SCMP_SYS(ioctl), 1, WORD, TCSETSF},
	{SCMP_SYS(ioctl), 1, WORD, TCSETSW},
	{SCMP_SYS(ioctl), 1, WORD, TIOCGPGRP},
	{SCMP_SYS(ioctl), 1, WORD, TIOCGWINSZ},
	{SCMP_SYS(ioctl), 1, WORD, TIOCOUTQ},
};

/* libseccomp looks a call up in a tree, not in a row. */
enum { FILTER_TREE = 2 };

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

static int filter_allow(scmp_filter_ctx filter, const int *calls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
		if (r < 0)
			return r;
	}
	return 0;
}

static int filter_allow_cases(scmp_filter_ctx filter)
{
	for (size_t i = 0; i < COUNT(filter_cases); i++) {
		const struct filter_case *c = &filter_cases[i];
		const struct scmp_arg_cmp compared = {
			c->argument, SCMP_CMP_MASKED_EQ, c->mask, c->value};
		int r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, c->call, 1, &compared);
		if (r < 0)
			return r;
	}
	/* A terminal would signal its foreground processes whenever it has something to read. */
	const struct scmp_arg_cmp silent[] = {
		{1, SCMP_CMP_MASKED_EQ, WORD, F_SETFL}, {2, SCMP_CMP_MASKED_EQ, O_ASYNC, 0}};
	int r = seccomp_rule_add_array(
		filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), COUNT(silent), silent);
	if (r < 0)
		return r;
	const struct scmp_arg_cmp own = {0, SCMP_CMP_EQ, (uint64_t)getpid(), 0};
	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &own);
}

/* The arguments of clone3 are out of a filter's sight; told that there is none, glibc takes clone.
 */
static int filter_hide_clone3(scmp_filter_ctx filter)
{
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

static int filter_fill(scmp_filter_ctx filter, const struct filter_options *options)
{
	int r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

	if (!r)
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
	if (!r)
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, FILTER_TREE);
	if (!r)
		r = filter_allow(filter, filter_calls, COUNT(filter_calls));
	if (!r && options->connects)
		r = filter_allow(filter, filter_client_calls, COUNT(filter_client_calls));
	if (!r && INSTRUMENTED)
		r = filter_allow(filter, filter_instrument_calls, COUNT(filter_instrument_calls));
	else if (!r)
		r = filter_hide_clone3(filter);
	return r ? r : filter_allow_cases(filter);
}

int filter_load(const struct filter_options *options)
{
	uint32_t otherwise = options->kills ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO(EPERM);
	scmp_filter_ctx filter = seccomp_init(otherwise);

	if (!filter)
		return -ENOMEM;
	int r = filter_fill(filter, options);
	if (!r)
		r = seccomp_load(filter);
	seccomp_release(filter);
	/* What libseccomp says of a kernel without, or of one that forbids them. */
	return r == -ECANCELED || r == -EINVAL || r == -EOPNOTSUPP ? FILTER_MISSING : r;
}

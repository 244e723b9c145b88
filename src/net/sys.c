#include "net/sys.h"

#include "net/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <unistd.h>

static bool sys_traced;

#define TRACED __builtin_expect(sys_traced, false)

/* Makes the call until no signal cuts it short; what it returned, or -errno. */
#define CALL(type, call)                                                                           \
	__extension__({                                                                            \
		type r_;                                                                           \
		do                                                                                 \
			r_ = (call);                                                               \
		while (r_ < 0 && errno == EINTR);                                                  \
		r_ < 0 ? (type)-errno : r_;                                                        \
	})

void sys_trace(bool on)
{
	sys_traced = on;
}

int sys_socket(int family, int type, int protocol)
{
	int r = CALL(int, socket(family, type, protocol));
	if (TRACED) {
		struct trace t = {0};
		trace_print(&t, "socket(");
		trace_socket_kind(&t, family, type, protocol);
		trace_end(&t, r);
	}
	return r;
}

int sys_socketpair(int family, int type, int protocol, int fds[2])
{
	int r = CALL(int, socketpair(family, type, protocol, fds));
	if (TRACED) {
		struct trace t = {0};
		trace_print(&t, "socketpair(");
		trace_socket_kind(&t, family, type, protocol);
		if (!r)
			trace_print(&t, ", [%d, %d]", fds[0], fds[1]);
		trace_end(&t, r);
	}
	return r;
}

static void trace_naming(
	const char *call, int fd, const struct sockaddr *addr, socklen_t len, int result)
{
	struct trace t = {0};

	trace_print(&t, "%s(%d, ", call, fd);
	trace_address(&t, addr, len);
	trace_end(&t, result);
}

int sys_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	int r = CALL(int, bind(fd, addr, len));
	if (TRACED)
		trace_naming("bind", fd, addr, len, r);
	return r;
}

int sys_listen(int fd, int backlog)
{
	int r = CALL(int, listen(fd, backlog));
	if (TRACED) {
		struct trace t = {0};
		trace_print(&t, "listen(%d, %d", fd, backlog);
		trace_end(&t, r);
	}
	return r;
}

int sys_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	int r = CALL(int, accept4(fd, addr, len, flags));
	if (TRACED) {
		struct trace t = {0};
		trace_print(&t, "accept4(%d, ", fd);
		trace_address(&t, r < 0 ? NULL : addr, len ? *len : 0);
		trace_print(&t, ", ");
		trace_accept_flags(&t, flags);
		trace_end(&t, r);
	}
	return r;
}

int sys_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	int r = connect(fd, addr, len) < 0 ? -errno : 0;
	if (TRACED)
		trace_naming("connect", fd, addr, len, r);
	return r;
}

int sys_shutdown(int fd, int how)
{
	static const char *const names[] = {"SHUT_RD", "SHUT_WR", "SHUT_RDWR"};

	int r = CALL(int, shutdown(fd, how));
	if (TRACED) {
		struct trace t = {0};
		trace_print(
			&t, "shutdown(%d, %s", fd, how >= 0 && how <= SHUT_RDWR ? names[how] : "?");
		trace_end(&t, r);
	}
	return r;
}

int sys_close(int fd)
{
	int r = close(fd) < 0 ? -errno : 0;
	if (TRACED) {
		struct trace t = {0};
		trace_print(&t, "close(%d", fd);
		trace_end(&t, r);
	}
	return r;
}

int sys_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	int r = CALL(int, getsockname(fd, addr, len));
	if (TRACED)
		trace_naming("getsockname", fd, r < 0 ? NULL : addr, *len, r);
	return r;
}

int sys_getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
	int r = CALL(int, getpeername(fd, addr, len));
	if (TRACED)
		trace_naming("getpeername", fd, r < 0 ? NULL : addr, *len, r);
	return r;
}

static void trace_option_call(const char *call, int fd, int level, int option, const void *value,
	socklen_t len, int result)
{
	struct trace t = {0};

	trace_print(&t, "%s(%d, ", call, fd);
	trace_option(&t, level, option, value, len);
	trace_end(&t, result);
}

int sys_getsockopt(int fd, int level, int option, void *value, socklen_t *len)
{
	int r = CALL(int, getsockopt(fd, level, option, value, len));
	if (TRACED)
		trace_option_call("getsockopt", fd, level, option, r < 0 ? NULL : value, *len, r);
	return r;
}

int sys_setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
	int r = CALL(int, setsockopt(fd, level, option, value, len));
	if (TRACED)
		trace_option_call("setsockopt", fd, level, option, value, len, r);
	return r;
}

int sys_getsockopt_int(int fd, int level, int option, int *value)
{
	socklen_t len = sizeof(*value);

	return sys_getsockopt(fd, level, option, value, &len);
}

int sys_setsockopt_int(int fd, int level, int option, int value)
{
	return sys_setsockopt(fd, level, option, &value, sizeof(value));
}

ssize_t sys_read(int fd, void *data, size_t len)
{
	ssize_t r = CALL(ssize_t, read(fd, data, len));
	if (TRACED) {
		struct trace t = {0};
		trace_print(&t, "read(%d, ", fd);
		trace_data(&t, data, r);
		trace_print(&t, ", %zu", len);
		trace_end(&t, r);
	}
	return r;
}

ssize_t sys_readv(int fd, const struct iovec *iov, int count)
{
	ssize_t r = CALL(ssize_t, readv(fd, iov, count));
	if (TRACED) {
		struct trace t = {0};
		trace_print(&t, "readv(%d, ", fd);
		trace_iov(&t, iov, (size_t)count, r);
		trace_print(&t, ", %d", count);
		trace_end(&t, r);
	}
	return r;
}

ssize_t sys_recv(int fd, void *data, size_t len, int flags)
{
	ssize_t r = CALL(ssize_t, recv(fd, data, len, flags));
	if (TRACED) {
		struct trace t = {0};
		trace_print(&t, "recv(%d, ", fd);
		trace_data(&t, data, r < (ssize_t)len ? r : (ssize_t)len);
		trace_print(&t, ", %zu, ", len);
		trace_message_flags(&t, flags);
		trace_end(&t, r);
	}
	return r;
}

ssize_t sys_recvfrom(
	int fd, void *data, size_t len, int flags, struct sockaddr *addr, socklen_t *addr_len)
{
	ssize_t r = CALL(ssize_t, recvfrom(fd, data, len, flags, addr, addr_len));
	if (TRACED) {
		struct trace t = {0};
		trace_print(&t, "recvfrom(%d, ", fd);
		trace_data(&t, data, r < (ssize_t)len ? r : (ssize_t)len);
		trace_print(&t, ", %zu, ", len);
		trace_message_flags(&t, flags);
		trace_print(&t, ", ");
		trace_address(&t, r < 0 ? NULL : addr, addr_len ? *addr_len : 0);
		trace_end(&t, r);
	}
	return r;
}

static void trace_message(
	const char *call, int fd, const struct msghdr *message, int flags, ssize_t len, ssize_t r)
{
	struct trace t = {0};

	trace_print(&t, "%s(%d, {", call, fd);
	if (message->msg_name && len >= 0) {
		trace_address(&t, message->msg_name, message->msg_namelen);
		trace_print(&t, ", ");
	}
	trace_iov(&t, message->msg_iov, message->msg_iovlen, len);
	if (message->msg_controllen)
		trace_print(&t, ", control %zu bytes", (size_t)message->msg_controllen);
	trace_print(&t, "}, ");
	trace_message_flags(&t, flags);
	trace_end(&t, r);
}

ssize_t sys_recvmsg(int fd, struct msghdr *message, int flags)
{
	ssize_t r = CALL(ssize_t, recvmsg(fd, message, flags));
	if (TRACED)
		trace_message("recvmsg", fd, message, flags, r, r);
	return r;
}

static size_t iov_len(const struct iovec *iov, size_t count)
{
	size_t len = 0;

	for (size_t i = 0; i < count; i++)
		len += iov[i].iov_len;
	return len;
}

ssize_t sys_write(int fd, const void *data, size_t len)
{
	ssize_t r = CALL(ssize_t, write(fd, data, len));
	if (TRACED) {
		struct trace t = {0};
		trace_print(&t, "write(%d, ", fd);
		trace_data(&t, data, (ssize_t)len);
		trace_print(&t, ", %zu", len);
		trace_end(&t, r);
	}
	return r;
}

ssize_t sys_writev(int fd, const struct iovec *iov, int count)
{
	ssize_t r = CALL(ssize_t, writev(fd, iov, count));
	if (TRACED) {
		struct trace t = {0};
		trace_print(&t, "writev(%d, ", fd);
		trace_iov(&t, iov, (size_t)count, (ssize_t)iov_len(iov, (size_t)count));
		trace_print(&t, ", %d", count);
		trace_end(&t, r);
	}
	return r;
}

ssize_t sys_send(int fd, const void *data, size_t len, int flags)
{
	ssize_t r = CALL(ssize_t, send(fd, data, len, flags));
	if (TRACED) {
		struct trace t = {0};
		trace_print(&t, "send(%d, ", fd);
		trace_data(&t, data, (ssize_t)len);
		trace_print(&t, ", %zu, ", len);
		trace_message_flags(&t, flags);
		trace_end(&t, r);
	}
	return r;
}

ssize_t sys_sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *addr,
	socklen_t addr_len)
{
	ssize_t r = CALL(ssize_t, sendto(fd, data, len, flags, addr, addr_len));
	if (TRACED) {
		struct trace t = {0};
		trace_print(&t, "sendto(%d, ", fd);
		trace_data(&t, data, (ssize_t)len);
		trace_print(&t, ", %zu, ", len);
		trace_message_flags(&t, flags);
		trace_print(&t, ", ");
		trace_address(&t, addr, addr_len);
		trace_end(&t, r);
	}
	return r;
}

ssize_t sys_sendmsg(int fd, const struct msghdr *message, int flags)
{
	ssize_t r = CALL(ssize_t, sendmsg(fd, message, flags));
	if (TRACED)
		trace_message("sendmsg", fd, message, flags,
			(ssize_t)iov_len(message->msg_iov, message->msg_iovlen), r);
	return r;
}

int sys_pipe2(int fds[2], int flags)
{
	int r = CALL(int, pipe2(fds, flags));
	if (TRACED) {
		struct trace t = {0};
		trace_print(&t, "pipe2(");
		if (!r)
			trace_print(&t, "[%d, %d]", fds[0], fds[1]);
		trace_print(&t, ", %#x", (unsigned)flags);
		trace_end(&t, r);
	}
	return r;
}

ssize_t sys_splice(int from, off_t *from_at, int to, off_t *to_at, size_t len, unsigned flags)
{
	ssize_t r = CALL(ssize_t, splice(from, from_at, to, to_at, len, flags));
	if (TRACED) {
		struct trace t = {0};
		trace_print(&t, "splice(%d, %d, %zu, ", from, to, len);
		trace_splice_flags(&t, flags);
		trace_end(&t, r);
	}
	return r;
}

ssize_t sys_sendfile(int to, int from, off_t *at, size_t len)
{
	ssize_t r = CALL(ssize_t, sendfile(to, from, at, len));
	if (TRACED) {
		struct trace t = {0};
		trace_print(&t, "sendfile(%d, %d, %zu", to, from, len);
		trace_end(&t, r);
	}
	return r;
}

#pragma once

/*
 * System calls on sockets, each with the arguments of its man page (section 2).
 *
 * Every function returns what the call returns, or -errno; errno itself means nothing afterwards. A
 * call that a signal interrupted is made again, but for close (the descriptor is gone by then) and
 * connect (it goes on by itself). They block only where the descriptor does.
 *
 * With tracing on, each call prints one line to standard error when it has returned, in the manner
 * of strace, with its arguments decoded: `connect(7, 127.0.0.1:12345) = -1 EINPROGRESS (…)`. Off,
 * it costs one branch that never goes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

/* For the whole process; set it before any thread starts. */
void sys_trace(bool on);

int sys_socket(int family, int type, int protocol);
int sys_socketpair(int family, int type, int protocol, int fds[2]);
int sys_bind(int fd, const struct sockaddr *addr, socklen_t len);
int sys_listen(int fd, int backlog);
int sys_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);
int sys_connect(int fd, const struct sockaddr *addr, socklen_t len);
int sys_shutdown(int fd, int how);
int sys_close(int fd);

int sys_getsockname(int fd, struct sockaddr *addr, socklen_t *len);
int sys_getpeername(int fd, struct sockaddr *addr, socklen_t *len);
int sys_getsockopt(int fd, int level, int option, void *value, socklen_t *len);
int sys_setsockopt(int fd, int level, int option, const void *value, socklen_t len);

/* The same for an option whose value is an int. */
int sys_getsockopt_int(int fd, int level, int option, int *value);
int sys_setsockopt_int(int fd, int level, int option, int value);

ssize_t sys_read(int fd, void *data, size_t len);
ssize_t sys_readv(int fd, const struct iovec *iov, int count);
ssize_t sys_recv(int fd, void *data, size_t len, int flags);
ssize_t sys_recvfrom(
	int fd, void *data, size_t len, int flags, struct sockaddr *addr, socklen_t *addr_len);
ssize_t sys_recvmsg(int fd, struct msghdr *message, int flags);

ssize_t sys_write(int fd, const void *data, size_t len);
ssize_t sys_writev(int fd, const struct iovec *iov, int count);
ssize_t sys_send(int fd, const void *data, size_t len, int flags);
ssize_t sys_sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *addr,
	socklen_t addr_len);
ssize_t sys_sendmsg(int fd, const struct msghdr *message, int flags);

int sys_pipe2(int fds[2], int flags);
ssize_t sys_splice(int from, off_t *from_at, int to, off_t *to_at, size_t len, unsigned flags);
ssize_t sys_sendfile(int to, int from, off_t *at, size_t len);

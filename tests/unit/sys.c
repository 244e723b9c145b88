#include "net/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/un.h>
#include <unistd.h>

#include "test.h"

/* Standard error goes to a file in memory while a test runs. */
struct capture {
	int file;
	int saved;
};

static int capture_start(void **state)
{
	static struct capture c;

	c.file = memfd_create("stderr", MFD_CLOEXEC);
	c.saved = dup(STDERR_FILENO);
	dup2(c.file, STDERR_FILENO);
	sys_trace(true);
	*state = &c;
	return 0;
}

static int capture_stop(void **state)
{
	struct capture *c = *state;

	sys_trace(false);
	dup2(c->saved, STDERR_FILENO);
	close(c->saved);
	close(c->file);
	return 0;
}

static void assert_printed(void **state, const char *expected)
{
	struct capture *c = *state;
	char text[4096];

	ssize_t len = pread(c->file, text, sizeof(text) - 1, 0);
	assert_true(len >= 0);
	text[len] = '\0';
	assert_string_equal(text, expected);
	assert_int_equal(ftruncate(c->file, 0), 0);
	lseek(c->file, 0, SEEK_SET);
}

static void prints_what_a_socket_does(void **state)
{
	char expected[1024];
	char data[8];
	int fds[2];

	assert_int_equal(
		sys_socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(sys_write(fds[0], "hi \"\n\x80", 6), 6);
	assert_int_equal(sys_read(fds[1], data, sizeof(data)), 6);
	assert_int_equal(sys_read(fds[1], data, sizeof(data)), -EAGAIN);
	assert_int_equal(sys_shutdown(fds[0], SHUT_WR), 0);
	assert_int_equal(sys_close(fds[0]), 0);
	assert_int_equal(sys_close(fds[1]), 0);
	snprintf(expected, sizeof(expected),
		"socketpair(AF_UNIX, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0, [%d, %d]) = 0\n"
		"write(%d, \"hi \\\"\\n\\x80\", 6) = 6\n"
		"read(%d, \"hi \\\"\\n\\x80\", 8) = 6\n"
		"read(%d, -, 8) = -1 EAGAIN (Resource temporarily unavailable)\n"
		"shutdown(%d, SHUT_WR) = 0\n"
		"close(%d) = 0\n"
		"close(%d) = 0\n",
		fds[0], fds[1], fds[0], fds[1], fds[1], fds[0], fds[0], fds[1]);
	assert_printed(state, expected);
}

static void cuts_long_data(void **state)
{
	struct iovec iov[] = {{(char[]){"abc"}, 3}, {(char[100]){0}, 100}};
	char expected[1024];
	int fds[2];

	memset(iov[1].iov_base, 'x', 100);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(sys_writev(fds[1], iov, 2), 103);
	snprintf(expected, sizeof(expected), "writev(%d, \"abc%.*s\"..., 2) = 103\n", fds[1], 45,
		(char *)iov[1].iov_base);
	assert_printed(state, expected);
	close(fds[0]);
	close(fds[1]);
}

static void shows_no_token(void **state)
{
	struct iovec iov[] = {{(char[]){"aUTHORIZATION: bEA"}, 18}, {(char[]){"rER t0k3n"}, 9}};
	char expected[1024];
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(sys_writev(fds[1], iov, 2), 27);
	assert_int_equal(sys_write(fds[1], "login t0k3n\n", 12), 12);
	assert_int_equal(sys_write(fds[1], "x, ferry.token.t0k3n", 20), 20);
	snprintf(expected, sizeof(expected),
		"writev(%d, \"aUTHORIZATION: bEArER \"..., 2) = 27\n"
		"write(%d, \"login \"..., 12) = 12\n"
		"write(%d, \"x, ferry.token.\"..., 20) = 20\n",
		fds[1], fds[1], fds[1]);
	assert_printed(state, expected);
	close(fds[0]);
	close(fds[1]);
}

static void prints_addresses_and_options(void **state)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "\0no one is here"};
	char expected[1024];

	int fd = sys_socket(AF_UNIX, SOCK_SEQPACKET, 0);
	assert_int_equal(sys_connect(fd, (struct sockaddr *)&un,
				 (socklen_t)offsetof(struct sockaddr_un, sun_path) + 15),
		-ECONNREFUSED);
	assert_int_equal(sys_setsockopt_int(fd, SOL_SOCKET, SO_PASSCRED, 1), 0);
	assert_int_equal(sys_setsockopt_int(fd, SOL_SOCKET, 12345, 1), -ENOPROTOOPT);
	assert_int_equal(sys_close(fd), 0);
	snprintf(expected, sizeof(expected),
		"socket(AF_UNIX, SOCK_SEQPACKET, 0) = %d\n"
		"connect(%d, @no one is here) = -1 ECONNREFUSED (Connection refused)\n"
		"setsockopt(%d, SOL_SOCKET, SO_PASSCRED, [1]) = 0\n"
		"setsockopt(%d, 1, 12345, [1]) = -1 ENOPROTOOPT (Protocol not available)\n"
		"close(%d) = 0\n",
		fd, fd, fd, fd, fd);
	assert_printed(state, expected);
}

static void prints_messages(void **state)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "\0no one is here"};
	struct iovec iov = {(char[]){"packet"}, 6};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
	char expected[1024];

	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	message.msg_name = &un;
	message.msg_namelen = offsetof(struct sockaddr_un, sun_path) + 15;
	assert_int_equal(sys_sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT), -ECONNREFUSED);
	assert_int_equal(sys_recvmsg(fd, &message, MSG_DONTWAIT), -EAGAIN);
	close(fd);
	snprintf(expected, sizeof(expected),
		"sendmsg(%d, {@no one is here, \"packet\"}, MSG_DONTWAIT|MSG_NOSIGNAL)"
		" = -1 ECONNREFUSED (Connection refused)\n"
		"recvmsg(%d, {-}, MSG_DONTWAIT)"
		" = -1 EAGAIN (Resource temporarily unavailable)\n",
		fd, fd);
	assert_printed(state, expected);
}

static void is_silent_when_off(void **state)
{
	sys_trace(false);
	assert_int_equal(sys_close(-1), -EBADF);
	assert_printed(state, "");
}

#define TRACED(test) cmocka_unit_test_setup_teardown(test, capture_start, capture_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TRACED(prints_what_a_socket_does),
		TRACED(cuts_long_data),
		TRACED(shows_no_token),
		TRACED(prints_addresses_and_options),
		TRACED(prints_messages),
		TRACED(is_silent_when_off),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

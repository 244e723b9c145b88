#include "net/channel.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>

#include "test.h"

/* The process's own standard input and output, put aside while a test has others there. */
struct standard {
	int in;
	int out;
};

static int put_aside(void **state)
{
	static struct standard s;

	fflush(stdout);
	s.in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10);
	s.out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10);
	*state = &s;
	return s.in < 0 || s.out < 0;
}

static int put_back(void **state)
{
	struct standard *s = *state;

	dup2(s->in, STDIN_FILENO);
	dup2(s->out, STDOUT_FILENO);
	close(s->in);
	close(s->out);
	return 0;
}

static void standard_pipes_are_two_descriptors(void **state)
{
	struct channel c;
	int in[2];
	int out[2];

	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	dup2(in[0], STDIN_FILENO);
	dup2(out[1], STDOUT_FILENO);
	int r = channel_init_standard(&c);
	put_back(state);
	put_aside(state);

	assert_int_equal(r, 0);
	assert_int_not_equal(c.in, c.out);
	assert_string_equal(c.name, "-");
	assert_true(fcntl(c.in, F_GETFL) & O_NONBLOCK);
	assert_false(fcntl(in[0], F_GETFL) & O_NONBLOCK);
	channel_deinit(&c);
	assert_int_equal(c.in, -1);
	channel_deinit(&c);
	for (int i = 0; i < 2; i++) {
		close(in[i]);
		close(out[i]);
	}
}

static void a_standard_socket_is_one_descriptor(void **state)
{
	struct channel c;
	char expected[64];
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	dup2(fds[0], STDIN_FILENO);
	dup2(fds[0], STDOUT_FILENO);
	int r = channel_init_standard(&c);
	put_back(state);
	put_aside(state);

	assert_int_equal(r, 0);
	assert_int_equal(c.in, c.out);
	snprintf(expected, sizeof(expected), "unix:pid/%d", getpid());
	assert_string_equal(c.name, expected);
	channel_deinit(&c);
	close(fds[0]);
	close(fds[1]);
}

static void takes_what_was_inherited(void **state)
{
	struct channel c;
	char expected[16];
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	snprintf(expected, sizeof(expected), "fd:%d", fds[0]);
	assert_int_equal(channel_init_inherited(&c, fds[0]), 0);
	assert_string_equal(c.name, expected);
	assert_int_equal(c.in, c.out);
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(read(c.in, expected, sizeof(expected)), 1);
	channel_deinit(&c);
	close(fds[1]);

	assert_int_equal(channel_init_inherited(&c, 9999), -EBADF);
	assert_int_equal(c.in, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			standard_pipes_are_two_descriptors, put_aside, put_back),
		cmocka_unit_test_setup_teardown(
			a_standard_socket_is_one_descriptor, put_aside, put_back),
		cmocka_unit_test(takes_what_was_inherited),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

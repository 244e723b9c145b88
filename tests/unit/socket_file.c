#include "net/socket_file.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "test.h"

enum { RIVALS = 8, ROUNDS = 10 };

static char directory[] = "/tmp/ferry-unit-XXXXXX";

static int set_up(void **state)
{
	return !mkdtemp(strcpy(directory, "/tmp/ferry-unit-XXXXXX"));
}

static int tear_down(void **state)
{
	return rmdir(directory);
}

static struct endpoint endpoint_here(void)
{
	struct endpoint e = {.type = SOCK_STREAM};
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	int len = snprintf(un.sun_path, sizeof(un.sun_path), "%s/sock", directory);
	e.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len + 1);
	memcpy(&e.addr, &un, sizeof(un));
	return e;
}

static void leave_stale(const struct endpoint *e)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (const struct sockaddr *)&e->addr, e->len), 0);
	close(fd);
}

/* One of several that start at once: says how its bind went, and holds on until told to leave. */
static void rival(const struct endpoint *e, int start, int results)
{
	struct socket_file f;
	char go;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (read(start, &go, 1) != 0)
		_exit(1);
	int r = socket_file_bind(&f, fd, e, -1, 5);
	if (write(results, &r, sizeof(r)) != sizeof(r))
		_exit(1);
	if (!r)
		pause();
	_exit(0);
}

static void one_of_many_takes_over(void **state)
{
	struct endpoint e = endpoint_here();

	for (int round = 0; round < ROUNDS; round++) {
		pid_t pids[RIVALS];
		int start[2];
		int results[2];
		int won = 0;

		leave_stale(&e);
		assert_int_equal(pipe(start), 0);
		assert_int_equal(pipe(results), 0);
		for (int i = 0; i < RIVALS; i++) {
			pids[i] = fork();
			if (!pids[i]) {
				close(start[1]);
				rival(&e, start[0], results[1]);
			}
		}
		close(start[0]);
		close(start[1]); /* the end of the pipe is the signal for all at once */
		for (int i = 0; i < RIVALS; i++) {
			int r;
			assert_int_equal(read(results[0], &r, sizeof(r)), sizeof(r));
			assert_true(r == 0 || r == -EADDRINUSE);
			won += !r;
		}
		for (int i = 0; i < RIVALS; i++) {
			kill(pids[i], SIGKILL);
			waitpid(pids[i], NULL, 0);
		}
		close(results[0]);
		close(results[1]);
		assert_int_equal(won, 1);
		assert_int_equal(unlink(((struct sockaddr_un *)&e.addr)->sun_path), 0);
	}
}

static void says_that_the_directory_is_locked(void **state)
{
	struct endpoint e = endpoint_here();
	struct socket_file f;

	int lock = open(directory, O_RDONLY | O_DIRECTORY);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(socket_file_bind(&f, fd, &e, -1, 5), -EBUSY);
	assert_null(f.path);
	close(lock);
	assert_int_equal(socket_file_bind(&f, fd, &e, -1, 5), 0);
	socket_file_deinit(&f);
	socket_file_deinit(&f);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_of_many_takes_over, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			says_that_the_directory_is_locked, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

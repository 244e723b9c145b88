#include "net/activation.h"

#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "test.h"

/* Descriptors are passed from 3 on, so each test runs in a process that has nothing there. */
static void run(void (*body)(void))
{
	int status;

	pid_t pid = fork();
	if (!pid) {
		close_range(ACTIVATION_FIRST, ~0U, 0);
		body();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* A promise within such a process, which ends with the line that broke it. */
#define check(promise)                                                                             \
	do {                                                                                       \
		if (!(promise)) {                                                                  \
			fprintf(stderr, "line %d: %s\n", __LINE__, #promise);                      \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

static void pass(const char *count, const char *names)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", count, 1);
	if (names)
		setenv("LISTEN_FDNAMES", names, 1);
}

static bool name_is(int index, const char *expected)
{
	int len;
	const char *name = activation_name(index, &len);

	return (size_t)len == strlen(expected) && !strncmp(name, expected, (size_t)len);
}

static void read_variables(void)
{
	check(activation_count() == 0);
	check(name_is(0, "unknown"));
	pass("2", "web:admin");
	check(activation_count() == 2);
	check(name_is(0, "web"));
	check(name_is(1, "admin"));
	check(name_is(2, "unknown"));
	pass("x", NULL);
	check(activation_count() == 0);
	pass("-1", NULL);
	check(activation_count() == 0);
	pass("99999999999999999999", NULL);
	check(activation_count() == 0);
	pass("1", NULL);
	setenv("LISTEN_PID", "1", 1);
	check(activation_count() == 0);
}

static void reads_the_environment(void **state)
{
	run(read_variables);
}

static void forget(void)
{
	check(dup2(STDERR_FILENO, ACTIVATION_FIRST) == ACTIVATION_FIRST);
	pass("2", "a:b");
	activation_forget();
	check(fcntl(ACTIVATION_FIRST, F_GETFD) & FD_CLOEXEC);
	check(!getenv("LISTEN_PID") && !getenv("LISTEN_FDS") && !getenv("LISTEN_FDNAMES"));
	check(activation_count() == 0);
}

static void forgets(void **state)
{
	run(forget);
}

static void on_accepted(struct listener *l, struct channel *c)
{
}

static const struct listener_handler handler = {.accepted = on_accepted};

static void listen_at(int fd)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int s = socket(AF_INET, SOCK_STREAM, 0);

	check(bind(s, (struct sockaddr *)&in, sizeof(in)) == 0 && listen(s, 1) == 0);
	check(dup2(s, fd) == fd);
	if (s != fd)
		close(s);
}

static int open_text(struct listener *l, struct loop *loop, const char *text, struct fault *why)
{
	struct address a;

	check(address_parse(&a, text, NULL) == 0);
	int r = listener_open(l, loop, &a, 0, &handler, why);
	address_deinit(&a);
	return r;
}

static void listen_passed(void)
{
	struct loop loop;
	struct listener l;
	struct fault why = FAULT_NULL;
	struct fault *said = &why;

	listen_at(3);
	listen_at(4);
	listen_at(5);
	check(loop_init(&loop) == 0);
	check(open_text(&l, &loop, "systemd:", said) == -ENOENT);
	check(strstr(why.text, "no socket was passed"));
	pass("3", "web:admin:web");
	check(open_text(&l, &loop, "systemd:db", said) == -ENOENT);
	check(strstr(why.text, "none of the 3 sockets is called 'db'"));
	check(open_text(&l, &loop, "systemd:web", said) == 0);
	check(listener_endpoint(&l, 1) && !listener_endpoint(&l, 2));
	check(endpoint_port(listener_endpoint(&l, 0)) > 0);
	listener_close(&l);
	pass("2", NULL); /* 3 was closed with its listener; 4 is still there */
	check(open_text(&l, &loop, "systemd:", said) == -EBADF);
	check(strstr(why.text, "descriptor 3"));
	loop_deinit(&loop);
}

static void listens_on_what_was_passed(void **state)
{
	run(listen_passed);
}

static void notify(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "@ferry-notify-"};
	char text[32];

	snprintf(un.sun_path + 14, 20, "%d", getpid());
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(un.sun_path));
	check(activation_supervisor() == -ENOENT);
	check(activation_notify(-ENOENT, "READY=1") == 0);
	setenv("NOTIFY_SOCKET", un.sun_path, 1);
	check(activation_supervisor() == -ECONNREFUSED);
	un.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	check(bind(fd, (struct sockaddr *)&un, len) == 0);
	int supervisor = activation_supervisor();
	check(activation_notify(supervisor, "STOPPING=1\nSTATUS=x") == 0);
	check(recv(fd, text, sizeof(text), 0) == 19 && !memcmp(text, "STOPPING=1\nSTATUS=x", 19));
	setenv("NOTIFY_SOCKET", "relative", 1);
	check(activation_supervisor() == -EAFNOSUPPORT);
}

static void notifies(void **state)
{
	run(notify);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_environment),
		cmocka_unit_test(forgets),
		cmocka_unit_test(listens_on_what_was_passed),
		cmocka_unit_test(notifies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

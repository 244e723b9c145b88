#include "net/dial.h"

#include "base/cleanup.h"
#include "net/child.h"
#include "net/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/un.h>

#include "test.h"

/* One dial, and bare sockets at the other end. */
struct call {
	struct loop loop;
	struct dial *dial;
	int calls;
	int fd; /* what was reached, -1 for nothing */
	struct child *child;
	char name[ENDPOINT_TEXT_SIZE];
	struct fault why;
	char directory[64];
};

static int set_up(void **state)
{
	struct call *c = calloc(1, sizeof(*c));

	c->fd = -1;
	strcpy(c->directory, "/tmp/ferry-unit-XXXXXX");
	*state = c;
	return loop_init(&c->loop) < 0 || !mkdtemp(c->directory);
}

static int tear_down(void **state)
{
	struct call *c = *state;

	if (c->fd >= 0)
		close(c->fd);
	c->child = child_free(c->child);
	loop_deinit(&c->loop);
	int r = rmdir(c->directory);
	free(c);
	return r;
}

static void on_done(void *arg, struct channel *channel, const struct fault *why)
{
	struct call *c = arg;

	c->calls++;
	c->dial = NULL;
	c->why = *why;
	if (!channel)
		return;
	strcpy(c->name, channel->name);
	c->fd = channel_take(channel);
	c->child = take(channel->child);
}

static void start(struct call *c, const char *text, unsigned timeout_ms)
{
	struct address a;

	if (c->fd >= 0)
		close(take_fd(&c->fd));
	c->calls = 0;
	assert_int_equal(address_parse(&a, text, NULL), 0);
	assert_int_equal(dial_start(&c->dial, &c->loop, &a, timeout_ms, on_done, c), 0);
	address_deinit(&a);
	assert_int_equal(c->calls, 0);
}

static void finish(struct call *c)
{
	while (!c->calls)
		loop_turn(&c->loop, true);
	assert_int_equal(c->calls, 1);
}

static void assert_reaches(struct call *c, const char *text)
{
	start(c, text, 0);
	finish(c);
	assert_string_equal(c->why.text, "");
	assert_true(c->fd >= 0);
}

static void assert_fails(struct call *c, const char *text, int error, const char *line)
{
	start(c, text, 0);
	finish(c);
	assert_int_equal(c->fd, -1);
	assert_int_equal(c->why.error, error);
	assert_string_equal(c->why.text, line);
}

/* A bare listener on the loopback of the family; *port is picked when it is 0. */
static int listen_inet(int family, uint16_t *port, int backlog)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(*port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(*port)};
	struct sockaddr *addr = (struct sockaddr *)&in;
	socklen_t len = sizeof(in);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in6.sin6_addr = in6addr_loopback;
	if (family == AF_INET6) {
		addr = (struct sockaddr *)&in6;
		len = sizeof(in6);
	}
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, addr, len), 0);
	assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, addr, &len), 0);
	*port = ntohs(family == AF_INET6 ? in6.sin6_port : in.sin_port);
	return fd;
}

static int listen_unix(const char *path, int type, int backlog)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));

	memcpy(un.sun_path, path, strlen(path));
	if (*path == '@')
		un.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, len), 0);
	if (type != SOCK_DGRAM)
		assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

/* Fills the queue of a listener that nobody accepts from; the clients that do so. */
static size_t fill(int listener, int fds[8])
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);
	size_t count = 0;

	assert_int_equal(getsockname(listener, (struct sockaddr *)&addr, &len), 0);
	while (count < 8) {
		int fd = socket(addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		struct pollfd connected = {.fd = fd, .events = POLLOUT};
		int r = connect(fd, (struct sockaddr *)&addr, len);
		bool taken = !r || (errno == EINPROGRESS && poll(&connected, 1, 20) == 1);
		fds[count++] = fd;
		if (!taken)
			break;
	}
	return count;
}

static void close_all(const int *fds, size_t count)
{
	while (count)
		close(fds[--count]);
}

static void reaches_either_family(void **state)
{
	const int families[] = {AF_INET, AF_INET6};
	struct call *c = *state;

	for (size_t i = 0; i < 2; i++) {
		uint16_t port = 0;
		char text[64];
		char data[2];
		int value;
		int listener = listen_inet(families[i], &port, 5);

		snprintf(text, sizeof(text), "tcp:localhost:%u", port);
		assert_reaches(c, text);
		snprintf(text, sizeof(text), i ? "[::1]:%u" : "127.0.0.1:%u", port);
		assert_string_equal(c->name, text);
		assert_true(fcntl(c->fd, F_GETFL) & O_NONBLOCK);
		assert_true(fcntl(c->fd, F_GETFD) & FD_CLOEXEC);
		assert_int_equal(sys_getsockopt_int(c->fd, IPPROTO_TCP, TCP_NODELAY, &value), 0);
		assert_true(value);

		int fd = accept(listener, NULL, NULL);
		assert_int_equal(write(fd, "hi", 2), 2);
		assert_int_equal(poll(&(struct pollfd){.fd = c->fd, .events = POLLIN}, 1, -1), 1);
		assert_int_equal(read(c->fd, data, 2), 2);
		close(fd);
		close(listener);
	}
}

static void says_that_it_was_refused(void **state)
{
	struct call *c = *state;
	uint16_t port = 0;
	char text[64];
	char line[128];

	close(listen_inet(AF_INET, &port, 5));
	snprintf(text, sizeof(text), "tcp:localhost:%u", port);
	snprintf(line, sizeof(line), "cannot connect to %s: Connection refused", text);
	assert_fails(c, text, -ECONNREFUSED, line);
}

static void goes_on_when_one_address_hangs(void **state)
{
	struct call *c = *state;
	uint16_t port = 0;
	char text[64];
	int fds[8];
	int deaf = listen_inet(AF_INET, &port, 0);
	size_t count = fill(deaf, fds);
	int listener = listen_inet(AF_INET6, &port, 5);

	snprintf(text, sizeof(text), "tcp:localhost:%u", port);
	assert_reaches(c, text);
	assert_memory_equal(c->name, "[::1]:", 6);
	close_all(fds, count);
	close(deaf);
	close(listener);
}

static void gives_up_in_time(void **state)
{
	struct call *c = *state;
	uint16_t port = 0;
	char text[64];
	int fds[8];
	int deaf = listen_inet(AF_INET, &port, 0);
	size_t count = fill(deaf, fds);

	snprintf(text, sizeof(text), "tcp4:localhost:%u", port);
	start(c, text, 50);
	finish(c);
	assert_int_equal(c->fd, -1);
	assert_int_equal(c->why.error, -ETIMEDOUT);
	assert_non_null(strstr(c->why.text, "no answer came in time"));
	close_all(fds, count);
	close(deaf);
}

static void reaches_unix_sockets(void **state)
{
	static const struct {
		int type;
		const char *name;
	} types[] = {{SOCK_STREAM, "stream"}, {SOCK_SEQPACKET, "seqpacket"}, {SOCK_DGRAM, "dgram"}};
	struct call *c = *state;
	char path[80];
	char text[128];

	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/sock", c->directory);
		int listener = listen_unix(path, types[i].type, 5);
		snprintf(text, sizeof(text), "%s?type=%s", path, types[i].name);
		assert_reaches(c, text);
		snprintf(text, sizeof(text), "unix:%s", path);
		assert_string_equal(c->name, text);
		close(listener);
		unlink(path);

		snprintf(path, sizeof(path), "@ferry-dial-%d", getpid());
		listener = listen_unix(path, types[i].type, 5);
		snprintf(text, sizeof(text), "%s?type=%s", path, types[i].name);
		assert_reaches(c, text);
		assert_string_equal(c->name, path);
		close(listener);
	}
}

static void says_what_is_not_there(void **state)
{
	struct call *c = *state;
	char path[80];
	char line[256];

	snprintf(path, sizeof(path), "%s/sock", c->directory);
	snprintf(line, sizeof(line), "cannot connect to unix:%s: no socket is there", path);
	assert_fails(c, path, -ENOENT, line);

	int listener = listen_unix(path, SOCK_DGRAM, 0);
	snprintf(line, sizeof(line),
		"cannot connect to unix:%s: the socket there is of another type "
		"(?type=stream, seqpacket or dgram)",
		path);
	assert_fails(c, path, -EPROTOTYPE, line);
	close(listener);
	snprintf(line, sizeof(line), "cannot connect to unix:%s?type=dgram: Connection refused",
		path);
	strcat(path, "?type=dgram");
	assert_fails(c, path, -ECONNREFUSED, line);
	*strchr(path, '?') = '\0';
	unlink(path);
}

static void waits_for_room_in_the_queue(void **state)
{
	struct call *c = *state;
	char path[80];
	int fds[8];

	snprintf(path, sizeof(path), "%s/sock", c->directory);
	int listener = listen_unix(path, SOCK_STREAM, 0);
	size_t count = fill(listener, fds);
	start(c, path, 60);
	finish(c);
	assert_int_equal(c->fd, -1);
	assert_int_equal(c->why.error, -EAGAIN);
	assert_non_null(strstr(c->why.text, "the listener's queue is full"));

	start(c, path, 0);
	for (int i = 0; i < 3; i++)
		loop_turn(&c->loop, true);
	assert_int_equal(c->calls, 0);
	close(accept(listener, NULL, NULL));
	finish(c);
	assert_true(c->fd >= 0);
	close_all(fds, count);
	close(listener);
	unlink(path);
}

static void refuses_what_only_listens(void **state)
{
	struct call *c = *state;

	assert_fails(c, "tcp:*:80", -EINVAL,
		"cannot connect to '*': it is an address to listen on; name a host");
	assert_fails(c, "tcp:localhost:0", -EINVAL,
		"cannot connect to port 0: it is one to listen on; name a port");
	assert_fails(
		c, "systemd:", -EINVAL, "cannot connect to systemd: it is an address to listen on");
	assert_fails(c, "vsock:any:1", -EINVAL,
		"cannot connect to vsock:any: it is an address to listen on");
	assert_fails(c, "fd:9999", -EBADF, "cannot use fd:9999: Bad file descriptor");
}

static void runs_a_child(void **state)
{
	struct call *c = *state;
	char data[4];

	assert_reaches(c, "exec:cat");
	assert_non_null(c->child);
	assert_int_equal(write(c->fd, "ping", 4), 4);
	assert_int_equal(fcntl(c->fd, F_SETFL, 0), 0);
	assert_int_equal(recv(c->fd, data, 4, MSG_WAITALL), 4);
	assert_memory_equal(data, "ping", 4);
	assert_int_equal(shutdown(c->fd, SHUT_WR), 0);
	assert_int_equal(read(c->fd, data, 4), 0);
}

static void on_exited(void *arg, struct child *child, int code)
{
	*(int *)arg = code;
}

static int exit_code_of(struct call *c, const char *text)
{
	int code = -1;

	assert_reaches(c, text);
	child_set_exited(c->child, on_exited, &code);
	while (code < 0)
		loop_turn(&c->loop, true);
	c->child = child_free(c->child);
	return code;
}

static void tells_how_a_child_ended(void **state)
{
	assert_int_equal(exit_code_of(*state, "exec:exit 7"), 7);
	assert_int_equal(exit_code_of(*state, "exec:kill -TERM $$"), 128 + 15);
}

static void forgets_a_child_that_runs_on(void **state)
{
	struct call *c = *state;

	assert_reaches(c, "exec:cat");
	c->child = child_free(c->child);
}

/* ---- a VM's monitor ---- */

/* Accepts the dial and reads its greeting; the connection. */
static int monitor_accept(struct call *c, int listener)
{
	char line[32] = "";

	struct pollfd waiting = {.fd = listener, .events = POLLIN};
	while (poll(&waiting, 1, 0) == 0)
		loop_turn(&c->loop, false);
	int fd = accept(listener, NULL, NULL);
	waiting = (struct pollfd){.fd = fd, .events = POLLIN};
	while (poll(&waiting, 1, 0) == 0)
		loop_turn(&c->loop, false);
	assert_int_equal(read(fd, line, sizeof(line) - 1), 11);
	assert_string_equal(line, "CONNECT 52\n");
	return fd;
}

static void greets_a_monitor(void **state)
{
	static const struct {
		const char *answer;
		int error;
	} answers[] = {
		{"OK 1073741824\n", 0},
		{"", -ECONNREFUSED},
		{"OK 10737", -ECONNREFUSED},
		{"NO\n", -EPROTO},
		{"OK 0123456789012345678901234567890123456789", -EPROTO},
	};
	struct call *c = *state;
	char path[80];
	char text[128];
	char data[8];

	snprintf(path, sizeof(path), "%s/sock", c->directory);
	snprintf(text, sizeof(text), "vsock+unix:%s:52", path);
	int listener = listen_unix(path, SOCK_STREAM, 5);
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		start(c, text, 0);
		int fd = monitor_accept(c, listener);
		size_t len = strlen(answers[i].answer);
		for (size_t at = 0; at < len; at++) { /* byte by byte */
			assert_int_equal(send(fd, answers[i].answer + at, 1, MSG_NOSIGNAL) < 0, 0);
			loop_turn(&c->loop, false);
			if (c->calls)
				break;
		}
		if (answers[i].error) {
			close(fd);
			finish(c);
			assert_int_equal(c->why.error, answers[i].error);
			continue;
		}
		finish(c);
		assert_true(c->fd >= 0);
		assert_int_equal(write(fd, "hello", 5), 5);
		assert_int_equal(read(c->fd, data, sizeof(data)), 5);
		assert_memory_equal(data, "hello", 5);
		close(fd);
	}
	close(listener);
	unlink(path);
}

/* ---- second thoughts ---- */

static void can_be_cancelled(void **state)
{
	struct call *c = *state;
	uint16_t port = 0;
	char text[64];
	int fds[8];
	int deaf = listen_inet(AF_INET, &port, 0);
	size_t count = fill(deaf, fds);

	snprintf(text, sizeof(text), "tcp4:127.1:%u", port);
	for (int turns = 0; turns < 6; turns++) {
		start(c, text, 0);
		for (int i = 0; i < turns; i++)
			loop_turn(&c->loop, false);
		c->dial = dial_cancel(c->dial);
		for (int i = 0; i < 3; i++)
			loop_turn(&c->loop, false);
		assert_int_equal(c->calls, 0);
	}
	close_all(fds, count);
	close(deaf);
}

#define CALL(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CALL(reaches_either_family),
		CALL(says_that_it_was_refused),
		CALL(goes_on_when_one_address_hangs),
		CALL(gives_up_in_time),
		CALL(reaches_unix_sockets),
		CALL(says_what_is_not_there),
		CALL(waits_for_room_in_the_queue),
		CALL(refuses_what_only_listens),
		CALL(runs_a_child),
		CALL(tells_how_a_child_ended),
		CALL(forgets_a_child_that_runs_on),
		CALL(greets_a_monitor),
		CALL(can_be_cancelled),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

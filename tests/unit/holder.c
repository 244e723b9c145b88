#include "net/holder.h"

#include "base/cleanup.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

enum { NOBODY = 65534 };

static struct endpoint inet(const char *host, unsigned port, int type)
{
	struct endpoint e = {.type = type};
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((in_port_t)port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons((in_port_t)port)};

	if (inet_pton(AF_INET, host, &in.sin_addr) == 1) {
		memcpy(&e.addr, &in, e.len = sizeof(in));
	} else {
		assert_int_equal(inet_pton(AF_INET6, host, &in6.sin6_addr), 1);
		memcpy(&e.addr, &in6, e.len = sizeof(in6));
	}
	return e;
}

/* NAME starts with `@` in the abstract space. */
static struct endpoint local(const char *name, int type)
{
	struct endpoint e = {.type = type};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	size_t len = strlen(name);

	assert_true(len < sizeof(un.sun_path));
	memcpy(un.sun_path, name, len);
	if (un.sun_path[0] == '@')
		un.sun_path[0] = '\0';
	e.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	memcpy(&e.addr, &un, sizeof(un));
	return e;
}

/* A socket bound to E; E becomes what it got. It listens when BACKLOG is not negative. */
static int bound(struct endpoint *e, int backlog)
{
	int fd = socket(e->addr.ss_family, e->type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&e->addr, e->len), 0);
	if (backlog >= 0)
		assert_int_equal(listen(fd, backlog), 0);
	e->len = sizeof(e->addr);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&e->addr, &e->len), 0);
	return fd;
}

static unsigned port_of(const struct endpoint *e)
{
	return ntohs(((const struct sockaddr_in *)&e->addr)->sin_port);
}

static struct holders *ask(struct endpoint wanted)
{
	struct holders *holders;
	struct fault why = FAULT_NULL;

	assert_int_equal(holders_new(&holders, &wanted, 1, &why), 0);
	return holders;
}

static void assert_held_by(const struct holder *h, pid_t pid)
{
	assert_non_null(h);
	assert_int_equal(h->process_count, 1);
	assert_int_equal(h->processes->pid, pid);
	assert_true(h->socket.has_uid);
	assert_int_equal(h->socket.uid, geteuid());
}

__attribute__((format(printf, 2, 3))) static void assert_address(
	const struct holder *h, const char *format, ...)
{
	char text[HOLDER_ADDRESS_SIZE];
	char expected[HOLDER_ADDRESS_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(expected, sizeof(expected), format, args);
	va_end(args);
	holder_format(h, text);
	assert_string_equal(text, expected);
}

static void assert_nobody_has(struct endpoint wanted)
{
	cleanup(cleanup_holders) struct holders *holders = ask(wanted);

	assert_null(holders_next(holders));
}

/* Others on this machine may have the same port of another family. */
static void assert_is_not_ours(struct endpoint wanted)
{
	cleanup(cleanup_holders) struct holders *holders = ask(wanted);
	const struct holder *h;

	while ((h = holders_next(holders)))
		for (size_t i = 0; i < h->process_count; i++)
			assert_int_not_equal(h->processes[i].pid, getpid());
}

static void tells_of_a_listener(void **state)
{
	struct endpoint e = inet("127.0.0.1", 0, SOCK_STREAM);
	int fd = bound(&e, 7);
	cleanup(cleanup_close) int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(client, (struct sockaddr *)&e.addr, e.len), 0);
	cleanup(cleanup_holders) struct holders *holders = ask(e);
	const struct holder *h = holders_next(holders);
	assert_held_by(h, getpid());
	assert_true(holder_listens(h));
	assert_string_equal(holder_state(h), "listening");
	assert_address(h, "tcp:127.0.0.1:%u", port_of(&e));
	assert_int_equal(h->socket.received, 1);
	assert_int_equal(h->socket.sent, 7);
	/* The connection that waits for accept() has the listener's address too. */
	h = holders_next(holders);
	assert_non_null(h);
	assert_string_equal(holder_state(h), "established");
	assert_null(holders_next(holders));
	close(fd);
}

static void all_interfaces_cover_each(void **state)
{
	struct endpoint e = inet("::", 0, SOCK_STREAM);
	int fd = bound(&e, 1);
	unsigned port = port_of(&e);

	const char *const hosts[] = {"127.0.0.1", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1"};
	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
		cleanup(cleanup_holders) struct holders *holders =
			ask(inet(hosts[i], port, SOCK_STREAM));
		const struct holder *h = holders_next(holders);
		assert_held_by(h, getpid());
		assert_address(h, "tcp:*:%u", port);
	}
	assert_is_not_ours(inet("::", port, SOCK_DGRAM));
	close(fd);
}

static void ipv6_alone_leaves_ipv4_out(void **state)
{
	struct endpoint e = inet("::1", 0, SOCK_STREAM);
	int fd = bound(&e, 1);
	unsigned port = port_of(&e);

	assert_is_not_ours(inet("127.0.0.1", port, SOCK_STREAM));
	assert_is_not_ours(inet("0.0.0.0", port, SOCK_STREAM));
	cleanup(cleanup_holders) struct holders *holders = ask(inet("::", port, SOCK_STREAM));
	const struct holder *h = holders_next(holders);
	assert_held_by(h, getpid());
	assert_address(h, "tcp:[::1]:%u", port);
	close(fd);
}

static void tells_of_datagrams(void **state)
{
	struct endpoint e = inet("127.0.0.1", 0, SOCK_DGRAM);
	int fd = bound(&e, -1);

	assert_int_equal(sendto(fd, "hi", 2, 0, (struct sockaddr *)&e.addr, e.len), 2);
	cleanup(cleanup_holders) struct holders *holders = ask(e);
	const struct holder *h = holders_next(holders);
	assert_held_by(h, getpid());
	assert_string_equal(holder_state(h), "bound");
	assert_address(h, "udp:127.0.0.1:%u", port_of(&e));
	assert_true(h->socket.received > 0);
	close(fd);
}

static void tells_of_abstract_names(void **state)
{
	char name[64];

	snprintf(name, sizeof(name), "@holder?%d", getpid());
	struct endpoint e = local(name, SOCK_SEQPACKET);
	int fd = bound(&e, 3);
	cleanup(cleanup_holders) struct holders *holders = ask(e);
	const struct holder *h = holders_next(holders);
	assert_held_by(h, getpid());
	assert_int_equal(h->socket.sent, 3);
	assert_address(h, "unix:@holder%%3F%d?type=seqpacket", getpid());
	close(fd);
}

static void finds_a_file_by_any_path(void **state)
{
	char directory[] = "/tmp/holder-XXXXXX";
	char path[64];
	char other[64];

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/socket", directory);
	snprintf(other, sizeof(other), "%s/../%s/socket", directory, directory + 5);
	struct endpoint e = local(path, SOCK_STREAM);
	int fd = bound(&e, 1);
	struct holders *holders = ask(local(other, 0));
	const struct holder *h = holders_next(holders);
	assert_held_by(h, getpid());
	assert_address(h, "unix:%s", path);
	holders_free(holders);
	close(fd);
	assert_nobody_has(local(path, 0));
	unlink(path);
	rmdir(directory);
}

/* Connects to the address from a child, which lives until its pipe is closed. */
static pid_t connect_from_child(const struct endpoint *e, int pipe_read, int pipe_write)
{
	pid_t pid = fork();
	char byte;

	assert_true(pid >= 0);
	if (pid)
		return pid;
	close(pipe_write);
	int fd = socket(e->addr.ss_family, e->type, 0);
	if (connect(fd, (const struct sockaddr *)&e->addr, e->len))
		_exit(1);
	_exit(read(pipe_read, &byte, 1) ? 1 : 0);
}

static void names_the_peer_of_a_unix_connection(void **state)
{
	char name[64];
	int pipes[2];

	snprintf(name, sizeof(name), "@holder-peer-%d", getpid());
	struct endpoint e = local(name, SOCK_STREAM);
	int fd = bound(&e, 1);
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	pid_t child = connect_from_child(&e, pipes[0], pipes[1]);
	cleanup(cleanup_close) int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	assert_true(accepted >= 0);
	cleanup(cleanup_holders) struct holders *holders = ask(e);
	const struct holder *h = holders_next(holders);
	/* The child has the listener too, as it was open when it was made. */
	assert_non_null(h);
	assert_int_equal(h->process_count, 2);
	h = holders_next(holders);
	assert_held_by(h, getpid());
	assert_string_equal(holder_state(h), "established");
	assert_int_equal(h->peer_count, 1);
	assert_int_equal(h->peers->pid, child);
	close(pipes[0]);
	close(pipes[1]);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(fd);
}

static void lists_what_waits(void **state)
{
	struct endpoint e = inet("127.0.0.1", 0, SOCK_STREAM);
	int fd = bound(&e, 1);
	cleanup(cleanup_holders) struct holders *holders = NULL;
	bool found = false;

	assert_int_equal(holders_new(&holders, NULL, 0, NULL), 0);
	for (const struct holder *h; (h = holders_next(holders));) {
		assert_false(h->socket.state == TCP_ESTABLISHED);
		found |= !memcmp(&h->socket.local.addr, &e.addr, sizeof(e.addr));
	}
	assert_true(found);
	close(fd);
}

static void describes(void **state)
{
	struct endpoint e = inet("127.0.0.1", 0, SOCK_STREAM);
	int fd = bound(&e, 1);
	const struct sockaddr *addr = (const struct sockaddr *)&e.addr;
	char text[128];
	char expected[128];
	char user[PROCESS_USER_SIZE];

	process_user(geteuid(), user);
	snprintf(
		expected, sizeof(expected), "held by unit-holder, pid %d, user %s", getpid(), user);
	assert_int_equal(holder_describe(addr, e.len, SOCK_STREAM, text, sizeof(text)), 0);
	assert_string_equal(text, expected);
	assert_int_equal(holder_describe(addr, e.len, SOCK_STREAM, text, 9), 0);
	assert_string_equal(text, "held by ");
	assert_int_equal(
		holder_describe(addr, e.len, SOCK_DGRAM, text, sizeof(text)), HOLDER_NOT_FOUND);
	assert_string_equal(text, "");
	close(fd);
	assert_int_equal(
		holder_describe(addr, e.len, SOCK_STREAM, text, sizeof(text)), HOLDER_NOT_FOUND);
}

/* In a child: what another user sees of this process's socket. */
static int look_as_nobody(const struct endpoint *e)
{
	char text[128];
	const struct sockaddr *addr = (const struct sockaddr *)&e->addr;

	if (setgid(NOBODY) || setuid(NOBODY))
		return 1;
	if (holder_describe(addr, e->len, SOCK_STREAM, text, sizeof(text)))
		return 2;
	if (strcmp(text, "held by a process of user root, which only root is shown"))
		return 3;
	struct holders *holders = ask(*e);
	const struct holder *h = holders_next(holders);
	if (!h || h->process_count || !h->socket.inode)
		return 4;
	return holders_gaps(holders) & HOLDER_GAP_PROCESSES ? 0 : 5;
}

static void says_what_it_may_not_see(void **state)
{
	struct endpoint e = inet("127.0.0.1", 0, SOCK_STREAM);
	int status;

	if (geteuid() != 0)
		skip();
	int fd = bound(&e, 1);
	pid_t child = fork();
	if (!child) {
		close(fd);
		_exit(look_as_nobody(&e));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_of_a_listener),
		cmocka_unit_test(all_interfaces_cover_each),
		cmocka_unit_test(ipv6_alone_leaves_ipv4_out),
		cmocka_unit_test(tells_of_datagrams),
		cmocka_unit_test(tells_of_abstract_names),
		cmocka_unit_test(finds_a_file_by_any_path),
		cmocka_unit_test(names_the_peer_of_a_unix_connection),
		cmocka_unit_test(lists_what_waits),
		cmocka_unit_test(describes),
		cmocka_unit_test(says_what_it_may_not_see),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

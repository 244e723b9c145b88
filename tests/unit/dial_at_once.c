#include "net/dial.h"

#include "net/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/un.h>

#include "test.h"

static bool reaches(const char *text, struct channel *c)
{
	struct address a;

	assert_int_equal(address_parse(&a, text, NULL), 0);
	bool reached = dial_at_once(c, &a);
	address_deinit(&a);
	return reached;
}

__attribute__((format(printf, 1, 2))) static void assert_not(const char *format, ...)
{
	struct channel c;
	char text[64];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	assert_false(reaches(text, &c));
}

/* A bare listener on 127.0.0.1. */
static int listen_loopback(unsigned *port)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	*port = ntohs(in.sin_port);
	return fd;
}

static void reaches_the_loopback(void **state)
{
	const char *const hosts[] = {"tcp:127.0.0.1", "tcp:localhost", "tcp4:localhost"};
	struct channel c;
	char text[64];
	char name[64];
	unsigned port;
	int value;
	int listener = listen_loopback(&port);

	snprintf(name, sizeof(name), "127.0.0.1:%u", port);
	for (size_t i = 0; i < 3; i++) {
		snprintf(text, sizeof(text), "%s:%u", hosts[i], port);
		assert_true(reaches(text, &c));
		assert_int_equal(c.in, c.out);
		assert_string_equal(c.name, name);
		assert_true(fcntl(c.in, F_GETFL) & O_NONBLOCK);
		assert_int_equal(sys_getsockopt_int(c.in, IPPROTO_TCP, TCP_NODELAY, &value), 0);
		assert_true(value);
		int fd = accept(listener, NULL, NULL);
		assert_int_equal(write(c.in, "hi", 2), 2);
		assert_int_equal(read(fd, text, 2), 2);
		close(fd);
		channel_deinit(&c);
	}
	close(listener);
}

static void reaches_a_unix_socket(void **state)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	char text[sizeof(un.sun_path) + 8];
	socklen_t len = sizeof(un);
	struct channel c;
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* The kernel picks a name (unix(7), autobind). */
	assert_int_equal(bind(listener, (struct sockaddr *)&un, sizeof(un.sun_family)), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&un, &len), 0);
	int name_len = (int)(len - offsetof(struct sockaddr_un, sun_path)) - 1;
	snprintf(text, sizeof(text), "unix:@%.*s", name_len, un.sun_path + 1);
	assert_false(reaches(text, &c));
	assert_int_equal(listen(listener, 5), 0);
	assert_true(reaches(text, &c));
	channel_deinit(&c);
	close(listener);
}

static void leaves_alone_what_may_take_its_time(void **state)
{
	unsigned port;
	int listener = listen_loopback(&port);

	assert_not("tcp:host.invalid:%u", port);
	assert_not("tcp:192.0.2.1:%u", port);
	assert_not("udp:127.0.0.1:%u", port);
	assert_not("tcp6:localhost:%u", port);
	close(listener);
	assert_not("tcp:127.0.0.1:%u", port);
}

static void leaves_alone_what_is_only_listened_on(void **state)
{
	unsigned port;
	int listener = listen_loopback(&port);

	assert_not("tcp:*:%u", port);
	assert_not("tcp:127.0.0.1:0");
	assert_not("tls:127.0.0.1:%u?cert=c&key=k", port);
	close(listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reaches_the_loopback),
		cmocka_unit_test(reaches_a_unix_socket),
		cmocka_unit_test(leaves_alone_what_may_take_its_time),
		cmocka_unit_test(leaves_alone_what_is_only_listened_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "place.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

static void takes_both_families_on_one_port(void **state)
{
	struct place *p = *state;

	place_open(p, "tcp:localhost:0");
	uint32_t port = p->listener.address.port;
	assert_true(port > 0);
	assert_int_equal(endpoint_port(listener_endpoint(&p->listener, 0)), port);
	assert_int_equal(endpoint_port(listener_endpoint(&p->listener, 1)), port);
	assert_accepts(p, 2);
	assert_memory_equal(p->name, "[::1]:", 6);
}

static void tunes_what_it_accepts(void **state)
{
	struct place *p = *state;
	int value;

	place_open(p, "tcp4:0");
	assert_accepts(p, 1);
	assert_int_equal(sys_getsockopt_int(p->last, IPPROTO_TCP, TCP_NODELAY, &value), 0);
	assert_true(value);
	assert_int_equal(sys_getsockopt_int(p->last, SOL_SOCKET, SO_KEEPALIVE, &value), 0);
	assert_true(value);
	assert_int_equal(sys_getsockopt_int(p->last, IPPROTO_TCP, TCP_KEEPIDLE, &value), 0);
	assert_int_equal(value, 60);
	assert_true(fcntl(p->last, F_GETFD) & FD_CLOEXEC);
}

static void takes_all_interfaces_with_one_socket(void **state)
{
	struct place *p = *state;
	struct endpoint e;

	place_open(p, "tcp:*:0");
	assert_int_equal(p->listener.count, 1);
	e = *listener_endpoint(&p->listener, 0);
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)endpoint_port(&e)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	e.len = sizeof(in);
	memcpy(&e.addr, &in, sizeof(in));
	int fd = client_of(&e);
	assert_true(fd >= 0);
	turn_until(p, &p->accepted, 1);
	assert_memory_equal(p->name, "127.0.0.1:", 10);
	close(fd);
}

static void takes_one_family(void **state)
{
	struct place *p = *state;

	place_open(p, "tcp6:localhost:0");
	assert_int_equal(listener_endpoint(&p->listener, 0)->addr.ss_family, AF_INET6);
	assert_accepts(p, 1);
}

static void takes_multipath_tcp_or_says_why_not(void **state)
{
	struct place *p = *state;
	struct fault why = FAULT_NULL;

	int r = open_text(&p->listener, p, "mptcp:127.0.0.1:0", &why);
	if (r == -EPROTONOSUPPORT || r == -ENOPROTOOPT) {
		assert_non_null(strstr(why.text, "Multipath TCP"));
		return;
	}
	assert_int_equal(r, 0);
	assert_accepts(p, 1);
}

static void takes_sctp_or_says_why_not(void **state)
{
	struct place *p = *state;
	struct fault why = FAULT_NULL;

	int r = open_text(&p->listener, p, "sctp:127.0.0.1:0", &why);
	if (r < 0) {
		assert_true(r == -EPROTONOSUPPORT || r == -ESOCKTNOSUPPORT);
		assert_string_equal(why.text, "cannot listen on sctp:127.0.0.1:0 (127.0.0.1:0): "
					      "this kernel has no SCTP (modprobe sctp)");
		return;
	}
	assert_accepts(p, 1);
}

static void takes_unix(void **state)
{
	struct place *p = *state;
	const char *const types[] = {"stream", "seqpacket"};

	for (size_t i = 0; i < 2; i++) {
		char text[128];
		char expected[64];
		snprintf(text, sizeof(text), "unix:%s/sock?type=%s", p->directory, types[i]);
		place_open(p, text);
		assert_accepts(p, 1);
		snprintf(expected, sizeof(expected), "unix:pid/%d", getpid());
		assert_string_equal(p->name, expected);
		listener_close(&p->listener);

		snprintf(text, sizeof(text), "unix:@ferry-unit-%d?type=%s", getpid(), types[i]);
		p->accepted = 0;
		place_open(p, text);
		assert_accepts(p, 1);
		listener_close(&p->listener);
		p->accepted = 0;
	}
}

static void takes_packets(void **state)
{
	struct place *p = *state;
	char path[128];
	char expected[64];

	snprintf(path, sizeof(path), "unix:%s/sock?type=dgram", p->directory);
	place_open(p, path);
	int fd = client_of(listener_endpoint(&p->listener, 0));
	assert_int_equal(send(fd, "one", 3, 0), 3);
	turn_until(p, &p->packets, 1);
	assert_string_equal(p->text, "one");
	snprintf(expected, sizeof(expected), "unix:pid/%d", getpid());
	assert_string_equal(p->name, expected);
	assert_int_equal(send(fd, "", 0, 0), 0);
	turn_until(p, &p->packets, 2);
	assert_string_equal(p->text, "");
	close(fd);
	listener_close(&p->listener);

	place_open(p, "udp:0");
	for (size_t i = 0; i < 2; i++) {
		fd = client_of(listener_endpoint(&p->listener, i));
		assert_int_equal(send(fd, "two", 3, 0), 3);
		turn_until(p, &p->packets, 3 + (int)i);
		assert_string_equal(p->text, "two");
		assert_non_null(strstr(p->name, i ? "[::1]:" : "127.0.0.1:"));
		close(fd);
	}
}

static void takes_many_packets_in_turns(void **state)
{
	struct place *p = *state;

	place_open(p, "udp:127.0.0.1:0");
	int fd = client_of(listener_endpoint(&p->listener, 0));
	for (int i = 0; i < 150; i++)
		assert_int_equal(send(fd, "x", 1, 0), 1);
	turn_until(p, &p->packets, 150);
	close(fd);
}

/* ---- ports in use ---- */

static void names_who_has_the_port(void **state)
{
	struct place *p = *state;
	struct listener second;
	struct fault why = FAULT_NULL;
	char text[64];
	char holder[32];

	place_open(p, "tcp:localhost:0");
	snprintf(text, sizeof(text), "tcp:localhost:%u", p->listener.address.port);
	snprintf(holder, sizeof(holder), "pid %d", getpid());
	assert_int_equal(open_text(&second, p, text, &why), -EADDRINUSE);
	assert_non_null(strstr(why.text, holder));
	assert_memory_equal(why.text, "cannot listen on tcp:localhost:", 31);

	assert_int_equal(open_text(&second, p, "tcp:192.0.2.1:0", &why), -EADDRNOTAVAIL);
	assert_non_null(strstr(why.text, "no address of this machine"));
}

static void shares_a_port_when_asked(void **state)
{
	struct place *p = *state;
	struct listener second;
	struct address a;

	assert_int_equal(address_parse(&a, "tcp4:0", NULL), 0);
	assert_int_equal(listener_open(&p->listener, &p->loop, &a, LISTENER_REUSE_PORT,
				 &place_handler, NULL),
		0);
	a.port = p->listener.address.port;
	assert_int_equal(
		listener_open(&second, &p->loop, &a, LISTENER_REUSE_PORT, &place_handler, NULL), 0);
	listener_close(&second);
	address_deinit(&a);
}

/* ---- limits ---- */

static void waits_for_descriptors(void **state)
{
	struct place *p = *state;
	struct rlimit old;
	int fds[3];

	place_open(p, "tcp4:0");
	for (int i = 0; i < 3; i++)
		fds[i] = client_of(listener_endpoint(&p->listener, 0));
	getrlimit(RLIMIT_NOFILE, &old);
	struct rlimit none = {.rlim_cur = 3, .rlim_max = old.rlim_max};
	setrlimit(RLIMIT_NOFILE, &none);
	turn_until(p, &p->starved, 1);
	listener_retry(&p->listener);
	loop_turn(&p->loop, false);
	assert_int_equal(p->accepted, 0);
	assert_int_equal(p->starved, 1);

	setrlimit(RLIMIT_NOFILE, &old);
	turn_until(p, &p->accepted, 3);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

static void pauses_and_goes_on(void **state)
{
	struct place *p = *state;

	place_open(p, "tcp4:0");
	listener_pause(&p->listener);
	int fd = client_of(listener_endpoint(&p->listener, 0));
	for (int i = 0; i < 5; i++)
		loop_turn(&p->loop, false);
	assert_int_equal(p->accepted, 0);
	listener_resume(&p->listener);
	turn_until(p, &p->accepted, 1);
	close(fd);
}

static void close_from_within(struct listener *l, struct channel *c)
{
	place_of(l)->accepted++;
	listener_close(l);
}

static void closes_from_within(void **state)
{
	static const struct listener_handler closing = {.accepted = close_from_within};
	struct place *p = *state;
	struct address a;

	assert_int_equal(address_parse(&a, "tcp:0", NULL), 0);
	assert_int_equal(listener_open(&p->listener, &p->loop, &a, 0, &closing, NULL), 0);
	address_deinit(&a);
	int one = client_of(listener_endpoint(&p->listener, 0));
	int two = client_of(listener_endpoint(&p->listener, 1));
	turn_until(p, &p->accepted, 1);
	for (int i = 0; i < 3; i++)
		loop_turn(&p->loop, false);
	assert_int_equal(p->accepted, 1);
	close(one);
	close(two);
}

/* ---- what was there before ---- */

static void takes_inherited_sockets(void **state)
{
	struct place *p = *state;
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct fault why = FAULT_NULL;
	char text[64];
	int fds[2];

	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(fd, 5), 0);
	snprintf(text, sizeof(text), "fd:%d", fd);
	place_open(p, text);
	assert_accepts(p, 1);
	listener_close(&p->listener);
	assert_int_equal(fcntl(fd, F_GETFD), -1);

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	snprintf(text, sizeof(text), "fd:%d", fds[0]);
	p->accepted = 0;
	place_open(p, text);
	turn_until(p, &p->accepted, 1);
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(read(p->last, text, 1), 1);
	close(fds[1]);
	listener_close(&p->listener);

	assert_int_equal(open_text(&p->listener, p, "fd:9999", &why), -EBADF);
	assert_non_null(strstr(why.text, "fd:9999"));
}

static void takes_a_child(void **state)
{
	struct place *p = *state;
	char data[8];

	place_open(p, "exec:read line; echo \"got $line\"");
	turn_until(p, &p->accepted, 1);
	assert_memory_equal(p->name, "exec:pid/", 9);
	assert_int_equal(write(p->last, "hi\n", 3), 3);
	assert_int_equal(fcntl(p->last, F_SETFL, 0), 0);
	assert_int_equal(recv(p->last, data, 7, MSG_WAITALL), 7);
	assert_memory_equal(data, "got hi\n", 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(takes_both_families_on_one_port),
		IN_PLACE(tunes_what_it_accepts),
		IN_PLACE(takes_all_interfaces_with_one_socket),
		IN_PLACE(takes_one_family),
		IN_PLACE(takes_multipath_tcp_or_says_why_not),
		IN_PLACE(takes_sctp_or_says_why_not),
		IN_PLACE(takes_unix),
		IN_PLACE(takes_packets),
		IN_PLACE(takes_many_packets_in_turns),
		IN_PLACE(names_who_has_the_port),
		IN_PLACE(shares_a_port_when_asked),
		IN_PLACE(waits_for_descriptors),
		IN_PLACE(pauses_and_goes_on),
		IN_PLACE(closes_from_within),
		IN_PLACE(takes_inherited_sockets),
		IN_PLACE(takes_a_child),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

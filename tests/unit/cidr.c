#include "net/cidr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include "test.h"

static bool contains(const char *network, const char *host)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	struct endpoint e = {.addr.ss_family = AF_UNIX};
	struct cidr c;

	assert_int_equal(cidr_parse(&c, bytes_text(network)), 0);
	if (inet_pton(AF_INET, host, &in.sin_addr) == 1)
		memcpy(&e.addr, &in, sizeof(in));
	else if (inet_pton(AF_INET6, host, &in6.sin6_addr) == 1)
		memcpy(&e.addr, &in6, sizeof(in6));
	return cidr_contains(&c, &e);
}

static void tells_what_is_in(void **state)
{
	assert_true(contains("10.0.0.0/8", "10.255.0.1"));
	assert_true(contains("10.0.0.0/8", "::ffff:10.1.2.3"));
	assert_false(contains("10.0.0.0/8", "11.0.0.1"));
	assert_true(contains("192.168.4.0/22", "192.168.7.255"));
	assert_false(contains("192.168.4.0/22", "192.168.8.0"));
	assert_true(contains("10.0.0.7", "10.0.0.7"));
	assert_false(contains("10.0.0.7", "10.0.0.6"));
	assert_true(contains("0.0.0.0/0", "1.2.3.4"));
	assert_false(contains("0.0.0.0/0", "2001:db8::1"));
	assert_true(contains("::/0", "2001:db8::1"));
	assert_true(contains("::/0", "1.2.3.4"));
	assert_true(contains("fd00::/8", "fdff::1"));
	assert_false(contains("fd00::/8", "fe00::1"));
	assert_true(contains("::1", "::1"));
	assert_false(contains("::1/128", "::2"));
	assert_false(contains("::/0", "a Unix socket"));
}

static void refuses_what_is_no_network(void **state)
{
	const char *const bad[] = {"", "/", "/8", "10", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1",
		"10.0.0.0/8x", "10.0.0.0/0008", "10.0.0.1/8", "::/129", "fd00::1/8", "::g",
		"localhost", "10.0.0.0 /8",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"};
	struct cidr c;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(cidr_parse(&c, bytes_text(bad[i])), -EINVAL);
	assert_int_equal(cidr_parse(&c, BYTES_NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_what_is_in),
		cmocka_unit_test(refuses_what_is_no_network),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

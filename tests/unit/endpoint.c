#include "net/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

#include "test.h"

static void formats_inet(void **state)
{
	char text[ENDPOINT_TEXT_SIZE];
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(61811)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(80)};

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	endpoint_format_sockaddr((struct sockaddr *)&in, sizeof(in), text);
	assert_string_equal(text, "127.0.0.1:61811");

	in6.sin6_addr = in6addr_loopback;
	endpoint_format_sockaddr((struct sockaddr *)&in6, sizeof(in6), text);
	assert_string_equal(text, "[::1]:80");

	in6.sin6_scope_id = 1;
	assert_int_equal(inet_pton(AF_INET6, "fe80::1", &in6.sin6_addr), 1);
	endpoint_format_sockaddr((struct sockaddr *)&in6, sizeof(in6), text);
	assert_string_equal(text, "[fe80::1%lo]:80");

	in6.sin6_scope_id = 0;
	assert_int_equal(inet_pton(AF_INET6, "::ffff:10.0.0.7", &in6.sin6_addr), 1);
	endpoint_format_sockaddr((struct sockaddr *)&in6, sizeof(in6), text);
	assert_string_equal(text, "10.0.0.7:80");
}

static void assert_unix(const char *path, size_t len, const char *expected)
{
	char text[ENDPOINT_TEXT_SIZE];
	struct {
		struct sockaddr_un un;
		char nul;
	} full = {.un.sun_family = AF_UNIX};

	memcpy(full.un.sun_path, path, len);
	endpoint_format_sockaddr((struct sockaddr *)&full.un,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len), text);
	assert_string_equal(text, expected);
}

static void formats_unix(void **state)
{
	char path[109] = "";
	char expected[ENDPOINT_TEXT_SIZE] = "unix:";

	assert_unix("/run/a.sock", 12, "unix:/run/a.sock");
	assert_unix("/run/a.sock", 11, "unix:/run/a.sock");
	assert_unix("\0name\0x", 7, "@name%00x");
	assert_unix("/a\n%b", 6, "unix:/a%0A%25b");
	assert_unix("", 0, "unix:");

	memset(path, '\1', 108);
	for (int i = 0; i < 108; i++)
		strcat(expected, "%01");
	assert_unix(path, 108, expected);
}

static void formats_others(void **state)
{
	char text[ENDPOINT_TEXT_SIZE];
	struct sockaddr_vm vm = {.svm_family = AF_VSOCK, .svm_cid = 3, .svm_port = 1025};
	struct sockaddr other = {.sa_family = 77};

	endpoint_format_sockaddr((struct sockaddr *)&vm, sizeof(vm), text);
	assert_string_equal(text, "vsock:3:1025");
	vm.svm_cid = VMADDR_CID_ANY;
	endpoint_format_sockaddr((struct sockaddr *)&vm, sizeof(vm), text);
	assert_string_equal(text, "vsock:any:1025");
	endpoint_format_sockaddr(&other, sizeof(other), text);
	assert_string_equal(text, "family:77");
	endpoint_format_sockaddr(&other, 0, text);
	assert_string_equal(text, "family:0");
}

static bool is_local(const char *text)
{
	struct address a;
	struct endpoint e;

	assert_int_equal(address_parse(&a, text, NULL), 0);
	assert_int_equal(endpoint_of(&e, &a, true), 0);
	address_deinit(&a);
	return endpoint_is_local(&e);
}

static bool is_local_inet(const char *host)
{
	struct endpoint e = {0};
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, host, &in.sin_addr) == 1)
		memcpy(&e.addr, &in, sizeof(in));
	else if (inet_pton(AF_INET6, host, &in6.sin6_addr) == 1)
		memcpy(&e.addr, &in6, sizeof(in6));
	return endpoint_is_local(&e);
}

static void tells_local_from_wider(void **state)
{
	assert_true(is_local("/a"));
	assert_true(is_local("@a"));
	assert_true(is_local("vsock:local:1"));
	assert_false(is_local("vsock:any:1"));
	assert_false(is_local("vsock:host:1"));
	assert_true(is_local_inet("127.0.0.1"));
	assert_true(is_local_inet("127.9.9.9"));
	assert_true(is_local_inet("::1"));
	assert_true(is_local_inet("::ffff:127.0.0.1"));
	assert_false(is_local_inet("0.0.0.0"));
	assert_false(is_local_inet("::"));
	assert_false(is_local_inet("128.0.0.1"));
	assert_false(is_local_inet("::ffff:10.0.0.1"));
	assert_false(is_local_inet("::2"));
	assert_false(is_local_inet("no family"));
}

static void makes_endpoints_of_addresses(void **state)
{
	struct address a;
	struct endpoint e;
	char text[ENDPOINT_TEXT_SIZE];
	char path[300];

	assert_int_equal(address_parse(&a, "vsock+unix:/run/vm.sock:52", NULL), 0);
	assert_int_equal(endpoint_of(&e, &a, false), 0);
	endpoint_format(&e, text);
	assert_string_equal(text, "unix:/run/vm.sock");
	assert_int_equal(endpoint_of(&e, &a, true), 0);
	endpoint_format(&e, text);
	assert_string_equal(text, "unix:/run/vm.sock_52");
	address_deinit(&a);

	memset(path, 'x', sizeof(path));
	memcpy(path, "vsock+unix:", 11);
	memcpy(path + 11 + 107, ":52", 4);
	assert_int_equal(address_parse(&a, path, NULL), 0);
	assert_int_equal(endpoint_of(&e, &a, false), 0);
	assert_int_equal(endpoint_of(&e, &a, true), -ENAMETOOLONG);
	address_deinit(&a);

	assert_int_equal(address_parse(&a, "@a%00b?type=seqpacket", NULL), 0);
	assert_int_equal(endpoint_of(&e, &a, false), 0);
	assert_int_equal(e.type, SOCK_SEQPACKET);
	endpoint_format(&e, text);
	assert_string_equal(text, "@a%00b");
	address_deinit(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_inet),
		cmocka_unit_test(formats_unix),
		cmocka_unit_test(formats_others),
		cmocka_unit_test(tells_local_from_wider),
		cmocka_unit_test(makes_endpoints_of_addresses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

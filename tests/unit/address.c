#include "net/address.h"

#include <errno.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "test.h"

/* What is typed, and the canonical form of it. */
static const struct {
	const char *text;
	const char *canonical;
} good[] = {
	{"12345", "tcp:localhost:12345"},
	{":12345", "tcp:localhost:12345"},
	{"0", "tcp:localhost:0"},
	{"Example.ORG:80", "tcp:example.org:80"},
	{"[::1]:80", "tcp:[::1]:80"},
	{"tcp:12345", "tcp:localhost:12345"},
	{"tcp::12345", "tcp:localhost:12345"},
	{"TCP:localhost:12345", "tcp:localhost:12345"},
	{"tcp:*:65535", "tcp:*:65535"},
	{"tcp:[0:0::1]:080", "tcp:[::1]:80"},
	{"tcp6:[fe80::1%eth0]:1", "tcp6:[fe80::1%eth0]:1"},
	{"tcp4:127.0.0.1:1", "tcp4:127.0.0.1:1"},
	{"mptcp:a:1", "mptcp:a:1"},
	{"sctp:1", "sctp:localhost:1"},
	{"udp:*:9", "udp:*:9"},
	{"tls:h:1?pin=sha256:a%62c-_fghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPI",
		"tls:h:1?pin=sha256:abc-_fghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPI"},
	{"tcp:1?topic=a.b_c-d&wire=plain", "tcp:localhost:1?wire=plain&topic=a.b_c-d"},
	{"tcp:1?proxy=v2&trust=10.0.0.0/8,::1/128",
		"tcp:localhost:1?proxy=v2&trust=10.0.0.0/8,::1/128"},
	{"tcp:1?name=a%26b ?%25", "tcp:localhost:1?name=a%26b ?%25"},
	{"/run/ferry.sock", "unix:/run/ferry.sock"},
	{"./a", "unix:./a"},
	{"a/b:1", "unix:a/b:1"},
	{"@hub", "unix:@hub"},
	{"@hub/a:1", "unix:@hub/a:1"},
	{"unix:sock", "unix:sock"},
	{"unix:@a%00b", "unix:@a%00b"},
	{"unix:%40a", "unix:%40a"},
	{"unix:a%3fb%0A%25%41", "unix:a%3Fb%0A%25A"},
	{"unix:\xc3\xa9", "unix:\xc3\xa9"},
	{"/a?type=seqpacket&mode=660", "unix:/a?type=seqpacket&mode=0660"},
	{"/a?type=stream", "unix:/a"},
	{"@a?type=dgram", "unix:@a?type=dgram"},
	{"tls+unix:/a?mode=0777", "tls+unix:/a?mode=0777"},
	{"vsock:any:1025", "vsock:any:1025"},
	{"vsock:1:1", "vsock:local:1"},
	{"vsock:2:0", "vsock:host:0"},
	{"vsock:4294967295:4294967294?type=seqpacket", "vsock:any:4294967294?type=seqpacket"},
	{"tls+vsock:3:1025", "tls+vsock:3:1025"},
	{"vsock+unix:/tmp/a:b:52", "vsock+unix:/tmp/a:b:52"},
	{"fd:3", "fd:3"},
	{"fd:007?wire=http", "fd:7?wire=http"},
	{"systemd:", "systemd:"},
	{"systemd:web.socket", "systemd:web.socket"},
	{"exec:date +%s?", "exec:date +%s?"},
	{"-", "-"},
	{"-?topic=t", "-?topic=t"},
	{"tcp:1?since=all", "tcp:localhost:1?since=all"},
	{"/a?since=10m", "unix:/a?since=10m"},
	{"@a?since=7", "unix:@a?since=7"},
};

static void reads_and_prints(void **state)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct address a;
		struct address again;
		struct fault why = FAULT_NULL;

		if (address_parse(&a, good[i].text, &why))
			fail_msg("%s", why.text);
		char *text = address_format(&a);
		assert_string_equal(text, good[i].canonical);
		assert_int_equal(address_parse(&again, text, &why), 0);
		assert_true(address_equal(&a, &again));
		free(text);
		address_deinit(&a);
		address_deinit(&again);
	}
}

/* Each is refused, in a line that has these words in it. */
static const struct {
	const char *text;
	const char *words;
} bad[] = {
	{"", "empty"},
	{"localhost", "port is missing"},
	{"tcp:", "port is missing (write tcp:HOST:PORT)"},
	{"tcp:h:", "port is missing"},
	{"tcp:nowhere:99999", "0 to 65535, not '99999'"},
	{"tcp:h:-1", "not '-1'"},
	{"tcp:h:+1", "not '+1'"},
	{"tcp:h:1x", "not '1x'"},
	{"localhost:80/x", "not '80/x'"},
	{"tcp:::1:80", "brackets"},
	{"fe80::1", "brackets"},
	{"[::1", "']'"},
	{"[::1]", "port is missing"},
	{"[::1]x", "must follow the ']'"},
	{"[::1]80", "must follow the ']'"},
	{"[::g]:80", "'::g' is not an IPv6 address"},
	{"[fe80::1%]:80", "interface"},
	{"[fe80::1%a b]:80", "interface"},
	{"tcp4:[::1]:80", "tcp4 takes no IPv6"},
	{"tcp6:10.0.0.1:80", "tcp6 takes no IPv4"},
	{"tcp:a b:80", "'a b' cannot be"},
	{"user@host:22", "'user@host' cannot be"},
	{"unxi:/run/a", "no scheme is called 'unxi'; there are tcp,"},
	{"http://localhost:80/", "no scheme is called 'http'"},
	{"unix:", "path is missing"},
	{"@", "name is missing"},
	{"unix:a%00b", "NUL"},
	{"unix:a%", "must follow a '%'"},
	{"unix:a%2", "must follow a '%'"},
	{"/a?mode=888", "mode must be octal"},
	{"/a?mode=01000", "mode must be octal"},
	{"/a?mode=-1", "mode must be octal"},
	{"@a?mode=600", "socket that is a file"},
	{"/a?type=raw", "not 'raw'"},
	{"/a?", "'=' and a value must follow the option ''"},
	{"/a?type", "must follow the option 'type'"},
	{"/a?typ=dgram", "no option is called 'typ'; there are type, mode"},
	{"/a?type=dgram&type=dgram", "twice"},
	{"/a?topic=a&topic=a", "twice"},
	{"tcp:1?type=dgram", "tcp: takes no option 'type'"},
	{"tcp:1?mode=600", "tcp: takes no option 'mode'"},
	{"tcp:1?pin=sha256:a", "tcp: takes no option 'pin'"},
	{"tcp:1?wire=websocket", "wire must be plain or http"},
	{"tcp:1?topic=a/b", "topic must be"},
	{"tcp:1?topic=", "topic must be"},
	{"tcp:1?since=", "since must be"},
	{"tcp:1?since=yesterday", "since must be"},
	{"tcp:1?name=a%00b", "NUL"},
	{"tcp:1?name=a%0Ab", "name must be"},
	{"tcp:1?proxy=v3", "proxy must be v1 or v2"},
	{"tcp:1?trust=", "trust must be networks"},
	{"tcp:1?trust=10.0.0.0/8,", "trust must be networks"},
	{"tcp:1?trust=10.0.0.1/8", "trust must be networks"},
	{"udp:1?proxy=v2", "udp: takes no option 'proxy'"},
	{"tls:1?pin=md5:a", "pin must be sha256: and 43 letters of base64url"},
	{"tls:1?pin=sha256:ab", "pin must be sha256: and 43 letters of base64url"},
	{"vsock:1025", "CID or the port is missing (write vsock:CID:PORT)"},
	{"vsock::1025", "CID must be a number"},
	{"vsock:guest:1", "not 'guest'"},
	{"vsock:3:4294967295", "0 to 4294967294"},
	{"vsock:3:1?type=dgram", "type must be"},
	{"vsock+unix:/a", "path or the port is missing"},
	{"vsock+unix::1", "path is missing"},
	{"fd:", "descriptor's number"},
	{"fd:-1", "descriptor's number"},
	{"fd:2147483648", "descriptor's number"},
	{"systemd:a b", "no spaces"},
	{"exec:", "command is missing"},
	{"exec: ", "command is missing"},
	{"-x", "port is missing"},
	{"-:x", "port"},
};

static void says_what_is_wrong(void **state)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct address a;
		struct fault why = FAULT_NULL;

		assert_int_equal(address_parse(&a, bad[i].text, &why), -EINVAL);
		assert_null(a.host);
		assert_null(a.path);
		assert_int_equal(why.error, -EINVAL);
		if (strncmp(why.text, bad[i].text, strlen(bad[i].text)) ||
			!strstr(why.text, bad[i].words) || !strstr(why.text, " (write "))
			fail_msg("%s: not what is expected: %s", bad[i].text, why.text);
	}
}

static void knows_the_socket(void **state)
{
	struct address a;

	assert_int_equal(address_parse(&a, "mptcp:[::1]:7", NULL), 0);
	assert_int_equal(a.scheme->kind, ADDRESS_INET);
	assert_int_equal(a.scheme->family, AF_UNSPEC);
	assert_int_equal(a.scheme->protocol, IPPROTO_MPTCP);
	assert_int_equal(a.type, SOCK_STREAM);
	assert_string_equal(a.host, "::1");
	assert_int_equal(a.port, 7);
	address_deinit(&a);

	assert_int_equal(address_parse(&a, "tls+vsock:any:7", NULL), 0);
	assert_int_equal(a.scheme->kind, ADDRESS_VSOCK);
	assert_true(a.scheme->tls);
	assert_int_equal(a.cid, VMADDR_CID_ANY);
	address_deinit(&a);

	assert_int_equal(address_parse(&a, "unix:@a%00b?type=dgram&topic=t", NULL), 0);
	assert_true(a.abstract);
	assert_int_equal(a.path_len, 3);
	assert_memory_equal(a.path, "a\0b", 3);
	assert_int_equal(a.type, SOCK_DGRAM);
	assert_int_equal(a.mode, -1);
	assert_string_equal(a.options[ADDRESS_TOPIC], "t");
	assert_null(a.options[ADDRESS_WIRE]);
	address_deinit(&a);
	address_deinit(&a);
}

static void measures_names(void **state)
{
	char text[400];
	struct address a;

	memset(text, 'x', sizeof(text));
	memcpy(text, "unix:", 5);
	text[5 + 107] = '\0';
	assert_int_equal(address_parse(&a, text, NULL), 0);
	address_deinit(&a);
	text[5 + 107] = 'x';
	text[5 + 108] = '\0';
	assert_int_equal(address_parse(&a, text, NULL), -EINVAL);

	memset(text, 'x', sizeof(text));
	memcpy(text + 253, ":1", 3);
	assert_int_equal(address_parse(&a, text, NULL), 0);
	address_deinit(&a);
	memset(text, 'x', sizeof(text));
	memcpy(text + 254, ":1", 3);
	assert_int_equal(address_parse(&a, text, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_prints),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(knows_the_socket),
		cmocka_unit_test(measures_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

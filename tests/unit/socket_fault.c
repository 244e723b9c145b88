#include "net/socket_fault.h"

#include <errno.h>

#include "test.h"

/* A CID that no machine has: what is said does not depend on where this runs. */
#define NOBODY "vsock:4242:1025"

struct expected {
	const char *address;
	int error;
	const char *said; /* a part of the line that is of use to whoever reads it */
};

static const struct expected connecting[] = {
	{NOBODY, -ECONNRESET, "Connection refused: nothing listens there on this port (ferry who"},
	{NOBODY, -ENODEV, "no virtual machine has this CID"},
	{NOBODY, -ENETUNREACH, "no virtual machine has this CID"},
	{NOBODY, -ETIMEDOUT, "is that machine up, with its driver for vsock: modprobe"},
	{NOBODY, -EAFNOSUPPORT, "this kernel has no vsock (modprobe vsock)"},
	{NOBODY "?type=seqpacket", -ESOCKTNOSUPPORT, "leave out ?type=seqpacket"},
	{"vsock:local:1025", -ENODEV, "modprobe vsock_loopback"},
	{"tcp:localhost:80", -ECONNRESET, "Connection reset by peer"},
	{"tcp:localhost:80", -ETIMEDOUT, "no answer came in time"},
	{"sctp:localhost:80", -EPROTONOSUPPORT, "modprobe sctp"},
	{"mptcp:localhost:80", -ENOPROTOOPT, "sysctl net.mptcp.enabled"},
	{"unix:/a", -ENOENT, "no socket is there"},
	{"unix:/a", -EAGAIN, "the listener's queue is full"},
	{"unix:/a", -EPROTOTYPE, "?type=stream, seqpacket or dgram"},
};

static const struct expected listening[] = {
	{NOBODY, -EADDRNOTAVAIL, "it is not this machine's CID (vsock:any:PORT"},
	{"vsock:any:80", -EACCES, "CAP_NET_BIND_SERVICE"},
	{"vsock:any:1025", -EAFNOSUPPORT, "modprobe vsock"},
	{"tcp:localhost:80", -EACCES, "CAP_NET_BIND_SERVICE"},
	{"tcp:localhost:8080", -EACCES, "Permission denied"},
	{"tcp:localhost:80", -EADDRNOTAVAIL, "it is no address of this machine"},
	{"unix:/a/b", -ENOENT, "its directory is not there"},
	{"unix:/a", -EEXIST, "the file is there and is no socket"},
};

static void assert_says(const struct fault *why, int error, const char *address, const char *said)
{
	assert_int_equal(why->error, error);
	if (!strstr(why->text, address) || !strstr(why->text, said))
		fail_msg("'%s' has no '%s'", why->text, said);
}

static void connecting_says_what_to_do(void **state)
{
	for (size_t i = 0; i < sizeof(connecting) / sizeof(*connecting); i++) {
		struct fault why = FAULT_NULL;
		struct address a;

		assert_int_equal(address_parse(&a, connecting[i].address, NULL), 0);
		socket_fault_connect(&why, connecting[i].error, &a);
		address_deinit(&a);
		assert_says(&why, connecting[i].error, connecting[i].address, connecting[i].said);
	}
}

static void listening_says_what_to_do(void **state)
{
	const struct endpoint nowhere = {.addr.ss_family = AF_UNIX, .len = sizeof(sa_family_t)};

	for (size_t i = 0; i < sizeof(listening) / sizeof(*listening); i++) {
		struct fault why = FAULT_NULL;
		struct address a;

		assert_int_equal(address_parse(&a, listening[i].address, NULL), 0);
		socket_fault_listen(&why, listening[i].error, &a, &nowhere);
		address_deinit(&a);
		assert_says(&why, listening[i].error, listening[i].address, listening[i].said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connecting_says_what_to_do),
		cmocka_unit_test(listening_says_what_to_do),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

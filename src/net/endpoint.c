#include "net/endpoint.h"

#include "base/percent.h"
#include "net/sys.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/un.h>

static char *write_number(char *to, unsigned number)
{
	if (number >= 10)
		to = write_number(to, number / 10);
	*to++ = (char)('0' + number % 10);
	return to;
}

/* Every connection is given its name; printf(3) takes ten times as long for it. */
static void format_ipv4(const uint8_t host[4], unsigned port, char text[ENDPOINT_TEXT_SIZE])
{
	for (int i = 0; i < 4; i++) {
		text = write_number(text, host[i]);
		*text++ = i < 3 ? '.' : ':';
	}
	*write_number(text, port) = '\0';
}

static void format_inet(const struct sockaddr *addr, char text[ENDPOINT_TEXT_SIZE])
{
	struct sockaddr_in in;

	memcpy(&in, addr, sizeof(in));
	format_ipv4((const uint8_t *)&in.sin_addr, ntohs(in.sin_port), text);
}

static void format_inet6(const struct sockaddr *addr, char text[ENDPOINT_TEXT_SIZE])
{
	struct sockaddr_in6 in6;
	char host[INET6_ADDRSTRLEN];
	char scope[1 + IF_NAMESIZE] = "";

	memcpy(&in6, addr, sizeof(in6));
	unsigned port = ntohs(in6.sin6_port);
	if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
		format_ipv4(in6.sin6_addr.s6_addr + 12, port, text);
		return;
	}
	inet_ntop(AF_INET6, &in6.sin6_addr, host, sizeof(host));
	if (in6.sin6_scope_id) {
		scope[0] = '%';
		if (!if_indextoname(in6.sin6_scope_id, scope + 1))
			snprintf(scope + 1, IF_NAMESIZE, "%u", in6.sin6_scope_id);
	}
	snprintf(text, ENDPOINT_TEXT_SIZE, "[%s%s]:%u", host, scope, port);
}

/* A path ends at its NUL, if there is one: the kernel counts one byte more than the structure has
 * for a path that fills it. An abstract name starts with a NUL and ends with the address (unix(7)).
 */
static void format_unix(const struct sockaddr *addr, size_t len, char text[ENDPOINT_TEXT_SIZE])
{
	const char *path = (const char *)addr + offsetof(struct sockaddr_un, sun_path);
	size_t path_len = len - offsetof(struct sockaddr_un, sun_path);

	if (path_len && !path[0]) {
		text[0] = '@';
		percent_encode(text + 1, bytes_of(path + 1, path_len - 1), "");
		return;
	}
	memcpy(text, "unix:", sizeof("unix:"));
	percent_encode(text + 5, bytes_of(path, strnlen(path, path_len)), "");
}

static void format_vsock(const struct sockaddr *addr, char text[ENDPOINT_TEXT_SIZE])
{
	struct sockaddr_vm vm;

	memcpy(&vm, addr, sizeof(vm));
	if (vm.svm_cid == VMADDR_CID_ANY)
		snprintf(text, ENDPOINT_TEXT_SIZE, "vsock:any:%u", vm.svm_port);
	else
		snprintf(text, ENDPOINT_TEXT_SIZE, "vsock:%u:%u", vm.svm_cid, vm.svm_port);
}

void endpoint_format_sockaddr(
	const struct sockaddr *addr, socklen_t len, char text[ENDPOINT_TEXT_SIZE])
{
	int family = len >= sizeof(addr->sa_family) ? addr->sa_family : AF_UNSPEC;

	if (family == AF_INET && len >= sizeof(struct sockaddr_in))
		format_inet(addr, text);
	else if (family == AF_INET6 && len >= sizeof(struct sockaddr_in6))
		format_inet6(addr, text);
	else if (family == AF_UNIX && len <= sizeof(struct sockaddr_un) + 1)
		format_unix(addr, len, text);
	else if (family == AF_VSOCK && len >= sizeof(struct sockaddr_vm))
		format_vsock(addr, text);
	else
		snprintf(text, ENDPOINT_TEXT_SIZE, "family:%d", family);
}

void endpoint_format(const struct endpoint *e, char text[ENDPOINT_TEXT_SIZE])
{
	endpoint_format_sockaddr((const struct sockaddr *)&e->addr, e->len, text);
}

struct bytes endpoint_unix_name(const struct endpoint *e)
{
	const char *name = (const char *)&e->addr + offsetof(struct sockaddr_un, sun_path);

	if (e->len <= offsetof(struct sockaddr_un, sun_path))
		return BYTES_NULL;
	size_t len = e->len - offsetof(struct sockaddr_un, sun_path);
	return bytes_of(name, name[0] ? strnlen(name, len) : len);
}

/* ---- making them ---- */

static int endpoint_unix(struct endpoint *e, const char *path, size_t len, bool abstract)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	if (len > sizeof(un.sun_path) - 1)
		return -ENAMETOOLONG;
	memcpy(un.sun_path + (abstract ? 1 : 0), path, len);
	/* An abstract name has a NUL before it, a path one behind it. */
	e->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
	memcpy(&e->addr, &un, e->len);
	return 0;
}

static int endpoint_vsock_unix(struct endpoint *e, const struct address *a, bool listening)
{
	char path[256];

	if (!listening)
		return endpoint_unix(e, a->path, a->path_len, false);
	int len = snprintf(path, sizeof(path), "%s_%u", a->path, a->port);
	return endpoint_unix(e, path, (size_t)len, false);
}

static void endpoint_vsock(struct endpoint *e, uint32_t cid, uint32_t port)
{
	struct sockaddr_vm vm = {
		.svm_family = AF_VSOCK,
		.svm_cid = cid,
		.svm_port = port ? port : VMADDR_PORT_ANY,
	};

	e->len = sizeof(vm);
	memcpy(&e->addr, &vm, sizeof(vm));
}

int endpoint_of(struct endpoint *e, const struct address *a, bool listening)
{
	*e = (struct endpoint){.type = a->type, .protocol = a->scheme->protocol};
	switch (a->scheme->kind) {
	case ADDRESS_UNIX:
		return endpoint_unix(e, a->path, a->path_len, a->abstract);
	case ADDRESS_VSOCK_UNIX:
		return endpoint_vsock_unix(e, a, listening);
	case ADDRESS_VSOCK:
		endpoint_vsock(e, a->cid, a->port);
		return 0;
	default:
		return -EAFNOSUPPORT;
	}
}

static int read_ip(int family, bool text, struct bytes address, void *to)
{
	size_t size = family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
	char copy[INET6_ADDRSTRLEN] = "";

	if (text ? address.len >= sizeof(copy) : address.len != size)
		return -EINVAL;
	memcpy(text ? (void *)copy : to, address.data, address.len);
	return text && inet_pton(family, copy, to) != 1 ? -EINVAL : 0;
}

int endpoint_read(struct endpoint *e, int family, bool text, struct bytes address, uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int r = 0;

	if (family == AF_INET) {
		r = read_ip(family, text, address, &in.sin_addr);
		e->len = sizeof(in);
		memcpy(&e->addr, &in, sizeof(in));
	} else if (family == AF_INET6) {
		r = read_ip(family, text, address, &in6.sin6_addr);
		e->len = sizeof(in6);
		memcpy(&e->addr, &in6, sizeof(in6));
	} else if (family == AF_UNIX && address.len <= sizeof(un.sun_path)) {
		memcpy(un.sun_path, address.data, address.len);
		e->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + address.len);
		memcpy(&e->addr, &un, sizeof(un));
	} else {
		r = -EINVAL;
	}
	return r;
}

uint32_t endpoint_port(const struct endpoint *e)
{
	switch (e->addr.ss_family) {
	case AF_INET:
		return ntohs(((const struct sockaddr_in *)&e->addr)->sin_port);
	case AF_INET6:
		return ntohs(((const struct sockaddr_in6 *)&e->addr)->sin6_port);
	case AF_VSOCK:
		return ((const struct sockaddr_vm *)&e->addr)->svm_port;
	default:
		return 0;
	}
}

void endpoint_set_port(struct endpoint *e, uint32_t port)
{
	if (e->addr.ss_family == AF_INET)
		((struct sockaddr_in *)&e->addr)->sin_port = htons((uint16_t)port);
	else if (e->addr.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&e->addr)->sin6_port = htons((uint16_t)port);
	else if (e->addr.ss_family == AF_VSOCK)
		((struct sockaddr_vm *)&e->addr)->svm_port = port;
}

static bool is_loopback4(struct in_addr addr)
{
	return ntohl(addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

static bool is_loopback6(const struct in6_addr *addr)
{
	struct in_addr mapped;

	memcpy(&mapped, addr->s6_addr + 12, sizeof(mapped));
	return IN6_IS_ADDR_LOOPBACK(addr) || (IN6_IS_ADDR_V4MAPPED(addr) && is_loopback4(mapped));
}

bool endpoint_is_local(const struct endpoint *e)
{
	switch (e->addr.ss_family) {
	case AF_UNIX:
		return true;
	case AF_INET:
		return is_loopback4(((const struct sockaddr_in *)&e->addr)->sin_addr);
	case AF_INET6:
		return is_loopback6(&((const struct sockaddr_in6 *)&e->addr)->sin6_addr);
	case AF_VSOCK:
		return ((const struct sockaddr_vm *)&e->addr)->svm_cid == VMADDR_CID_LOCAL;
	default:
		return false;
	}
}

/* ---- sockets of them ---- */

/* sctp(7); its header is not part of the C library. */
enum { OPTION_SCTP_NODELAY = 3 };

static bool is_inet_stream(const struct endpoint *e)
{
	int family = e->addr.ss_family;

	return e->type == SOCK_STREAM && (family == AF_INET || family == AF_INET6);
}

/* An option that a protocol or an older kernel lacks is none that the connection needs. */
static void socket_no_delay(int fd, const struct endpoint *e)
{
	if (!is_inet_stream(e))
		return;
	if (e->protocol == IPPROTO_SCTP)
		sys_setsockopt_int(fd, IPPROTO_SCTP, OPTION_SCTP_NODELAY, 1);
	else
		sys_setsockopt_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

enum { KEEPALIVE_IDLE_S = 60, KEEPALIVE_INTERVAL_S = 15, KEEPALIVE_PROBES = 4 };

void endpoint_keep_alive(const struct endpoint *e, int fd)
{
	if (!is_inet_stream(e))
		return;
	sys_setsockopt_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	if (e->protocol == IPPROTO_SCTP)
		return;
	sys_setsockopt_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
	sys_setsockopt_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
	sys_setsockopt_int(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
}

int endpoint_socket(const struct endpoint *e)
{
	int fd = sys_socket(e->addr.ss_family, e->type | SOCK_NONBLOCK | SOCK_CLOEXEC, e->protocol);
	if (fd >= 0)
		socket_no_delay(fd, e);
	return fd;
}

static int endpoint_kind(struct endpoint *e, int fd)
{
	int r = sys_getsockopt_int(fd, SOL_SOCKET, SO_TYPE, &e->type);
	if (!r)
		r = sys_getsockopt_int(fd, SOL_SOCKET, SO_PROTOCOL, &e->protocol);
	return r;
}

int endpoint_local(struct endpoint *e, int fd)
{
	*e = (struct endpoint){.len = sizeof(e->addr)};
	int r = sys_getsockname(fd, (struct sockaddr *)&e->addr, &e->len);
	return r < 0 ? r : endpoint_kind(e, fd);
}

int endpoint_peer(struct endpoint *e, int fd)
{
	*e = (struct endpoint){.len = sizeof(e->addr)};
	int r = sys_getpeername(fd, (struct sockaddr *)&e->addr, &e->len);
	return r < 0 ? r : endpoint_kind(e, fd);
}

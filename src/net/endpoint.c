#include "net/endpoint.h"

#include "base/percent.h"

#include <arpa/inet.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/un.h>

static void format_inet(const struct sockaddr *addr, char text[ENDPOINT_TEXT_SIZE])
{
	struct sockaddr_in in;
	char host[INET_ADDRSTRLEN];

	memcpy(&in, addr, sizeof(in));
	inet_ntop(AF_INET, &in.sin_addr, host, sizeof(host));
	snprintf(text, ENDPOINT_TEXT_SIZE, "%s:%u", host, ntohs(in.sin_port));
}

static void format_inet6(const struct sockaddr *addr, char text[ENDPOINT_TEXT_SIZE])
{
	struct sockaddr_in6 in6;
	char host[INET6_ADDRSTRLEN];
	char scope[1 + IF_NAMESIZE] = "";

	memcpy(&in6, addr, sizeof(in6));
	unsigned port = ntohs(in6.sin6_port);
	if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
		inet_ntop(AF_INET, in6.sin6_addr.s6_addr + 12, host, sizeof(host));
		snprintf(text, ENDPOINT_TEXT_SIZE, "%s:%u", host, port);
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

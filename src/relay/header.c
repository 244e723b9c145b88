#include "relay/header.h"

#include "net/sys.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/un.h>

/* ---- from the wire ---- */

static bool read_endpoint(int version, const struct proxy_header *h, struct bytes address,
	uint16_t port, struct endpoint *e)
{
	static const int families[] = {
		[PROXY_INET] = AF_INET, [PROXY_INET6] = AF_INET6, [PROXY_UNIX] = AF_UNIX};

	*e = (struct endpoint){.type = h->datagrams ? SOCK_DGRAM : SOCK_STREAM};
	return endpoint_read(e, families[h->family], version == 1, address, port) == 0;
}

/* Looks without taking; then takes just the header. */
int header_take(
	struct leg *l, int version, struct endpoint *from, struct endpoint *to, struct fault *why)
{
	uint8_t seen[PROXY_V2_MAX];
	const char *detail;
	struct proxy_header h;

	ssize_t n = sys_recv(l->source.fd, seen, sizeof(seen), MSG_PEEK | MSG_DONTWAIT);
	if (n == -EAGAIN)
		return -EAGAIN;
	if (n <= 0)
		return fault_set(why, -EPROTO, "%s: it left before its PROXY header", l->name);
	struct bytes input = bytes_of(seen, (size_t)n);
	int r = proxy_decode(version, &input, &h, &detail);
	if (r == PROXY_MORE && !l->hung_up)
		return -EAGAIN;
	if (r == PROXY_MORE)
		detail = "it is cut off";
	if (!r && h.family != PROXY_UNKNOWN &&
		(!read_endpoint(version, &h, h.from, h.from_port, from) ||
			!read_endpoint(version, &h, h.to, h.to_port, to))) {
		detail = "an address is none";
		r = PROXY_WRONG;
	}
	if (r)
		return fault_set(why, -EPROTO, "%s: no PROXY header of version %d: %s", l->name,
			version, detail);
	sys_recv(l->source.fd, seen, (size_t)n - input.len, MSG_DONTWAIT);
	if (h.family != PROXY_UNKNOWN)
		endpoint_format(from, l->name);
	return 0;
}

/* ---- to the wire ---- */

/* The bytes of an address, and the family it counts as: an IPv4 address of an IPv6 socket is IPv4.
 */
static enum proxy_family address_bytes(const struct endpoint *e, struct bytes *address)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const struct sockaddr_in *in = (const void *)&e->addr;
	const struct sockaddr_in6 *in6 = (const void *)&e->addr;

	*address = BYTES_NULL;
	if (!e->len)
		return PROXY_UNKNOWN;
	switch (e->addr.ss_family) {
	case AF_INET:
		*address = bytes_of(&in->sin_addr, 4);
		return PROXY_INET;
	case AF_INET6:
		*address = bytes_of(&in6->sin6_addr, 16);
		if (memcmp(address->data, mapped, sizeof(mapped)) != 0)
			return PROXY_INET6;
		*address = bytes_skip(*address, sizeof(mapped));
		return PROXY_INET;
	case AF_UNIX:
		*address = endpoint_unix_name(e);
		return PROXY_UNIX;
	default:
		return PROXY_UNKNOWN;
	}
}

static void as_text(struct bytes *address, int family, char text[INET6_ADDRSTRLEN])
{
	if (inet_ntop(family, address->data, text, INET6_ADDRSTRLEN))
		*address = bytes_text(text);
}

size_t header_write(
	uint8_t *header, int version, const struct endpoint *from, const struct endpoint *to)
{
	struct proxy_header h = {.datagrams = from->type == SOCK_DGRAM};
	char from_text[INET6_ADDRSTRLEN];
	char to_text[INET6_ADDRSTRLEN];

	h.family = address_bytes(from, &h.from);
	if (address_bytes(to, &h.to) != h.family)
		h = (struct proxy_header){0};
	h.from_port = (uint16_t)endpoint_port(from);
	h.to_port = (uint16_t)endpoint_port(to);
	if (version == 1 && (h.family == PROXY_INET || h.family == PROXY_INET6)) {
		int family = h.family == PROXY_INET ? AF_INET : AF_INET6;
		as_text(&h.from, family, from_text);
		as_text(&h.to, family, to_text);
	}
	return proxy_encode(version, &h, header);
}

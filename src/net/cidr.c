#include "net/cidr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>

enum { IPV4_BITS = 32, IPV6_BITS = 128, MAPPED_BITS = 96 };

static void map_ipv4(uint8_t to[16], const void *addr)
{
	memset(to, 0, 10);
	memset(to + 10, 0xff, 2);
	memcpy(to + 12, addr, 4);
}

static bool bit_is_set(const uint8_t address[16], unsigned bit)
{
	return address[bit / 8] & (0x80 >> bit % 8);
}

/* A decimal number up to MAX, which is also what no text at all stands for. */
static int parse_bits(struct bytes text, unsigned max, unsigned *bits)
{
	unsigned n = 0;

	if (!text.data) {
		*bits = max;
		return 0;
	}
	if (!text.len || text.len > 3)
		return -EINVAL;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return -EINVAL;
		n = n * 10 + (unsigned)(text.data[i] - '0');
	}
	*bits = n;
	return n <= max ? 0 : -EINVAL;
}

int cidr_parse(struct cidr *c, struct bytes text)
{
	const uint8_t *slash = text.len ? memchr(text.data, '/', text.len) : NULL;
	size_t len = slash ? (size_t)(slash - text.data) : text.len;
	struct bytes bits = slash ? bytes_of(slash + 1, text.len - len - 1) : BYTES_NULL;
	char host[INET6_ADDRSTRLEN];
	struct in_addr in;

	if (len >= sizeof(host))
		return -EINVAL;
	snprintf(host, sizeof(host), "%.*s", (int)len, (const char *)text.data);
	int r;
	if (inet_pton(AF_INET, host, &in) == 1) {
		map_ipv4(c->address, &in);
		r = parse_bits(bits, IPV4_BITS, &c->bits);
		c->bits += MAPPED_BITS;
	} else if (inet_pton(AF_INET6, host, c->address) == 1) {
		r = parse_bits(bits, IPV6_BITS, &c->bits);
	} else {
		return -EINVAL;
	}
	for (unsigned bit = c->bits; !r && bit < IPV6_BITS; bit++)
		if (bit_is_set(c->address, bit))
			r = -EINVAL;
	return r;
}

bool cidr_contains(const struct cidr *c, const struct endpoint *e)
{
	uint8_t address[16];

	if (e->addr.ss_family == AF_INET)
		map_ipv4(address, &((const struct sockaddr_in *)&e->addr)->sin_addr);
	else if (e->addr.ss_family == AF_INET6)
		memcpy(address, &((const struct sockaddr_in6 *)&e->addr)->sin6_addr, 16);
	else
		return false;
	unsigned whole = c->bits / 8;
	unsigned rest = c->bits % 8;
	if (memcmp(c->address, address, whole) != 0)
		return false;
	return !rest || !((c->address[whole] ^ address[whole]) >> (8 - rest));
}

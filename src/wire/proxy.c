#include "wire/proxy.h"

#include "wire/put.h"

/* ---- version 1 ---- */

static bool read_port(struct bytes text, uint16_t *port)
{
	uint32_t n = 0;

	if (!text.len || text.len > 5 || (text.len > 1 && text.data[0] == '0'))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		n = n * 10 + (uint32_t)(text.data[i] - '0');
	}
	*port = (uint16_t)n;
	return n <= UINT16_MAX;
}

/* The line without its CRLF: NULL, or what is wrong. */
static const char *read_line(struct bytes line, struct proxy_header *h)
{
	struct bytes word;

	if (!bytes_cut(&line, ' ', &word) || !bytes_equal(word, BYTES_LITERAL("PROXY")))
		return "it does not begin with PROXY";
	if (!bytes_cut(&line, ' ', &word))
		word = line;
	if (bytes_equal(word, BYTES_LITERAL("UNKNOWN")))
		return NULL;
	if (bytes_equal(word, BYTES_LITERAL("TCP4")))
		h->family = PROXY_INET;
	else if (bytes_equal(word, BYTES_LITERAL("TCP6")))
		h->family = PROXY_INET6;
	else
		return "it names no family of version 1 (TCP4, TCP6, UNKNOWN)";
	if (!bytes_cut(&line, ' ', &h->from) || !bytes_cut(&line, ' ', &h->to) ||
		!bytes_cut(&line, ' ', &word) || !h->from.len || !h->to.len)
		return "two addresses and two ports must follow the family";
	if (!read_port(word, &h->from_port) || !read_port(line, &h->to_port))
		return "a port is none";
	return NULL;
}

static int decode_line(struct bytes *input, struct proxy_header *h, const char **detail)
{
	static const char start[] = "PROXY ";
	struct bytes rest = *input;
	struct bytes line;
	size_t known = rest.len < 6 ? rest.len : 6;

	*detail = "it does not begin with PROXY";
	if (known && memcmp(rest.data, start, known) != 0)
		return PROXY_WRONG;
	*detail = "its line has no end";
	if (rest.len > PROXY_V1_MAX)
		rest.len = PROXY_V1_MAX;
	if (!bytes_cut(&rest, '\n', &line))
		return rest.len == PROXY_V1_MAX ? PROXY_WRONG : PROXY_MORE;
	if (!line.len || line.data[line.len - 1] != '\r')
		return PROXY_WRONG;
	*input = bytes_skip(*input, line.len + 1);
	line.len--;
	*detail = read_line(line, h);
	return *detail ? PROXY_WRONG : 0;
}

static size_t encode_line(const struct proxy_header *h, uint8_t *to)
{
	uint8_t *start = to;

	to = put_literal(to, "PROXY ");
	if (h->datagrams || (h->family != PROXY_INET && h->family != PROXY_INET6)) {
		to = put_literal(to, "UNKNOWN\r\n");
		return (size_t)(to - start);
	}
	to = h->family == PROXY_INET ? put_literal(to, "TCP4 ") : put_literal(to, "TCP6 ");
	to = put_bytes(to, h->from);
	*to++ = ' ';
	to = put_bytes(to, h->to);
	*to++ = ' ';
	to = put_decimal(to, h->from_port);
	*to++ = ' ';
	to = put_decimal(to, h->to_port);
	to = put_literal(to, "\r\n");
	return (size_t)(to - start);
}

/* ---- version 2 ---- */

enum { V2_HEAD = 16, V2_PATH = 108 };

static const uint8_t v2_signature[12] = "\r\n\r\n\0\r\nQUIT\n";

/* The size of one address, by the family's number in the header. */
static const uint8_t v2_sizes[] = {0, 4, 16, V2_PATH};

static uint16_t get_u16(const uint8_t *from)
{
	return (uint16_t)(from[0] << 8 | from[1]);
}

static struct bytes until_nul(struct bytes path)
{
	struct bytes name;

	/* An abstract name begins with a NUL and goes to its trailing ones. */
	if (path.len && !path.data[0]) {
		while (path.len && !path.data[path.len - 1])
			path.len--;
		return path;
	}
	return bytes_cut(&path, 0, &name) ? name : path;
}

static const char *read_addresses(struct bytes body, struct proxy_header *h)
{
	size_t size = v2_sizes[h->family];
	bool ports = h->family != PROXY_UNIX;

	if (body.len < 2 * size + (ports ? 4 : 0))
		return "its addresses are cut off";
	h->from = bytes_of(body.data, size);
	h->to = bytes_of(body.data + size, size);
	if (ports) {
		h->from_port = get_u16(body.data + 2 * size);
		h->to_port = get_u16(body.data + 2 * size + 2);
	} else {
		h->from = until_nul(h->from);
		h->to = until_nul(h->to);
	}
	return NULL;
}

static const char *read_binary(const uint8_t *head, struct bytes body, struct proxy_header *h)
{
	uint8_t command = head[12];
	uint8_t family = head[13] >> 4;
	uint8_t protocol = head[13] & 15;

	if (command >> 4 != 2)
		return "its version is not 2";
	if ((command & 15) > 1)
		return "its command is neither LOCAL nor PROXY";
	if (family > PROXY_UNIX || protocol > 2)
		return "its family or protocol is unknown";
	if ((command & 15) == 0 || family == 0 || protocol == 0)
		return NULL;
	h->family = (enum proxy_family)family;
	h->datagrams = protocol == 2;
	return read_addresses(body, h);
}

static int decode_binary(struct bytes *input, struct proxy_header *h, const char **detail)
{
	size_t known = input->len < sizeof(v2_signature) ? input->len : sizeof(v2_signature);

	*detail = "it does not begin with the signature of version 2";
	if (known && memcmp(input->data, v2_signature, known) != 0)
		return PROXY_WRONG;
	if (input->len < V2_HEAD)
		return PROXY_MORE;
	const uint8_t *head = input->data;
	size_t len = get_u16(head + 14);
	*detail = "it is too long";
	if (V2_HEAD + len > PROXY_V2_MAX)
		return PROXY_WRONG;
	if (input->len < V2_HEAD + len)
		return PROXY_MORE;
	*input = bytes_skip(*input, V2_HEAD + len);
	*detail = read_binary(head, bytes_of(head + V2_HEAD, len), h);
	return *detail ? PROXY_WRONG : 0;
}

static uint8_t *put_u16(uint8_t *to, uint16_t n)
{
	*to++ = (uint8_t)(n >> 8);
	*to++ = (uint8_t)n;
	return to;
}

static uint8_t *put_address(uint8_t *to, struct bytes address, size_t size)
{
	memset(to, 0, size);
	put_bytes(to, bytes_of(address.data, address.len < size ? address.len : size));
	return to + size;
}

static size_t encode_binary(const struct proxy_header *h, uint8_t *to)
{
	size_t size = v2_sizes[h->family];
	bool ports = h->family == PROXY_INET || h->family == PROXY_INET6;
	uint8_t *start = to;

	to = put_bytes(to, bytes_of(v2_signature, sizeof(v2_signature)));
	*to++ = h->family == PROXY_UNKNOWN ? 0x20 : 0x21;
	*to++ = h->family == PROXY_UNKNOWN
			? 0
			: (uint8_t)((unsigned)h->family << 4 | (h->datagrams ? 2 : 1));
	to = put_u16(to, (uint16_t)(2 * size + (ports ? 4 : 0)));
	to = put_address(to, h->from, size);
	to = put_address(to, h->to, size);
	if (ports) {
		to = put_u16(to, h->from_port);
		to = put_u16(to, h->to_port);
	}
	return (size_t)(to - start);
}

/* ---- both ---- */

int proxy_decode(int version, struct bytes *input, struct proxy_header *h, const char **detail)
{
	*h = (struct proxy_header){0};
	return version == 1 ? decode_line(input, h, detail) : decode_binary(input, h, detail);
}

size_t proxy_encode(int version, const struct proxy_header *h, uint8_t *to)
{
	return version == 1 ? encode_line(h, to) : encode_binary(h, to);
}

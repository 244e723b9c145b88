#include "net/address_syntax.h"

#include "base/percent.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <linux/vm_sockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
	HOST_MAX = 253, /* RFC 1035 section 2.3.4, as text */
	SCOPE_MAX = 15, /* of an interface's name (IF_NAMESIZE and its NUL) */
	UNIX_MAX = sizeof(((struct sockaddr_un *)0)->sun_path) - 1,
	FDNAME_MAX = 255, /* sd_listen_fds(3) */
};

static const uint32_t VSOCK_PORT_MAX = VMADDR_PORT_ANY - 1;

static int own_text(char **to, const char *text)
{
	*to = strdup(text);
	return *to ? 0 : -ENOMEM;
}

/* ---- inet: HOST:PORT ---- */

static int parse_port(struct address *a, const char *text, uint32_t max, const struct reader *r)
{
	if (!*text)
		return reader_fault(r, "the port is missing");
	if (reader_number(text, max, &a->port) < 0)
		return reader_fault(
			r, "the port must be 0 to %u, not '%.40s'", (unsigned)max, text);
	return 0;
}

/* TEXT is what stands in the brackets. The address is kept in the form of RFC 5952. */
static int parse_ipv6(struct address *a, char *text, const struct reader *r)
{
	char host[INET6_ADDRSTRLEN + 1 + SCOPE_MAX];
	struct in6_addr in6;
	char *scope = strchr(text, '%');

	if (scope)
		*scope++ = '\0';
	if (inet_pton(AF_INET6, text, &in6) != 1)
		return reader_fault(r, "'%.60s' is not an IPv6 address", text);
	if (a->scheme->family == AF_INET)
		return reader_fault(r, "%s takes no IPv6 address", a->scheme->name);
	inet_ntop(AF_INET6, &in6, host, INET6_ADDRSTRLEN);
	if (!scope)
		return own_text(&a->host, host);
	for (const char *c = scope; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
			scope = "";
	if (!*scope || strlen(scope) > SCOPE_MAX)
		return reader_fault(r, "an interface's name must follow the '%%'");
	size_t len = strlen(host);
	snprintf(host + len, sizeof(host) - len, "%%%s", scope);
	return own_text(&a->host, host);
}

static int parse_name(struct address *a, char *host, const struct reader *r)
{
	struct in_addr in;

	if (!*host)
		return own_text(&a->host, "localhost");
	if (!strcmp(host, "*"))
		return own_text(&a->host, "*");
	if (strlen(host) > HOST_MAX)
		return reader_fault(r, "the host's name is longer than %d bytes", HOST_MAX);
	for (char *c = host; *c; c++) {
		if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
			return reader_fault(r, "'%.60s' cannot be a host's name", host);
		*c = (char)tolower((unsigned char)*c);
	}
	if (a->scheme->family == AF_INET6 && inet_pton(AF_INET, host, &in) == 1)
		return reader_fault(r, "%s takes no IPv4 address", a->scheme->name);
	return own_text(&a->host, host);
}

static int parse_inet(struct address *a, char *rest, const struct reader *r)
{
	char *host = rest;
	char *port;
	int e;

	if (*rest == '[') {
		char *end = strchr(rest, ']');
		if (!end)
			return reader_fault(r, "the ']' behind the IPv6 address is missing");
		*end = '\0';
		if (end[1] && end[1] != ':')
			return reader_fault(r, "':' and a port must follow the ']'");
		port = end[1] ? end + 2 : end + 1;
		e = parse_ipv6(a, rest + 1, r);
	} else {
		char *colon = strchr(rest, ':');
		if (colon && strchr(colon + 1, ':'))
			return reader_fault(r, "an IPv6 address needs brackets: [::1]:PORT");
		if (colon)
			*colon = '\0';
		else if (!isdigit((unsigned char)*rest) && *rest)
			return reader_fault(r, "the port is missing behind '%.60s'", rest);
		port = colon ? colon + 1 : rest;
		e = parse_name(a, colon ? host : rest + strlen(rest), r);
	}
	return e < 0 ? e : parse_port(a, port, UINT16_MAX, r);
}

static int print_inet(const struct address *a, struct buffer *out)
{
	bool brackets = strchr(a->host, ':');

	return buffer_print(out, brackets ? "[%s]:%u" : "%s:%u", a->host, a->port);
}

/* ---- unix: PATH, @NAME ---- */

int address_print_encoded(struct buffer *out, struct bytes from, const char *also)
{
	uint8_t *to;

	int e = buffer_reserve(out, 3 * from.len + 1, &to);
	if (e < 0)
		return e;
	buffer_commit(out, percent_encode((char *)to, from, also));
	return 0;
}

static int parse_path(struct address *a, char *text, const struct reader *r)
{
	const char *what = a->abstract ? "name" : "path";

	a->path_len = strlen(text);
	if (percent_decode(text, &a->path_len) < 0)
		return reader_fault(
			r, "two hexadecimal digits must follow a '%%' (itself written %%25)");
	if (!a->path_len)
		return reader_fault(r, "the %s is missing", what);
	if (!a->abstract && memchr(text, '\0', a->path_len))
		return reader_fault(r, "the path has a NUL in it");
	if (a->path_len > UNIX_MAX)
		return reader_fault(r, "the %s has %zu bytes; the kernel takes at most %d", what,
			a->path_len, (int)UNIX_MAX);
	a->path = bytes_dup(bytes_of(text, a->path_len));
	return a->path ? 0 : -ENOMEM;
}

static int parse_unix(struct address *a, char *rest, const struct reader *r)
{
	a->abstract = *rest == '@';
	return parse_path(a, a->abstract ? rest + 1 : rest, r);
}

static int print_path(const struct address *a, struct buffer *out)
{
	struct bytes rest = bytes_of(a->path, a->path_len);
	int e = 0;

	if (a->abstract) {
		e = buffer_append(out, "@", 1);
	} else if (*a->path == '@') {
		e = buffer_append(out, "%40", 3);
		rest = bytes_of(a->path + 1, a->path_len - 1);
	}
	return e < 0 ? e : address_print_encoded(out, rest, "?");
}

/* ---- vsock: CID:PORT ---- */

static const struct {
	const char *name;
	uint32_t cid;
} cids[] = {
	{"any", VMADDR_CID_ANY},
	{"host", VMADDR_CID_HOST},
	{"local", VMADDR_CID_LOCAL},
};

static int parse_cid(struct address *a, const char *text, const struct reader *r)
{
	for (size_t i = 0; i < sizeof(cids) / sizeof(*cids); i++) {
		if (!strcmp(text, cids[i].name)) {
			a->cid = cids[i].cid;
			return 0;
		}
	}
	if (reader_number(text, UINT32_MAX, &a->cid) < 0)
		return reader_fault(
			r, "the CID must be a number, any, host or local, not '%.40s'", text);
	return 0;
}

static int parse_vsock(struct address *a, char *rest, const struct reader *r)
{
	char *colon = strchr(rest, ':');

	if (!colon)
		return reader_fault(r, "the CID or the port is missing");
	*colon = '\0';
	int e = parse_cid(a, rest, r);
	return e < 0 ? e : parse_port(a, colon + 1, VSOCK_PORT_MAX, r);
}

static int print_vsock(const struct address *a, struct buffer *out)
{
	for (size_t i = 0; i < sizeof(cids) / sizeof(*cids); i++)
		if (a->cid == cids[i].cid)
			return buffer_print(out, "%s:%u", cids[i].name, a->port);
	return buffer_print(out, "%u:%u", a->cid, a->port);
}

static int parse_vsock_unix(struct address *a, char *rest, const struct reader *r)
{
	char *colon = strrchr(rest, ':');

	if (!colon)
		return reader_fault(r, "the path or the port is missing");
	*colon = '\0';
	int e = parse_path(a, rest, r);
	return e < 0 ? e : parse_port(a, colon + 1, VSOCK_PORT_MAX, r);
}

static int print_vsock_unix(const struct address *a, struct buffer *out)
{
	int e = print_path(a, out);
	return e < 0 ? e : buffer_print(out, ":%u", a->port);
}

/* ---- descriptors and children ---- */

static int parse_fd(struct address *a, char *rest, const struct reader *r)
{
	uint32_t fd;

	if (reader_number(rest, INT32_MAX, &fd) < 0)
		return reader_fault(r, "'%.40s' is not a descriptor's number", rest);
	a->fd = (int)fd;
	return 0;
}

static int print_fd(const struct address *a, struct buffer *out)
{
	return buffer_print(out, "%d", a->fd);
}

static int parse_systemd(struct address *a, char *rest, const struct reader *r)
{
	if (!*rest)
		return 0;
	for (const char *c = rest; *c; c++)
		if (!isgraph((unsigned char)*c) || *c == ':')
			return reader_fault(r, "the name of a descriptor has no spaces or colons");
	if (strlen(rest) > FDNAME_MAX)
		return reader_fault(r, "the name is longer than %d bytes", FDNAME_MAX);
	return own_text(&a->name, rest);
}

static int print_systemd(const struct address *a, struct buffer *out)
{
	return buffer_print(out, "%s", a->name ? a->name : "");
}

static int parse_exec(struct address *a, char *rest, const struct reader *r)
{
	if (!rest[strspn(rest, " \t\n")])
		return reader_fault(r, "the command is missing");
	return own_text(&a->command, rest);
}

static int print_exec(const struct address *a, struct buffer *out)
{
	return buffer_print(out, "%s", a->command);
}

static int parse_stdio(struct address *a, char *rest, const struct reader *r)
{
	return *rest ? reader_fault(r, "nothing may follow the '-'") : 0;
}

static int print_stdio(const struct address *a, struct buffer *out)
{
	return 0;
}

const struct address_syntax address_syntax_inet = {parse_inet, print_inet, false};
const struct address_syntax address_syntax_unix = {parse_unix, print_path, false};
const struct address_syntax address_syntax_vsock = {parse_vsock, print_vsock, false};
const struct address_syntax address_syntax_vsock_unix = {parse_vsock_unix, print_vsock_unix, false};
const struct address_syntax address_syntax_fd = {parse_fd, print_fd, false};
const struct address_syntax address_syntax_systemd = {parse_systemd, print_systemd, false};
const struct address_syntax address_syntax_exec = {parse_exec, print_exec, true};
const struct address_syntax address_syntax_stdio = {parse_stdio, print_stdio, false};

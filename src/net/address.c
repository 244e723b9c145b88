#include "net/address.h"

#include "base/cleanup.h"
#include "net/address_syntax.h"

#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define INET(scheme, fam, ty, proto, is_tls, more)                                                 \
	{                                                                                          \
		.name = scheme, .form = scheme ":HOST:PORT", .kind = ADDRESS_INET,                 \
		.family = (fam), .type = (ty), .protocol = (proto), .tls = (is_tls),               \
		.takes = (more), .syntax = &address_syntax_inet                                    \
	}

static const struct address_scheme schemes[] = {
	INET("tcp", AF_UNSPEC, SOCK_STREAM, IPPROTO_TCP, false, TAKES_PROXY),
	INET("tcp4", AF_INET, SOCK_STREAM, IPPROTO_TCP, false, TAKES_PROXY),
	INET("tcp6", AF_INET6, SOCK_STREAM, IPPROTO_TCP, false, TAKES_PROXY),
	INET("mptcp", AF_UNSPEC, SOCK_STREAM, IPPROTO_MPTCP, false, TAKES_PROXY),
	INET("sctp", AF_UNSPEC, SOCK_STREAM, IPPROTO_SCTP, false, TAKES_PROXY),
	INET("udp", AF_UNSPEC, SOCK_DGRAM, IPPROTO_UDP, false, 0),
	INET("tls", AF_UNSPEC, SOCK_STREAM, IPPROTO_TCP, true, TAKES_PROXY | TAKES_TLS),
	{
		.name = "unix",
		.form = "unix:PATH or unix:@NAME",
		.kind = ADDRESS_UNIX,
		.family = AF_UNIX,
		.type = SOCK_STREAM,
		.takes = TAKES_STREAM | TAKES_SEQPACKET | TAKES_DGRAM | TAKES_MODE | TAKES_PROXY,
		.syntax = &address_syntax_unix,
	},
	{
		.name = "tls+unix",
		.form = "tls+unix:PATH or tls+unix:@NAME",
		.kind = ADDRESS_UNIX,
		.family = AF_UNIX,
		.type = SOCK_STREAM,
		.tls = true,
		.takes = TAKES_MODE | TAKES_PROXY | TAKES_TLS,
		.syntax = &address_syntax_unix,
	},
	{
		.name = "vsock",
		.form = "vsock:CID:PORT",
		.kind = ADDRESS_VSOCK,
		.family = AF_VSOCK,
		.type = SOCK_STREAM,
		.takes = TAKES_STREAM | TAKES_SEQPACKET | TAKES_PROXY,
		.syntax = &address_syntax_vsock,
	},
	{
		.name = "tls+vsock",
		.form = "tls+vsock:CID:PORT",
		.kind = ADDRESS_VSOCK,
		.family = AF_VSOCK,
		.type = SOCK_STREAM,
		.tls = true,
		.takes = TAKES_PROXY | TAKES_TLS,
		.syntax = &address_syntax_vsock,
	},
	{
		.name = "vsock+unix",
		.form = "vsock+unix:PATH:PORT",
		.kind = ADDRESS_VSOCK_UNIX,
		.family = AF_UNIX,
		.type = SOCK_STREAM,
		.takes = TAKES_MODE,
		.syntax = &address_syntax_vsock_unix,
	},
	{
		.name = "fd",
		.form = "fd:N",
		.kind = ADDRESS_FD,
		.family = AF_UNSPEC,
		.type = SOCK_STREAM,
		.takes = TAKES_PROXY,
		.syntax = &address_syntax_fd,
	},
	{
		.name = "systemd",
		.form = "systemd: or systemd:NAME",
		.kind = ADDRESS_SYSTEMD,
		.family = AF_UNSPEC,
		.type = SOCK_STREAM,
		.takes = TAKES_PROXY,
		.syntax = &address_syntax_systemd,
	},
	{
		.name = "exec",
		.form = "exec:COMMAND",
		.kind = ADDRESS_EXEC,
		.family = AF_UNIX,
		.type = SOCK_STREAM,
		.syntax = &address_syntax_exec,
	},
	{
		.name = "-",
		.form = "-",
		.kind = ADDRESS_STDIO,
		.family = AF_UNSPEC,
		.type = SOCK_STREAM,
		.syntax = &address_syntax_stdio,
	},
};

static const char schemes_known[] =
	"tcp, tcp4, tcp6, mptcp, sctp, udp, tls, unix, tls+unix, vsock, tls+vsock, vsock+unix, fd, "
	"systemd, exec";

int reader_fault(const struct reader *r, const char *format, ...)
{
	char problem[256];
	va_list args;

	va_start(args, format);
	vsnprintf(problem, sizeof(problem), format, args);
	va_end(args);
	return fault_set(r->why, -EINVAL, "%.120s: %s (write %s)", r->text, problem, r->form);
}

int reader_number(const char *text, uint32_t max, uint32_t *number)
{
	uint64_t n = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (!isdigit((unsigned char)*text))
			return -EINVAL;
		n = n * 10 + (uint64_t)(*text - '0');
		if (n > max)
			return -EINVAL;
	}
	*number = (uint32_t)n;
	return 0;
}

const struct address_scheme *address_scheme_at(size_t n)
{
	return n < sizeof(schemes) / sizeof(*schemes) ? &schemes[n] : NULL;
}

static const struct address_scheme *scheme_find(struct bytes name)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
		if (bytes_equal_nocase(name, bytes_text(schemes[i].name)))
			return &schemes[i];
	return NULL;
}

/* A word and a colon with neither a port nor an IPv6 address behind it was meant to be a scheme. */
static bool looks_like_scheme(const char *text, size_t len)
{
	return text[len] == ':' && isalpha((unsigned char)text[0]) &&
	       !isdigit((unsigned char)text[len + 1]) && text[len + 1] != ':';
}

/* The scheme of TEXT. *rest is moved behind its name, unless TEXT is a short form. */
static int scheme_of(
	const struct reader *r, char *text, char **rest, const struct address_scheme **scheme)
{
	size_t len = strcspn(text, ":/?@[");
	const struct address_scheme *named = scheme_find(bytes_of(text, len));

	if (named && (text[len] == ':') == (named->kind != ADDRESS_STDIO)) {
		*rest = text + len + (text[len] == ':');
		*scheme = named;
		return 0;
	}
	if (looks_like_scheme(text, len))
		return reader_fault(r, "no scheme is called '%.*s'; there are %s", (int)len, text,
			schemes_known);
	bool path = text[0] == '@' || (text[len] != ':' && memchr(text, '/', strcspn(text, "?")));
	*scheme = scheme_find(path ? BYTES_LITERAL("unix") : BYTES_LITERAL("tcp"));
	return 0;
}

static int address_read(struct address *a, char *text, struct reader *r)
{
	char *rest = text;
	char *options = NULL;

	int e = scheme_of(r, text, &rest, &a->scheme);
	if (e < 0)
		return e;
	r->form = a->scheme->form;
	a->type = a->scheme->type;
	if (!a->scheme->syntax->verbatim) {
		options = strchr(rest, '?');
		if (options)
			*options++ = '\0';
	}
	e = a->scheme->syntax->parse(a, rest, r);
	if (e < 0 || !options)
		return e;
	return address_parse_options(a, options, r);
}

int address_parse(struct address *a, const char *text, struct fault *why)
{
	struct reader r = {text, "SCHEME:REST, HOST:PORT or a PATH with a /", why};
	struct address parsed = ADDRESS_NULL;
	cleanup(cleanup_free) char *copy = strdup(text);

	*a = ADDRESS_NULL;
	if (!copy)
		return fault_errno(why, -ENOMEM, "%.120s", text);
	int e = *text ? address_read(&parsed, copy, &r) : reader_fault(&r, "the address is empty");
	if (e < 0) {
		address_deinit(&parsed);
		return e == -ENOMEM ? fault_errno(why, e, "%.120s", text) : e;
	}
	*a = parsed;
	return 0;
}

int address_copy(struct address *to, const struct address *from)
{
	cleanup(cleanup_free) char *text = address_format(from);

	*to = ADDRESS_NULL;
	return text ? address_parse(to, text, NULL) : -ENOMEM;
}

void address_deinit(struct address *a)
{
	free(a->host);
	free(a->path);
	free(a->name);
	free(a->command);
	for (size_t i = 0; i < ADDRESS_OPTION_COUNT; i++)
		free(a->options[i]);
	*a = ADDRESS_NULL;
}

char *address_format(const struct address *a)
{
	struct buffer out = BUFFER_NULL;
	char *text = NULL;

	int e = buffer_print(
		&out, "%s%s", a->scheme->name, a->scheme->kind == ADDRESS_STDIO ? "" : ":");
	if (!e)
		e = a->scheme->syntax->print(a, &out);
	if (!e)
		e = address_print_options(a, &out);
	if (!e)
		text = bytes_dup(buffer_bytes(&out));
	buffer_deinit(&out);
	return text;
}

static bool text_equal(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

bool address_equal(const struct address *a, const struct address *b)
{
	bool equal = a->scheme == b->scheme && a->type == b->type && a->port == b->port &&
		     a->cid == b->cid && a->abstract == b->abstract && a->mode == b->mode &&
		     a->fd == b->fd && text_equal(a->host, b->host) &&
		     text_equal(a->name, b->name) && text_equal(a->command, b->command) &&
		     bytes_equal(bytes_of(a->path, a->path_len), bytes_of(b->path, b->path_len));

	for (size_t i = 0; i < ADDRESS_OPTION_COUNT; i++)
		equal = equal && text_equal(a->options[i], b->options[i]);
	return equal;
}

#include "net/trace.h"

#include "net/endpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/tls.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { DATA_SHOWN = 48 };

struct name {
	int value;
	const char *text;
};

struct option_name {
	int level;
	int option;
	const char *level_text;
	const char *text;
};

#define NAME(n)                                                                                    \
	{                                                                                          \
		n, #n                                                                              \
	}
#define OPTION(level, n)                                                                           \
	{                                                                                          \
		level, n, #level, #n                                                               \
	}
#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static const struct name families[] = {
	NAME(AF_UNIX),
	NAME(AF_INET),
	NAME(AF_INET6),
	NAME(AF_VSOCK),
	NAME(AF_NETLINK),
};

static const struct name types[] = {
	NAME(SOCK_STREAM),
	NAME(SOCK_DGRAM),
	NAME(SOCK_SEQPACKET),
	NAME(SOCK_RAW),
};

static const struct name type_flags[] = {NAME(SOCK_NONBLOCK), NAME(SOCK_CLOEXEC)};

static const struct name protocols[] = {
	NAME(IPPROTO_TCP),
	NAME(IPPROTO_UDP),
	NAME(IPPROTO_SCTP),
	NAME(IPPROTO_MPTCP),
};

static const struct name message_flags[] = {
	NAME(MSG_PEEK),
	NAME(MSG_DONTWAIT),
	NAME(MSG_NOSIGNAL),
	NAME(MSG_TRUNC),
	NAME(MSG_CTRUNC),
	NAME(MSG_MORE),
	NAME(MSG_EOR),
	NAME(MSG_WAITALL),
	NAME(MSG_CMSG_CLOEXEC),
	NAME(MSG_ZEROCOPY),
	NAME(MSG_ERRQUEUE),
};

static const struct name splice_flags[] = {
	NAME(SPLICE_F_MOVE),
	NAME(SPLICE_F_NONBLOCK),
	NAME(SPLICE_F_MORE),
};

static const struct option_name options[] = {
	OPTION(SOL_SOCKET, SO_ACCEPTCONN),
	OPTION(SOL_SOCKET, SO_BUSY_POLL),
	OPTION(SOL_SOCKET, SO_DOMAIN),
	OPTION(SOL_SOCKET, SO_ERROR),
	OPTION(SOL_SOCKET, SO_KEEPALIVE),
	OPTION(SOL_SOCKET, SO_LINGER),
	OPTION(SOL_SOCKET, SO_PASSCRED),
	OPTION(SOL_SOCKET, SO_PEERCRED),
	OPTION(SOL_SOCKET, SO_PROTOCOL),
	OPTION(SOL_SOCKET, SO_RCVBUF),
	OPTION(SOL_SOCKET, SO_REUSEADDR),
	OPTION(SOL_SOCKET, SO_REUSEPORT),
	OPTION(SOL_SOCKET, SO_SNDBUF),
	OPTION(SOL_SOCKET, SO_TYPE),
	OPTION(SOL_SOCKET, SO_ZEROCOPY),
	OPTION(IPPROTO_IPV6, IPV6_V6ONLY),
	OPTION(IPPROTO_TCP, TCP_CORK),
	OPTION(IPPROTO_TCP, TCP_INFO),
	OPTION(IPPROTO_TCP, TCP_KEEPCNT),
	OPTION(IPPROTO_TCP, TCP_KEEPIDLE),
	OPTION(IPPROTO_TCP, TCP_KEEPINTVL),
	OPTION(IPPROTO_TCP, TCP_NODELAY),
	OPTION(IPPROTO_TCP, TCP_NOTSENT_LOWAT),
	OPTION(IPPROTO_TCP, TCP_ULP),
	OPTION(IPPROTO_TCP, TCP_USER_TIMEOUT),
	OPTION(SOL_TLS, TLS_TX),
};

void trace_print(struct trace *t, const char *format, ...)
{
	va_list args;
	size_t room = sizeof(t->text) - t->len;

	va_start(args, format);
	int len = vsnprintf(t->text + t->len, room, format, args);
	va_end(args);
	if (len > 0)
		t->len += (size_t)len < room ? (size_t)len : room - 1;
}

static const char *name_of(const struct name *names, size_t count, int value)
{
	for (size_t i = 0; i < count; i++)
		if (names[i].value == value)
			return names[i].text;
	return NULL;
}

static void trace_name(struct trace *t, const struct name *names, size_t count, int value)
{
	const char *text = name_of(names, count, value);

	if (text)
		trace_print(t, "%s", text);
	else
		trace_print(t, "%d", value);
}

/* The names of the bits set in VALUE, each after BEFORE, which is "|" from the second on. */
static void trace_bits(
	struct trace *t, const char *before, const struct name *names, size_t count, unsigned value)
{
	for (size_t i = 0; i < count; i++) {
		if (!(value & (unsigned)names[i].value))
			continue;
		value &= ~(unsigned)names[i].value;
		trace_print(t, "%s%s", before, names[i].text);
		before = "|";
	}
	if (value)
		trace_print(t, "%s%#x", before, value);
}

static void trace_flags(struct trace *t, const struct name *names, size_t count, unsigned value)
{
	if (value)
		trace_bits(t, "", names, count, value);
	else
		trace_print(t, "0");
}

void trace_socket_kind(struct trace *t, int family, int type, int protocol)
{
	int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;

	trace_name(t, families, COUNT(families), family);
	trace_print(t, ", ");
	trace_name(t, types, COUNT(types), type & ~flags);
	trace_bits(t, "|", type_flags, COUNT(type_flags), (unsigned)(type & flags));
	trace_print(t, ", ");
	trace_name(t, protocols, COUNT(protocols), protocol);
}

void trace_address(struct trace *t, const struct sockaddr *addr, socklen_t len)
{
	char text[ENDPOINT_TEXT_SIZE];

	if (!addr || !len) {
		trace_print(t, "NULL");
		return;
	}
	endpoint_format_sockaddr(addr, len, text);
	trace_print(t, "%s", text);
}

static void trace_option_value(
	struct trace *t, int level, int option, const void *value, socklen_t len)
{
	int number;
	struct ucred cred;

	if (level == SOL_SOCKET && option == SO_PEERCRED && len == sizeof(cred)) {
		memcpy(&cred, value, sizeof(cred));
		trace_print(t, "{pid=%d, uid=%u, gid=%u}", cred.pid, cred.uid, cred.gid);
	} else if (level == IPPROTO_TCP && option == TCP_ULP) {
		trace_print(t, "\"%.*s\"", (int)len, (const char *)value);
	} else if (len == sizeof(number)) {
		memcpy(&number, value, sizeof(number));
		trace_print(t, "[%d]", number);
	} else {
		trace_print(t, "%u bytes", len);
	}
}

void trace_option(struct trace *t, int level, int option, const void *value, socklen_t len)
{
	const struct option_name *found = NULL;

	for (size_t i = 0; i < COUNT(options) && !found; i++)
		if (options[i].level == level && options[i].option == option)
			found = &options[i];
	if (found)
		trace_print(t, "%s, %s, ", found->level_text, found->text);
	else
		trace_print(t, "%d, %d, ", level, option);
	if (value)
		trace_option_value(t, level, option, value, len);
	else
		trace_print(t, "-");
}

void trace_accept_flags(struct trace *t, int flags)
{
	trace_flags(t, type_flags, COUNT(type_flags), (unsigned)flags);
}

void trace_message_flags(struct trace *t, int flags)
{
	trace_flags(t, message_flags, COUNT(message_flags), (unsigned)flags);
}

void trace_splice_flags(struct trace *t, unsigned flags)
{
	trace_flags(t, splice_flags, COUNT(splice_flags), flags);
}

static void trace_byte(struct trace *t, uint8_t c)
{
	static const char letters[] = "abtnvfr"; /* from 7, BEL, on */

	if (c == '"' || c == '\\')
		trace_print(t, "\\%c", c);
	else if (c >= 7 && c <= 13)
		trace_print(t, "\\%c", letters[c - 7]);
	else if (c < 0x20 || c >= 0x7f)
		trace_print(t, "\\x%02x", c);
	else
		trace_print(t, "%c", c);
}

void trace_data(struct trace *t, const void *data, ssize_t len)
{
	struct iovec iov = {(void *)(uintptr_t)data, len > 0 ? (size_t)len : 0};

	trace_iov(t, &iov, 1, len);
}

/* How many of the LEN bytes may be seen by all: those before a token (server/login.h). */
static size_t trace_public(const char *data, size_t len)
{
	static const char *const marks[] = {"bearer ", "login ", "ferry.token."};

	for (size_t at = 0; at < len; at++)
		for (size_t i = 0; i < COUNT(marks); i++) {
			size_t mark = strlen(marks[i]);
			if (len - at >= mark && !strncasecmp(data + at, marks[i], mark))
				return at + mark;
		}
	return len;
}

void trace_iov(struct trace *t, const struct iovec *iov, size_t count, ssize_t len)
{
	size_t left = len > 0 ? (size_t)len : 0;
	char shown[DATA_SHOWN] = "";
	size_t got = 0;

	if (len < 0) {
		trace_print(t, "-");
		return;
	}
	trace_print(t, "\"");
	for (size_t i = 0; i < count && got < left && got < DATA_SHOWN; i++) {
		const char *data = iov[i].iov_base;
		for (size_t j = 0; j < iov[i].iov_len && got < left && got < DATA_SHOWN; j++)
			shown[got++] = data[j];
	}
	got = trace_public(shown, got);
	for (size_t i = 0; i < got; i++)
		trace_byte(t, (uint8_t)shown[i]);
	trace_print(t, got < left ? "\"..." : "\"");
}

void trace_end(struct trace *t, ssize_t result)
{
	const char *name = result < 0 ? strerrorname_np((int)-result) : NULL;

	if (name)
		trace_print(t, ") = -1 %s (%s)", name, strerrordesc_np((int)-result));
	else
		trace_print(t, ") = %zd", result);
	if (t->len > sizeof(t->text) - 2)
		t->len = sizeof(t->text) - 2;
	t->text[t->len++] = '\n';
	if (write(STDERR_FILENO, t->text, t->len) < 0)
		return; /* nowhere left to say it */
}

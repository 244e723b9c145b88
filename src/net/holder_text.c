/*
 * A holder in words: as an address, and as the line that explains EADDRINUSE.
 */

#include "net/holder.h"

#include "base/cleanup.h"
#include "base/percent.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

static const char *socket_scheme(const struct diag_socket *s)
{
	switch (s->local.protocol) {
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_SCTP:
		return "sctp";
	case IPPROTO_MPTCP:
		return "mptcp";
	default:
		return "tcp";
	}
}

static void format_inet(const struct diag_socket *s, char text[HOLDER_ADDRESS_SIZE])
{
	char place[ENDPOINT_TEXT_SIZE];
	struct sockaddr_in6 in6;

	memcpy(&in6, &s->local.addr, sizeof(in6));
	endpoint_format(&s->local, place);
	if (in6.sin6_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&in6.sin6_addr) && !s->v6only)
		snprintf(place, sizeof(place), "*:%u", ntohs(in6.sin6_port));
	snprintf(text, HOLDER_ADDRESS_SIZE, "%s:%s", socket_scheme(s), place);
}

static void format_unix(const struct endpoint *e, char text[HOLDER_ADDRESS_SIZE])
{
	struct bytes name = endpoint_unix_name(e);
	bool abstract = name.len && !name.data[0];
	size_t len = (size_t)snprintf(text, HOLDER_ADDRESS_SIZE, "unix:%s", abstract ? "@" : "");

	percent_encode(text + len, bytes_of(name.data + abstract, name.len - abstract), "?");
}

void holder_format(const struct holder *h, char text[HOLDER_ADDRESS_SIZE])
{
	static const char *const types[] = {
		[SOCK_DGRAM] = "?type=dgram",
		[SOCK_SEQPACKET] = "?type=seqpacket",
	};
	const struct endpoint *e = &h->socket.local;
	size_t type = (size_t)e->type;

	if (e->addr.ss_family == AF_UNIX) {
		format_unix(e, text);
	} else if (e->addr.ss_family == AF_VSOCK) {
		endpoint_format(e, text);
	} else {
		format_inet(&h->socket, text);
		return;
	}
	if (type < sizeof(types) / sizeof(*types) && types[type])
		strncat(text, types[type], HOLDER_ADDRESS_SIZE - strlen(text) - 1);
}

const char *holder_state(const struct holder *h)
{
	static const char *const names[] = {
		[TCP_ESTABLISHED] = "established",
		[TCP_SYN_SENT] = "syn-sent",
		[TCP_SYN_RECV] = "syn-received",
		[TCP_FIN_WAIT1] = "fin-wait-1",
		[TCP_FIN_WAIT2] = "fin-wait-2",
		[TCP_TIME_WAIT] = "time-wait",
		[TCP_CLOSE] = "bound",
		[TCP_CLOSE_WAIT] = "close-wait",
		[TCP_LAST_ACK] = "last-ack",
		[TCP_LISTEN] = "listening",
		[TCP_CLOSING] = "closing",
		[12] = "syn-received", /* TCP_NEW_SYN_RECV, not in the header */
		[DIAG_BOUND_INACTIVE] = "bound",
	};
	size_t state = (size_t)h->socket.state;

	return state < sizeof(names) / sizeof(*names) && names[state] ? names[state] : "unknown";
}

/* The one that is in the way: a listener, which stands first, or else one that someone has open. */
static const struct holder *holders_foremost(struct holders *holders)
{
	const struct holder *first = holders_next(holders);

	for (const struct holder *h = first; h; h = holders_next(holders))
		if (holder_listens(h) || h->socket.inode)
			return h;
	return first;
}

static void describe_process(
	const struct holder *h, const struct process *p, char *text, size_t size)
{
	size_t others = h->process_count - 1;
	int len = snprintf(text, size, "held by %s, pid %d, user %s", p->name, p->pid, p->user);

	if (others && len > 0 && (size_t)len < size)
		snprintf(text + len, size - (size_t)len, ", and %zu more process%s", others,
			others > 1 ? "es" : "");
}

static void describe_hidden(const struct holder *h, unsigned gaps, char *text, size_t size)
{
	char user[PROCESS_USER_SIZE] = "?";

	if (!h->socket.inode) {
		snprintf(text, size, "held by a connection that is ending (%s)", holder_state(h));
		return;
	}
	if (h->socket.has_uid)
		process_user(h->socket.uid, user);
	snprintf(text, size, "held by a process of user %s, which %s", user,
		gaps & HOLDER_GAP_PROCESSES ? "only root is shown" : "cannot be seen from here");
}

int holder_describe(const struct sockaddr *addr, socklen_t len, int type, char *text, size_t size)
{
	cleanup(cleanup_holders) struct holders *holders = NULL;
	struct endpoint wanted = {.type = type, .len = len};
	struct process process;

	*text = '\0';
	if (len > sizeof(wanted.addr))
		return -EINVAL;
	memcpy(&wanted.addr, addr, len);
	int r = holders_new(&holders, &wanted, 1, NULL);
	if (r < 0)
		return r;
	const struct holder *h = holders_foremost(holders);
	if (!h)
		return HOLDER_NOT_FOUND;
	if (h->process_count && !process_read(&process, h->processes->pid))
		describe_process(h, &process, text, size);
	else
		describe_hidden(h, holders_gaps(holders), text, size);
	return 0;
}

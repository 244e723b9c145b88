/*
 * Three steps: the kernel's tables give the sockets whose address is wanted; one walk through /proc
 * gives who has which socket open; a socket's inode number joins the two.
 */

#include "net/holder.h"

#include "base/cleanup.h"

#include <errno.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

struct holders {
	struct holder *list;
	size_t count;
	size_t room;
	size_t next;
	struct process_sockets sockets;
	unsigned gaps;
};

/* Where to look, and what waits for someone there. */
struct table {
	int family;
	int protocol;
	uint32_t waiting; /* states */
	enum holder_gap gap;
	const char *name; /* in /proc/net/protocols */
};

/* An MPTCP socket stands among those of TCP too, so it is looked for first. What is not there for
 * IPv4 is not asked for again, since asking for IPv6 may make the kernel load a protocol that no
 * one uses. */
static const struct table tables[] = {
	{AF_INET, IPPROTO_MPTCP, 1U << TCP_LISTEN, 0, "MPTCP"},
	{AF_INET6, IPPROTO_MPTCP, 1U << TCP_LISTEN, 0, "MPTCPv6"},
	{AF_INET, IPPROTO_TCP, 1U << TCP_LISTEN, HOLDER_GAP_TCP, "TCP"},
	{AF_INET6, IPPROTO_TCP, 1U << TCP_LISTEN, HOLDER_GAP_TCP, "TCPv6"},
	{AF_INET, IPPROTO_UDP, 1U << TCP_CLOSE, HOLDER_GAP_UDP, "UDP"},
	{AF_INET6, IPPROTO_UDP, 1U << TCP_CLOSE, HOLDER_GAP_UDP, "UDPv6"},
	{AF_INET, IPPROTO_SCTP, 1U << TCP_LISTEN, HOLDER_GAP_SCTP, "SCTP"},
	{AF_INET6, IPPROTO_SCTP, 1U << TCP_LISTEN, HOLDER_GAP_SCTP, "SCTPv6"},
	{AF_UNIX, 0, 1U << TCP_LISTEN | 1U << TCP_CLOSE, HOLDER_GAP_UNIX, "UNIX"},
	{AF_VSOCK, 0, 1U << TCP_LISTEN, HOLDER_GAP_VSOCK, "AF_VSOCK"},
};

/* ---- is it the address that is wanted ---- */

struct inet_place {
	struct in6_addr host; /* IPv4 as ::ffff:a.b.c.d */
	in_port_t port;
	bool four; /* an IPv4 address */
	bool any;
	bool both; /* all of IPv6 and IPv4 */
};

static bool is_inet(int family)
{
	return family == AF_INET || family == AF_INET6;
}

static struct inet_place inet_place(const struct endpoint *e, bool v6only)
{
	struct inet_place p = {0};

	if (e->addr.ss_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, &e->addr, sizeof(in));
		p.port = in.sin_port;
		p.four = true;
		p.any = in.sin_addr.s_addr == htonl(INADDR_ANY);
		p.host.s6_addr[10] = p.host.s6_addr[11] = 0xff;
		memcpy(p.host.s6_addr + 12, &in.sin_addr, 4);
		return p;
	}
	struct sockaddr_in6 in6;
	memcpy(&in6, &e->addr, sizeof(in6));
	p.port = in6.sin6_port;
	p.host = in6.sin6_addr;
	p.four = IN6_IS_ADDR_V4MAPPED(&p.host);
	p.any = IN6_IS_ADDR_UNSPECIFIED(&p.host);
	p.both = p.any && !v6only;
	return p;
}

static bool inet_covers(const struct inet_place *a, const struct inet_place *b)
{
	return a->any && (a->both || a->four == b->four);
}

static bool inet_meets(const struct endpoint *wanted, const struct diag_socket *s)
{
	struct inet_place a = inet_place(wanted, false);
	struct inet_place b = inet_place(&s->local, s->v6only);

	return a.port == b.port &&
	       (inet_covers(&a, &b) || inet_covers(&b, &a) || IN6_ARE_ADDR_EQUAL(&a.host, &b.host));
}

/* The same name, or another path to the same file. */
static bool unix_meets(const struct endpoint *wanted, const struct diag_socket *s)
{
	struct bytes name = endpoint_unix_name(wanted);
	char path[sizeof(struct sockaddr_un) + 1] = "";
	struct stat file;

	if (bytes_equal(name, endpoint_unix_name(&s->local)))
		return true;
	if (!s->has_file || !name.len)
		return false;
	memcpy(path, name.data, name.len);
	return !stat(path, &file) && file.st_ino == s->file_inode && file.st_dev == s->file_device;
}

static bool vsock_meets(const struct endpoint *wanted, const struct diag_socket *s)
{
	struct sockaddr_vm a;
	struct sockaddr_vm b;

	memcpy(&a, &wanted->addr, sizeof(a));
	memcpy(&b, &s->local.addr, sizeof(b));
	return a.svm_port == b.svm_port &&
	       (a.svm_cid == VMADDR_CID_ANY || b.svm_cid == VMADDR_CID_ANY ||
		       a.svm_cid == b.svm_cid);
}

/* May sockets of this kind be the wanted one? TCP and MPTCP share their ports. */
static bool kind_meets(const struct endpoint *wanted, int family, int protocol)
{
	int wanted_family = wanted->addr.ss_family;

	if (!is_inet(family) || !is_inet(wanted_family))
		return family == wanted_family;
	if (wanted->type && (wanted->type == SOCK_DGRAM) != (protocol == IPPROTO_UDP))
		return false;
	if (wanted->protocol == IPPROTO_TCP || wanted->protocol == IPPROTO_MPTCP)
		return protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP;
	return !wanted->protocol || wanted->protocol == protocol;
}

static bool socket_meets(const struct endpoint *wanted, const struct diag_socket *s)
{
	int family = s->local.addr.ss_family;

	if (!kind_meets(wanted, family, s->local.protocol))
		return false;
	if (is_inet(family))
		return inet_meets(wanted, s);
	if (wanted->type && wanted->type != s->local.type)
		return false;
	return family == AF_UNIX ? unix_meets(wanted, s) : vsock_meets(wanted, s);
}

/* ---- collecting ---- */

static int holders_add(struct holders *holders, const struct diag_socket *s)
{
	if (holders->count == holders->room) {
		size_t room = holders->room ? holders->room * 2 : 64;
		struct holder *list = realloc(holders->list, room * sizeof(*list));
		if (!list)
			return -ENOMEM;
		holders->list = list;
		holders->room = room;
	}
	holders->list[holders->count++] = (struct holder){.socket = *s};
	return 0;
}

/* The TCP face of an MPTCP socket has its inode. */
static bool holders_have(const struct holders *holders, size_t count, uint64_t inode)
{
	for (size_t i = 0; inode && i < count; i++)
		if (holders->list[i].socket.inode == inode)
			return true;
	return false;
}

static bool socket_is_asked_for(
	const struct diag_socket *s, const struct endpoint *wanted, size_t count)
{
	if (s->local.addr.ss_family == AF_UNIX && !endpoint_unix_name(&s->local).len)
		return false;
	for (size_t i = 0; i < count; i++)
		if (socket_meets(&wanted[i], s))
			return true;
	return !count;
}

static void cleanup_diag(struct diag **d)
{
	if (*d)
		diag_close(*d);
	free(*d);
}

/* 0, also when the kernel has no such table: then *shown is false. */
static int holders_read(struct holders *holders, const struct table *t,
	const struct endpoint *wanted, size_t count, bool *shown)
{
	cleanup(cleanup_diag) struct diag *d = malloc(sizeof(*d));
	struct diag_socket s;
	size_t before = t->protocol == IPPROTO_TCP ? holders->count : 0;

	if (!d)
		return -ENOMEM;
	/* Which of a Unix socket's states the kernel means is only known once it has told of it. */
	uint32_t more = t->family == AF_UNIX ? 1U << TCP_ESTABLISHED : 0;
	int r = diag_open(d, t->family, t->protocol, count ? ~0U : t->waiting | more);
	while (!r && (r = diag_next(d, &s)) > 0) {
		bool waits = (1U << s.state) & t->waiting;
		r = 0;
		if ((count || waits) && socket_is_asked_for(&s, wanted, count) &&
			!holders_have(holders, before, s.inode))
			r = holders_add(holders, &s);
	}
	*shown = r != -ENOENT;
	return *shown ? r : 0;
}

static bool kernel_has(const char *protocol)
{
	char line[256];
	size_t len = strlen(protocol);
	bool found = false;
	FILE *f = fopen("/proc/net/protocols", "re");

	while (f && !found && fgets(line, sizeof(line), f))
		found = !strncmp(line, protocol, len) && line[len] == ' ';
	if (f)
		fclose(f);
	return found;
}

static bool table_is_asked_for(const struct table *t, const struct endpoint *wanted, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (kind_meets(&wanted[i], t->family, t->protocol))
			return true;
	return !count;
}

static int holders_read_all(struct holders *holders, const struct endpoint *wanted, size_t count)
{
	bool shown = true;

	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		const struct table *t = &tables[i];
		if (!table_is_asked_for(t, wanted, count))
			continue;
		if (t->family == AF_INET6 && !shown)
			continue;
		int r = holders_read(holders, t, wanted, count, &shown);
		if (r < 0)
			return r;
		if (!shown && kernel_has(t->name))
			holders->gaps |= t->gap;
	}
	return 0;
}

static int compare_holders(const void *a, const void *b)
{
	const struct diag_socket *x = &((const struct holder *)a)->socket;
	const struct diag_socket *y = &((const struct holder *)b)->socket;

	if ((x->state == TCP_LISTEN) != (y->state == TCP_LISTEN))
		return x->state == TCP_LISTEN ? -1 : 1;
	if (x->local.addr.ss_family != y->local.addr.ss_family)
		return x->local.addr.ss_family < y->local.addr.ss_family ? -1 : 1;
	if (x->local.protocol != y->local.protocol)
		return x->local.protocol < y->local.protocol ? -1 : 1;
	/* In an Internet address the port stands before the host. */
	int r = memcmp(&x->local.addr, &y->local.addr, sizeof(x->local.addr));
	return r ? r : memcmp(&x->peer.addr, &y->peer.addr, sizeof(x->peer.addr));
}

static int holders_find_processes(struct holders *holders)
{
	if (!holders->count)
		return 0;
	int r = process_sockets_init(&holders->sockets);
	if (r < 0)
		return r;
	unsigned unseen = holders->sockets.partial ? HOLDER_GAP_PROCESSES : HOLDER_GAP_OUTSIDE;
	for (size_t i = 0; i < holders->count; i++) {
		struct holder *h = &holders->list[i];
		h->processes =
			process_sockets_find(&holders->sockets, h->socket.inode, &h->process_count);
		h->peers = process_sockets_find(
			&holders->sockets, h->socket.peer_inode, &h->peer_count);
		if (h->socket.inode && !h->process_count)
			holders->gaps |= unseen;
	}
	return 0;
}

int holders_new(
	struct holders **holders, const struct endpoint *wanted, size_t count, struct fault *why)
{
	cleanup(cleanup_holders) struct holders *made = calloc(1, sizeof(*made));

	*holders = NULL;
	if (!made)
		return fault_errno(why, -ENOMEM, "the list of sockets");
	int r = holders_read_all(made, wanted, count);
	if (r < 0)
		return fault_errno(why, r, "cannot read the kernel's list of sockets");
	if (made->count)
		qsort(made->list, made->count, sizeof(*made->list), compare_holders);
	r = holders_find_processes(made);
	if (r < 0)
		return fault_errno(why, r, "cannot read /proc");
	*holders = take(made);
	return 0;
}

struct holders *holders_free(struct holders *holders)
{
	if (holders) {
		process_sockets_deinit(&holders->sockets);
		free(holders->list);
		free(holders);
	}
	return NULL;
}

const struct holder *holders_next(struct holders *holders)
{
	return holders->next < holders->count ? &holders->list[holders->next++] : NULL;
}

unsigned holders_gaps(const struct holders *holders)
{
	return holders->gaps;
}

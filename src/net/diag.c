/*
 * One request, many answers: each datagram of the netlink socket holds several messages, each
 * message a fixed part by family and attributes behind it. A part shorter than it should be, which
 * no kernel sends, ends the reading with -EBADMSG.
 */

#include "net/diag.h"

#include "net/sys.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <linux/vm_sockets.h>
#include <linux/vm_sockets_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

/* An attribute with a 32-bit value. */
struct diag_attribute {
	struct rtattr head;
	uint32_t value;
};

struct diag_request {
	struct nlmsghdr head;
	union {
		struct {
			struct inet_diag_req_v2 fixed;
			struct diag_attribute protocol;
		} inet;
		struct unix_diag_req local;
		struct vsock_diag_req vsock;
	};
};

static void request_inet(struct diag_request *q, int family, int protocol, uint32_t states)
{
	q->inet.fixed = (struct inet_diag_req_v2){
		.sdiag_family = (uint8_t)family,
		.sdiag_protocol = (uint8_t)protocol,
		.idiag_states = states,
	};
	/* The fixed part has eight bits for a protocol, and IPPROTO_MPTCP needs nine. */
	q->inet.protocol = (struct diag_attribute){
		.head = {sizeof(q->inet.protocol), INET_DIAG_REQ_PROTOCOL},
		.value = (uint32_t)protocol,
	};
	q->head.nlmsg_len = NLMSG_LENGTH(sizeof(q->inet));
}

static void request_unix(struct diag_request *q, uint32_t states)
{
	q->local = (struct unix_diag_req){
		.sdiag_family = AF_UNIX,
		.udiag_states = states,
		.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_PEER |
			      UDIAG_SHOW_RQLEN | UDIAG_SHOW_UID,
	};
	q->head.nlmsg_len = NLMSG_LENGTH(sizeof(q->local));
}

static void request_vsock(struct diag_request *q, uint32_t states)
{
	q->vsock = (struct vsock_diag_req){
		.sdiag_family = AF_VSOCK,
		.vdiag_states = states,
	};
	q->head.nlmsg_len = NLMSG_LENGTH(sizeof(q->vsock));
}

int diag_open(struct diag *d, int family, int protocol, uint32_t states)
{
	struct diag_request request = {
		.head = {.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
	};

	d->family = family;
	d->protocol = protocol;
	d->at = d->len = 0;
	d->fd = sys_socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (d->fd < 0)
		return d->fd;
	if (family == AF_UNIX)
		request_unix(&request, states);
	else if (family == AF_VSOCK)
		request_vsock(&request, states);
	else
		request_inet(&request, family, protocol, states);
	ssize_t sent = sys_send(d->fd, &request, request.head.nlmsg_len, 0);
	return sent < 0 ? (int)sent : 0;
}

void diag_close(struct diag *d)
{
	if (d->fd >= 0)
		sys_close(d->fd);
	d->fd = -1;
}

static void endpoint_inet(
	struct endpoint *e, int family, const void *host, uint16_t port, uint32_t interface)
{
	if (family == AF_INET) {
		struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = port};

		memcpy(&in.sin_addr, host, sizeof(in.sin_addr));
		memcpy(&e->addr, &in, e->len = sizeof(in));
	} else {
		struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = port};

		memcpy(&in6.sin6_addr, host, sizeof(in6.sin6_addr));
		if (IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr))
			in6.sin6_scope_id = interface;
		memcpy(&e->addr, &in6, e->len = sizeof(in6));
	}
}

static void endpoint_vsock(struct endpoint *e, uint32_t cid, uint32_t port)
{
	struct sockaddr_vm vm = {.svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port};

	memcpy(&e->addr, &vm, e->len = sizeof(vm));
}

static void attribute_inet(struct diag_socket *s, int type, const void *data, size_t len)
{
	if (type == INET_DIAG_SKV6ONLY && len >= 1)
		s->v6only = *(const uint8_t *)data;
}

static void attribute_unix(struct diag_socket *s, int type, const void *data, size_t len)
{
	struct unix_diag_vfs file;
	struct unix_diag_rqlen queues;
	uint32_t number = 0;

	size_t start = offsetof(struct sockaddr_un, sun_path);

	if (len >= sizeof(number))
		memcpy(&number, data, sizeof(number));
	if (type == UNIX_DIAG_NAME && start + len <= sizeof(struct sockaddr_un) + 1) {
		memcpy((char *)&s->local.addr + start, data, len);
		s->local.len = (socklen_t)(start + len);
	} else if (type == UNIX_DIAG_VFS && len >= sizeof(file)) {
		memcpy(&file, data, sizeof(file));
		s->has_file = true;
		s->file_inode = file.udiag_vfs_ino;
		/* The kernel's own way to keep a device number: 12 bits and 20. */
		s->file_device = makedev(file.udiag_vfs_dev >> 20, file.udiag_vfs_dev & 0xfffff);
	} else if (type == UNIX_DIAG_PEER && len >= sizeof(number)) {
		s->peer_inode = number;
	} else if (type == UNIX_DIAG_RQLEN && len >= sizeof(queues)) {
		memcpy(&queues, data, sizeof(queues));
		s->has_queues = true;
		s->received = queues.udiag_rqueue;
		s->sent = queues.udiag_wqueue;
	} else if (type == UNIX_DIAG_UID && len >= sizeof(number)) {
		s->has_uid = true;
		s->uid = number;
	}
}

static void read_attributes(struct diag_socket *s, const struct nlmsghdr *message, size_t fixed,
	void (*attribute)(struct diag_socket *, int, const void *, size_t))
{
	const char *at = (const char *)NLMSG_DATA(message) + NLMSG_ALIGN(fixed);
	size_t left = message->nlmsg_len - NLMSG_HDRLEN - fixed;

	while (left >= sizeof(struct rtattr)) {
		struct rtattr head;

		memcpy(&head, at, sizeof(head));
		if (head.rta_len < sizeof(head) || head.rta_len > left)
			return;
		attribute(s, head.rta_type & NLA_TYPE_MASK, at + RTA_LENGTH(0),
			head.rta_len - RTA_LENGTH(0));
		size_t step = RTA_ALIGN(head.rta_len);
		if (step > left)
			return;
		at += step;
		left -= step;
	}
}

static int read_inet(const struct diag *d, struct diag_socket *s, const struct nlmsghdr *message)
{
	struct inet_diag_msg fixed;

	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(fixed)))
		return -EBADMSG;
	memcpy(&fixed, NLMSG_DATA(message), sizeof(fixed));
	s->local.type = d->protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
	s->local.protocol = d->protocol;
	s->state = fixed.idiag_state;
	s->inode = fixed.idiag_inode;
	s->has_uid = fixed.idiag_inode; /* an orphan's is told as 0 */
	s->uid = fixed.idiag_uid;
	s->has_queues = true;
	s->received = fixed.idiag_rqueue;
	s->sent = fixed.idiag_wqueue;
	const struct inet_diag_sockid *id = &fixed.id;
	int family = fixed.idiag_family;
	endpoint_inet(&s->local, family, id->idiag_src, id->idiag_sport, id->idiag_if);
	if (id->idiag_dport)
		endpoint_inet(&s->peer, family, id->idiag_dst, id->idiag_dport, id->idiag_if);
	read_attributes(s, message, sizeof(fixed), attribute_inet);
	return 1;
}

static int read_unix(struct diag_socket *s, const struct nlmsghdr *message)
{
	struct unix_diag_msg fixed;

	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(fixed)))
		return -EBADMSG;
	memcpy(&fixed, NLMSG_DATA(message), sizeof(fixed));
	s->local.type = fixed.udiag_type;
	s->local.addr.ss_family = AF_UNIX;
	s->local.len = sizeof(s->local.addr.ss_family);
	s->state = fixed.udiag_state;
	s->inode = fixed.udiag_ino;
	read_attributes(s, message, sizeof(fixed), attribute_unix);
	/* connect(2) marks both sockets as connected; of two of datagrams one has no peer. */
	if (s->local.type == SOCK_DGRAM && s->state == TCP_ESTABLISHED && !s->peer_inode)
		s->state = TCP_CLOSE;
	return 1;
}

static int read_vsock(struct diag_socket *s, const struct nlmsghdr *message)
{
	struct vsock_diag_msg fixed;

	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(fixed)))
		return -EBADMSG;
	memcpy(&fixed, NLMSG_DATA(message), sizeof(fixed));
	s->local.type = fixed.vdiag_type;
	s->state = fixed.vdiag_state;
	s->inode = fixed.vdiag_ino;
	endpoint_vsock(&s->local, fixed.vdiag_src_cid, fixed.vdiag_src_port);
	if (fixed.vdiag_state == TCP_ESTABLISHED)
		endpoint_vsock(&s->peer, fixed.vdiag_dst_cid, fixed.vdiag_dst_port);
	return 1;
}

/* The next message of what is in the buffer, or NULL. */
static const struct nlmsghdr *diag_message(struct diag *d)
{
	const struct nlmsghdr *message = (const void *)(d->buffer + d->at);
	size_t left = d->len - d->at;

	if (!NLMSG_OK(message, left))
		return NULL;
	d->at += NLMSG_ALIGN(message->nlmsg_len);
	if (d->at > d->len)
		d->at = d->len;
	return message;
}

static int diag_receive(struct diag *d)
{
	ssize_t r = sys_recv(d->fd, d->buffer, sizeof(d->buffer), MSG_TRUNC);

	if (r < 0)
		return (int)r;
	if (!r || (size_t)r > sizeof(d->buffer))
		return -EBADMSG;
	d->at = 0;
	d->len = (size_t)r;
	return 0;
}

/* What a message that ends the reading says: 0 or a negative errno, which stands first in both. */
static int diag_ending(const struct nlmsghdr *message)
{
	int error;

	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(error)))
		return -EBADMSG;
	memcpy(&error, NLMSG_DATA(message), sizeof(error));
	return error < 0 ? error : 0;
}

int diag_next(struct diag *d, struct diag_socket *s)
{
	for (;;) {
		const struct nlmsghdr *message = diag_message(d);
		if (!message) {
			int r = diag_receive(d);
			if (r < 0)
				return r;
			continue;
		}
		if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR)
			return diag_ending(message);
		if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY)
			continue;
		*s = (struct diag_socket){0};
		if (d->family == AF_UNIX)
			return read_unix(s, message);
		if (d->family == AF_VSOCK)
			return read_vsock(s, message);
		return read_inet(d, s, message);
	}
}

#include "net/listener_open.h"

#include "base/cleanup.h"
#include "net/activation.h"
#include "net/child.h"
#include "net/resolve.h"
#include "net/socket_fault.h"
#include "net/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum {
	BACKLOG = 4096,
	/* Packets that come in one burst wait in the kernel, as far as net.core.rmem_max goes. */
	PACKET_BUFFER = 4 * 1024 * 1024,
	PORT_TRIES = 32,
};

/* Takes FD over, and the file with it: a listening or datagram socket. 0 or a negative errno. */
static int listener_add(struct listener *l, int fd, const struct socket_file *file)
{
	struct listener_socket *s = &l->sockets[l->count];
	struct endpoint local;

	int r = endpoint_local(&local, fd);
	if (!r)
		r = source_add(l->loop, &s->source, fd, listener_on_ready);
	if (r < 0) {
		sys_close(fd);
		return r;
	}
	s->listener = l;
	s->local = local;
	s->file = file ? *file : SOCKET_FILE_NULL;
	l->count++;
	return 0;
}

/* Room for COUNT sockets. They do not move any more. */
static int listener_reserve(struct listener *l, size_t count)
{
	l->sockets = calloc(count, sizeof(*l->sockets));
	return l->sockets ? 0 : -ENOMEM;
}

static void listener_drop(struct listener *l)
{
	while (l->count) {
		struct listener_socket *s = &l->sockets[--l->count];
		int fd = s->source.fd;
		socket_file_deinit(&s->file);
		source_remove(l->loop, &s->source);
		sys_close(fd);
	}
}

void listener_close_sockets(struct listener *l)
{
	listener_drop(l);
	free(take(l->sockets));
}

/* What must be said of a socket before it is bound. */
static int prepare(int fd, const struct listener *l, const struct endpoint *e, bool dual)
{
	int family = e->addr.ss_family;
	bool inet = family == AF_INET || family == AF_INET6;
	int r = 0;

	if (family == AF_INET6)
		r = sys_setsockopt_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, !dual);
	if (!r && inet && e->type == SOCK_STREAM)
		r = sys_setsockopt_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (!r && inet && l->flags & LISTENER_REUSE_PORT)
		r = sys_setsockopt_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (!r && e->type == SOCK_DGRAM)
		r = sys_setsockopt_int(fd, SOL_SOCKET, SO_RCVBUF, PACKET_BUFFER);
	if (!r && e->type == SOCK_DGRAM && family == AF_UNIX)
		r = sys_setsockopt_int(fd, SOL_SOCKET, SO_PASSCRED, 1);
	return r;
}

static int bind_and_listen(int fd, const struct endpoint *e)
{
	int r = sys_bind(fd, (const struct sockaddr *)&e->addr, e->len);
	if (r < 0 || e->type == SOCK_DGRAM)
		return r;
	return sys_listen(fd, BACKLOG);
}

/* One more socket, bound to E. DUAL takes IPv4 on an IPv6 socket too. */
static int listener_bind(struct listener *l, const struct endpoint *e, bool dual)
{
	struct socket_file file = SOCKET_FILE_NULL;
	bool has_file = e->addr.ss_family == AF_UNIX && !l->address.abstract;

	int fd = endpoint_socket(e);
	if (fd < 0)
		return fd;
	endpoint_keep_alive(e, fd);
	int r = prepare(fd, l, e, dual);
	if (!r && has_file)
		r = socket_file_bind(&file, fd, e, l->address.mode, BACKLOG);
	else if (!r)
		r = bind_and_listen(fd, e);
	if (r < 0) {
		sys_close(fd);
		return r;
	}
	return listener_add(l, fd, &file);
}

/* ---- tcp:, udp: and their like ---- */

static bool is_not_here(int error)
{
	return error == -EADDRNOTAVAIL || error == -EAFNOSUPPORT;
}

/* Binds each endpoint to one port. Those that this machine does not have are left out, as long as
 * one is left. *failed is the endpoint an error is about. */
static int bind_all(
	struct listener *l, struct resolved *found, bool dual, const struct endpoint **failed)
{
	int left_out = 0;

	*failed = &found->endpoints[0];
	for (size_t i = 0; i < found->count; i++) {
		struct endpoint *e = &found->endpoints[i];
		if (l->count)
			endpoint_set_port(e, endpoint_port(&l->sockets[0].local));
		int r = listener_bind(l, e, dual);
		if (!r && dual)
			return 0; /* it has both families */
		if (is_not_here(r)) {
			left_out = r;
		} else if (r < 0) {
			*failed = e;
			return r;
		}
	}
	return l->count ? 0 : left_out;
}

/* The free port that the first socket was given may be taken in the other family: then another. */
static int open_inet(struct listener *l, struct fault *why)
{
	bool any = !strcmp(l->address.host, "*");
	const struct endpoint *failed;
	struct resolved found;

	int r = resolve_wait(&found, &l->address, why);
	if (!r && listener_reserve(l, found.count) < 0)
		r = fault_errno(why, -ENOMEM, "cannot listen");
	if (r < 0)
		return r;
	for (int tries = 0; tries < PORT_TRIES; tries++) {
		for (size_t i = 0; i < found.count; i++)
			endpoint_set_port(&found.endpoints[i], l->address.port);
		r = bind_all(l, &found, any && !l->address.scheme->family, &failed);
		if (r != -EADDRINUSE || l->address.port || !l->count)
			break;
		listener_drop(l);
	}
	if (r < 0)
		return socket_fault_listen(why, r, &l->address, failed);
	l->address.port = endpoint_port(&l->sockets[0].local);
	return 0;
}

/* ---- unix:, vsock:, vsock+unix: ---- */

static int open_one(struct listener *l, struct fault *why)
{
	struct endpoint e;

	int r = endpoint_of(&e, &l->address, true);
	if (!r)
		r = listener_reserve(l, 1);
	if (!r)
		r = listener_bind(l, &e, false);
	if (r < 0)
		return socket_fault_listen(why, r, &l->address, &e);
	if (l->address.scheme->kind == ADDRESS_VSOCK)
		l->address.port = endpoint_port(&l->sockets[0].local);
	return 0;
}

/* ---- fd:, systemd: ---- */

/* O_NONBLOCK goes for all who share the socket; a listener that sleeps in accept(2) would be none.
 */
static int adopt_socket(struct listener *l, int fd, int type)
{
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0 ||
		fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	int r = type == SOCK_DGRAM ? sys_setsockopt_int(fd, SOL_SOCKET, SO_PASSCRED, 1) : 0;
	if (r < 0 && r != -EOPNOTSUPP) /* only Unix sockets have it */
		return r;
	return listener_add(l, fd, NULL);
}

static int adopt(struct listener *l, int fd)
{
	int listening = 0;
	int type = 0;

	int r = sys_getsockopt_int(fd, SOL_SOCKET, SO_TYPE, &type);
	if (!r && type != SOCK_DGRAM)
		r = sys_getsockopt_int(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening);
	if (r < 0 && r != -ENOTSOCK)
		return r;
	if (!r && (listening || type == SOCK_DGRAM))
		return adopt_socket(l, fd, type);
	if (l->once.in >= 0)
		return -EISCONN;
	return channel_init_inherited(&l->once, fd);
}

static int open_fd(struct listener *l, struct fault *why)
{
	int fd = l->address.fd;

	int r = listener_reserve(l, 1);
	if (!r)
		r = adopt(l, fd);
	return r < 0 ? fault_errno(why, r, "cannot listen on fd:%d", fd) : 0;
}

static bool is_wanted(const struct listener *l, int index)
{
	int len;
	const char *name = activation_name(index, &len);

	return !l->address.name ||
	       bytes_equal(bytes_of(name, (size_t)len), bytes_text(l->address.name));
}

static int open_systemd(struct listener *l, struct fault *why)
{
	int count = activation_count();
	size_t found = 0;

	if (!count)
		return fault_set(why, -ENOENT,
			"systemd: no socket was passed to this process (LISTEN_FDS); start it by "
			"a .socket unit or systemd-socket-activate");
	int r = listener_reserve(l, (size_t)count);
	for (int i = 0; i < count && !r; i++) {
		if (!is_wanted(l, i))
			continue;
		r = adopt(l, ACTIVATION_FIRST + i);
		found++;
		if (r < 0)
			return fault_errno(why, r, "systemd: cannot listen on descriptor %d",
				ACTIVATION_FIRST + i);
	}
	if (r < 0)
		return fault_errno(why, r, "systemd: cannot listen");
	if (!found)
		return fault_set(why, -ENOENT, "systemd: none of the %d sockets is called '%s'",
			count, l->address.name);
	return 0;
}

/* ---- exec:, - ---- */

static int open_exec(struct listener *l, struct fault *why)
{
	return channel_init_exec(&l->once, l->loop, l->address.command, why);
}

static int open_standard(struct listener *l, struct fault *why)
{
	int r = channel_init_standard(&l->once);

	return r < 0 ? fault_errno(why, r, "cannot use standard input and output") : 0;
}

int listener_open_sockets(struct listener *l, struct fault *why)
{
	static int (*const open_kind[])(struct listener * l, struct fault * why) = {
		[ADDRESS_INET] = open_inet,
		[ADDRESS_UNIX] = open_one,
		[ADDRESS_VSOCK] = open_one,
		[ADDRESS_VSOCK_UNIX] = open_one,
		[ADDRESS_FD] = open_fd,
		[ADDRESS_SYSTEMD] = open_systemd,
		[ADDRESS_EXEC] = open_exec,
		[ADDRESS_STDIO] = open_standard,
	};

	return open_kind[l->address.scheme->kind](l, why);
}

#include "net/listener.h"

#include "base/cleanup.h"
#include "net/listener_open.h"
#include "net/peer.h"
#include "net/sys.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/un.h>

enum {
	ACCEPTS_A_TURN = 4, /* each takes the loop some 25 µs */
	PACKETS_A_TURN = 64,
	RETRY_MS = 100,
};

/* ---- connections ---- */

static void listener_on_timer(uv_timer_t *timer);

static void listener_starve(struct listener *l, int error)
{
	uv_timer_start(l->timer, listener_on_timer, RETRY_MS, 0);
	if (l->starved)
		return;
	l->starved = true;
	if (l->handler->starved)
		l->handler->starved(l, error);
}

/* Errors of the connection that was about to be accepted (accept(2)), or of a packet that was sent
 * before (udp(7)), not of the listener. */
static bool is_passing(int error)
{
	switch (-error) {
	case ECONNABORTED:
	case ECONNREFUSED:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case ENETDOWN:
	case ENETUNREACH:
	case ENONET:
	case ENOPROTOOPT:
	case EOPNOTSUPP:
	case EPERM:
	case EPROTO:
		return true;
	default:
		return false;
	}
}

/* True when there may be more. */
static bool listener_accept(struct listener_socket *s)
{
	struct listener *l = s->listener;
	struct endpoint peer = {
		.type = s->local.type,
		.protocol = s->local.protocol,
		.len = sizeof(peer.addr),
	};
	struct channel c;

	int fd = sys_accept4(s->source.fd, (struct sockaddr *)&peer.addr, &peer.len,
		SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (is_passing(fd))
		return true;
	if (fd < 0 && fd != -EAGAIN) {
		listener_starve(l, fd);
		return false;
	}
	l->starved = false;
	if (fd < 0)
		return false;
	channel_init(&c, fd, &peer);
	l->handler->accepted(l, &c);
	channel_deinit(&c);
	return true;
}

/* ---- packets ---- */

/* A Unix sender without an address is known by the process that the kernel names. */
static void packet_name(struct packet *p, struct msghdr *message, char name[ENDPOINT_TEXT_SIZE])
{
	struct cmsghdr *control = CMSG_FIRSTHDR(message);

	p->process = (struct ucred){.uid = (uid_t)-1, .gid = (gid_t)-1};
	for (; control; control = CMSG_NXTHDR(message, control))
		if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_CREDENTIALS)
			memcpy(&p->process, CMSG_DATA(control), sizeof(p->process));
	endpoint_format(&p->from, name);
	if (p->from.len <= offsetof(struct sockaddr_un, sun_path) && p->process.pid)
		snprintf(name, ENDPOINT_TEXT_SIZE, "unix:pid/%d", p->process.pid);
}

static bool listener_receive(struct listener_socket *s)
{
	struct listener *l = s->listener;
	struct packet p = {.from = {.type = SOCK_DGRAM}, .fd = s->source.fd};
	char name[ENDPOINT_TEXT_SIZE];
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct ucred))];
	struct iovec iov = {l->loop->scratch, LOOP_SCRATCH_SIZE};
	struct msghdr message = {
		.msg_name = &p.from.addr,
		.msg_namelen = sizeof(p.from.addr),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};

	ssize_t n = sys_recvmsg(s->source.fd, &message, MSG_DONTWAIT);
	if (n < 0 && n != -EAGAIN && !is_passing((int)n))
		listener_starve(l, (int)n);
	if (n < 0)
		return is_passing((int)n);
	l->starved = false;
	p.from.len = message.msg_namelen;
	p.data = bytes_of(l->loop->scratch, (size_t)n);
	packet_name(&p, &message, name);
	p.name = name;
	l->handler->packet(l, &p);
	return true;
}

/* ---- readiness ---- */

void listener_on_ready(struct source *source, uint32_t events)
{
	struct listener_socket *s = container_of(source, struct listener_socket, source);
	struct listener *l = s->listener;
	bool packets = s->local.type == SOCK_DGRAM;
	int limit = packets ? PACKETS_A_TURN : ACCEPTS_A_TURN;

	/* The handler may close the listener, and its sockets are gone then. */
	for (int i = 0; i < limit; i++) {
		if (l->paused)
			return;
		if (!(packets ? listener_receive(s) : listener_accept(s)))
			return;
		if (!l->sockets)
			return;
	}
	source_again(l->loop, source, EPOLLIN);
}

static void listener_look_again(struct listener *l)
{
	for (size_t i = 0; i < l->count; i++)
		source_again(l->loop, &l->sockets[i].source, EPOLLIN);
}

void listener_pause(struct listener *l)
{
	l->paused = true;
}

void listener_resume(struct listener *l)
{
	if (!l->paused)
		return;
	l->paused = false;
	listener_look_again(l);
	if (l->once.in >= 0)
		uv_timer_start(l->timer, listener_on_timer, 0, 0);
}

void listener_retry(struct listener *l)
{
	if (!l->starved)
		return;
	uv_timer_stop(l->timer);
	listener_look_again(l);
}

/* ---- the one connection of an address that is one ---- */

static void listener_hand_on(struct listener *l)
{
	struct channel c = l->once;

	l->once = CHANNEL_NULL;
	l->handler->accepted(l, &c);
	channel_deinit(&c);
}

static void listener_on_timer(uv_timer_t *timer)
{
	struct listener *l = timer->data;

	listener_retry(l);
	if (l->once.in >= 0 && !l->paused)
		listener_hand_on(l);
}

/* ---- from open to close ---- */

int listener_open(struct listener *l, struct loop *loop, const struct address *a, unsigned flags,
	const struct listener_handler *handler, struct fault *why)
{
	cleanup(cleanup_free) char *text = address_format(a);

	*l = LISTENER_NULL;
	l->loop = loop;
	l->handler = handler;
	l->flags = flags;
	l->timer = malloc(sizeof(*l->timer));
	if (!l->timer || !text) {
		free(take(l->timer));
		return fault_errno(why, -ENOMEM, "cannot listen");
	}
	uv_timer_init(&loop->uv, l->timer);
	l->timer->data = l;
	int r = address_parse(&l->address, text, why);
	if (!r)
		r = listener_open_sockets(l, why);
	if (r < 0) {
		listener_close(l);
		return r;
	}
	if (l->once.in >= 0)
		uv_timer_start(l->timer, listener_on_timer, 0, 0);
	return 0;
}

static void listener_free_timer(uv_handle_t *timer)
{
	free(timer);
}

void listener_close(struct listener *l)
{
	if (!l->timer)
		return;
	listener_close_sockets(l);
	channel_deinit(&l->once);
	uv_close((uv_handle_t *)take(l->timer), listener_free_timer);
	address_deinit(&l->address);
}

const struct endpoint *listener_endpoint(const struct listener *l, size_t index)
{
	return index < l->count ? &l->sockets[index].local : NULL;
}

#include "net/socket_fault.h"

#include "base/cleanup.h"
#include "net/holder.h"
#include "net/vsock.h"

#include <errno.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <stdio.h>

/* A kernel that lacks the family, the type or the protocol; NULL for any other error. */
static const char *lacking(int error, const struct address *a)
{
	if (a->scheme->protocol == IPPROTO_MPTCP && error == -ENOPROTOOPT)
		return "Multipath TCP is switched off (sysctl net.mptcp.enabled)";
	if (error != -EAFNOSUPPORT && error != -EPROTONOSUPPORT && error != -ESOCKTNOSUPPORT)
		return NULL;
	if (a->scheme->protocol == IPPROTO_SCTP)
		return "this kernel has no SCTP (modprobe sctp)";
	if (a->scheme->protocol == IPPROTO_MPTCP)
		return "this kernel has no Multipath TCP";
	if (a->scheme->kind == ADDRESS_VSOCK)
		return error == -ESOCKTNOSUPPORT
			       ? "no vsock of this type leads there (leave out ?type=seqpacket)"
			       : "this kernel has no vsock (modprobe vsock)";
	if (a->scheme->kind == ADDRESS_INET)
		return "this machine has no address of this family";
	return NULL;
}

static const char *listen_meaning(int error, const struct address *a)
{
	bool vsock = a->scheme->kind == ADDRESS_VSOCK;
	bool has_port = vsock || a->scheme->kind == ADDRESS_INET;

	switch (-error) {
	case EACCES:
		return has_port && a->port && a->port < 1024
			       ? "ports below 1024 need a privilege (CAP_NET_BIND_SERVICE)"
			       : NULL;
	case EADDRNOTAVAIL:
		return vsock ? "it is not this machine's CID (vsock:any:PORT is whichever it has)"
			     : "it is no address of this machine";
	case EBUSY:
		return "its directory is locked by another process";
	case EEXIST:
		return "the file is there and is no socket";
	case ENAMETOOLONG:
		return "the path is too long for a socket";
	case ENOENT:
		return "its directory is not there";
	default:
		return NULL;
	}
}

/* No driver leads to the CID that was asked for. */
static const char *nowhere(uint32_t cid)
{
	uint32_t own;

	if (cid == VMADDR_CID_LOCAL || (vsock_own_cid(&own) == 0 && cid == own))
		return "this kernel has no way to its own CID (modprobe vsock_loopback)";
	if (cid == VMADDR_CID_HOST)
		return "this machine is no guest, or has no driver for its host (modprobe "
		       "vmw_vsock_virtio_transport)";
	return "no virtual machine has this CID";
}

static const char *connect_meaning(int error, const struct address *a)
{
	bool vsock = a->scheme->kind == ADDRESS_VSOCK;

	switch (-error) {
	case EAGAIN:
		return "the listener's queue is full";
	case ECONNRESET:
		return vsock ? "Connection refused: nothing listens there on this port (ferry who, "
			       "run there, shows what does)"
			     : NULL;
	case ENODEV:
	case ENETUNREACH:
		return vsock ? nowhere(a->cid) : NULL;
	case ENOENT:
		return "no socket is there";
	case EPROTOTYPE:
		return "the socket there is of another type (?type=stream, seqpacket or dgram)";
	case ETIMEDOUT:
		return vsock ? "no answer came in time (is that machine up, with its driver for "
			       "vsock: modprobe vmw_vsock_virtio_transport?)"
			     : "no answer came in time";
	default:
		return NULL;
	}
}

static int socket_fault(struct fault *why, int error, const char *doing, const struct address *a,
	const char *where, const char *meaning)
{
	cleanup(cleanup_free) char *text = address_format(a);
	const char *missing = lacking(error, a);

	if (missing)
		meaning = missing;
	if (meaning)
		return fault_set(
			why, error, "cannot %s %s%s: %s", doing, text ? text : "", where, meaning);
	return fault_errno(why, error, "cannot %s %s%s", doing, text ? text : "", where);
}

int socket_fault_listen(
	struct fault *why, int error, const struct address *a, const struct endpoint *e)
{
	char text[ENDPOINT_TEXT_SIZE];
	char where[ENDPOINT_TEXT_SIZE + 4] = "";

	char holder[256];
	const char *meaning = listen_meaning(error, a);

	if (a->scheme->kind == ADDRESS_INET) {
		endpoint_format(e, text);
		snprintf(where, sizeof(where), " (%s)", text);
	}
	if (error == -EADDRINUSE && !holder_describe((const struct sockaddr *)&e->addr, e->len,
					    e->type, holder, sizeof(holder)))
		meaning = holder;
	return socket_fault(why, error, "listen on", a, where, meaning);
}

int socket_fault_connect(struct fault *why, int error, const struct address *a)
{
	return socket_fault(why, error, "connect to", a, "", connect_meaning(error, a));
}

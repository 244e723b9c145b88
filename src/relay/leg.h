#pragma once

/*
 * A leg is one side of a crossing: the descriptors of a channel, what is known of their readiness,
 * and reading and writing that neither block nor lose the reason of an error.
 *
 * Streams (net/stream.h) push what they read and end as a whole when a write fails. A relay has to
 * do otherwise: what one side can not take stays unread at the other, a side that reads no more may
 * still have an answer in our receive queue, and splice(2) reads without memory of ours.
 *
 * A leg may have no descriptor of its own: the sender of datagrams at a socket that many share. It
 * is written to by its address; what it sends is pushed by whoever reads the socket.
 *
 * A leg that speaks TLS is read and written as before. It has to be asked for its handshake first,
 * and it may hold what it has taken: the end of our direction waits for that, see leg_is_ending().
 */

#include "net/channel.h"
#include "net/tls.h"

#include <sys/uio.h>

struct leg {
	struct source source; /* to read from, and, unless `sink` is another, to write to */
	struct source sink;
	struct loop *loop;
	void (*ready)(struct leg *l);
	struct child *child;
	struct tls *tls; /* NULL: none is spoken */
	struct endpoint peer;
	int shared; /* the socket by which a sender of datagrams is answered, or -1 */
	int error;  /* a negative errno that a call gave: the kernel tells it only once */
	bool is_socket : 1;
	bool packets : 1;     /* SOCK_SEQPACKET, SOCK_DGRAM */
	bool datagrams : 1;   /* SOCK_DGRAM: it has no end */
	bool drains : 1;      /* what one read does not fill was all there was */
	bool splices_in : 1;  /* the kernel moves its bytes to pipes, */
	bool splices_out : 1; /* and from pipes */
	bool readable : 1;
	bool writable : 1;
	bool hung_up : 1; /* the kernel said that the end is near */
	bool ending : 1;  /* our direction ends once TLS has written what it holds */
	bool broken : 1;  /* the kernel said that there is an error */
	char name[ENDPOINT_TEXT_SIZE];
};

#define LEG_NULL ((struct leg){.source = {.fd = -1}, .sink = {.fd = -1}, .shared = -1})

/* What fits into every packet: udp(7) takes 65,535 bytes less the headers; unix(7) and vsock(7)
 * less than their buffers hold. */
enum { LEG_PACKET_MAX = 65507 };

/* Takes all out of the channel. READY is called when a flag may have changed, in a later turn. 0 or
 * a negative errno, and the leg is closed. *l must not move in memory. */
int leg_init(struct leg *l, struct loop *loop, struct channel *c, void (*ready)(struct leg *l));

/* The sender of P at its shared socket. */
void leg_init_sender(struct leg *l, struct loop *loop, int shared, const struct endpoint *peer,
	const char *name);

/* Closes. With RESET the peer is told that this is no orderly end, where the protocol has a way to
 * say so (TCP: RST). Safe on LEG_NULL and twice. */
void leg_deinit(struct leg *l, bool reset);

/* As read(2), write(2); or a negative errno. -EAGAIN takes the flag back. A packet that is larger
 * than LEN is -EMSGSIZE. */
ssize_t leg_read(struct leg *l, void *to, size_t len);
ssize_t leg_write(struct leg *l, const void *data, size_t len);

/* Moves up to LEN bytes into a pipe, or out of one. */
ssize_t leg_splice_in(struct leg *l, int pipe, size_t len);
ssize_t leg_splice_out(struct leg *l, int pipe, size_t len);

/* Our direction ends; the peer's goes on. */
void leg_end(struct leg *l);

/* That it ends has been asked for, but bytes are still held that go before. `ready` tells. */
static inline bool leg_is_ending(const struct leg *l)
{
	return l->ending;
}

/* From here on it speaks TLS; CONTEXT is held, SETUP as for tls_new(). 0, -ENOMEM, or
 * -EPROTONOSUPPORT for a leg of packets. */
int leg_start_tls(struct leg *l, struct tls_context *context, const struct tls_setup *setup);

/* Goes on with the handshake, when it is ready: 0 when it is done, -EAGAIN, or what failed, with a
 * line. */
int leg_shake_hands(struct leg *l, struct fault *why);

/* The error that the kernel holds for the socket, 0 without one. */
int leg_take_error(struct leg *l);

#pragma once

/*
 * A stream: one connected descriptor of any family and type, read and written without blocking.
 *
 * Reading is pushed: `received` is called with each block, which lives in the loop's scratch memory
 * until the call returns, so an idle stream owns no read buffer. One block a turn; a stream that
 * has more gets its next call after the others. On a packet socket (SOCK_SEQPACKET, SOCK_DGRAM)
 * each call is one whole packet.
 *
 * Writing has two ways. stream_write() takes everything: what the kernel does not, waits in a queue
 * that is bounded by `limit`. stream_offer() takes only what the kernel takes now, for senders that
 * can produce the rest again later (a position in a tape, an offset in a file); it owes no memory.
 * stream_offer_file() is the same for a file, whose bytes the kernel takes itself where it can.
 * Both tell through `writable` when a stream that was blocked takes more.
 *
 * The two directions end by themselves. `ended` says that the peer sends no more; stream_end()
 * says, after all that is queued, that we send no more. `failed` comes once, and nothing comes
 * after it.
 *
 * The transport below is a small table of functions (`stream_ops`): a bare descriptor, or TLS over
 * one; nobody above asks which.
 *
 * Callbacks may call anything here, stream_deinit() included; the memory of the stream must stay
 * until the turn ends (see `struct ending`).
 */

#include "base/fault.h"
#include "net/loop.h"

#include <sys/uio.h>

struct stream;

struct stream_handler {
	void (*received)(struct stream *s, struct bytes data);
	void (*ended)(struct stream *s);
	/* What was queued is out and the kernel takes more. */
	void (*writable)(struct stream *s);
	/* ERROR is a negative errno: the peer vanished, or -EPIPE, it reads no more. */
	void (*failed)(struct stream *s, int error);
};

/* Each returns a count of bytes or a negative errno, -EAGAIN when it would block. */
struct stream_ops {
	/* Takes `unread` back when there is no more for now. */
	ssize_t (*read)(struct stream *s, void *to, size_t len);
	/* A transport that took bytes which the kernel did not is `owing`; with a COUNT of 0 it
	 * writes those. */
	ssize_t (*write)(struct stream *s, const struct iovec *iov, int count);
	/* Of the file FD, from AT on; 0 at its end. NULL: it is read and written. */
	ssize_t (*send_file)(struct stream *s, int fd, uint64_t at, size_t len);
	int (*shutdown)(struct stream *s); /* end of our direction */
	void (*close)(struct stream *s);
	/* What it knows of a failure, or NULL. May be NULL. */
	const struct fault *(*fault)(const struct stream *s);
};

struct stream {
	struct source source;
	struct loop *loop;
	const struct stream_handler *handler;
	const struct stream_ops *ops;
	void *transport; /* the ops' own state, NULL for a bare descriptor */
	struct buffer queue;
	uint32_t limit; /* bytes that may wait in the queue */
	bool is_socket : 1;
	bool packets : 1;   /* SOCK_SEQPACKET, SOCK_DGRAM */
	bool datagrams : 1; /* SOCK_DGRAM: an empty packet is no end */
	bool files : 1;	    /* sendfile(2) does not block it */
	bool portions : 1;  /* SCTP: bytes, but what one call sent is what one call reads */
	bool paused : 1;    /* the owner wants no more for now */
	bool unread : 1;    /* the kernel has more, or may have */
	bool patient : 1;   /* and will, for certain */
	bool broken : 1;    /* the kernel has an error, behind what there is to read */
	bool hung_up : 1;   /* the kernel said that the end is among it */
	bool blocked : 1;   /* the kernel takes no more for now */
	bool owing : 1;	    /* the transport holds bytes that the kernel has not taken */
	bool ending : 1;    /* our direction ends after the queue */
	bool ended_out : 1;
	bool ended_in : 1;
	bool failed : 1;
};

enum { STREAM_LIMIT_DEFAULT = 1024 * 1024 };

#define STREAM_NULL ((struct stream){.source = {.fd = -1}})

/* Takes FD over, whatever comes out; a socket, pipe, terminal or file. What is no socket must be
 * non-blocking. The first call comes in a later turn. 0 or a negative errno. */
int stream_init(struct stream *s, struct loop *l, int fd, const struct stream_handler *handler);

/* The same over one descriptor for each direction; both are taken over, and OUT is closed when our
 * direction ends. */
int stream_init_pair(
	struct stream *s, struct loop *l, int in, int out, const struct stream_handler *handler);

/* The line about the ERROR that `failed` gave: WHAT, and what the transport knows of it, or else
 * the error's name. Returns the error. */
int stream_fault(const struct stream *s, int error, const char *what, struct fault *why);

/* For transports that have a readiness of their own: a write that blocked may be tried again. */
void stream_has_room(struct stream *s);

/* Closes at once; what is queued is lost. No callback comes afterwards. Safe twice. */
void stream_deinit(struct stream *s);

static inline bool stream_is_open(const struct stream *s)
{
	return s->source.fd >= 0;
}

/* Sends all of it, now or from the queue. -ENOBUFS when the queue would pass its limit (then
 * nothing was taken); -EPIPE after stream_end() or when the stream failed. On a packet socket it is
 * one packet, and -EMSGSIZE says that the kernel takes none so large. */
int stream_write(struct stream *s, const void *data, size_t len);
int stream_writev(struct stream *s, const struct iovec *iov, int count);

/* Sends what the kernel takes now: a count of bytes, 0 when blocked. Nothing may be queued: 0 then.
 * On a packet socket each iovec is a packet of its own, sent whole or not at all. */
ssize_t stream_offer(struct stream *s, const struct iovec *iov, int count);

/* The same with LEN bytes of the file FD from AT on, LEN > 0; for byte streams. -ENODATA when the
 * file has none there; the error of reading it, or of the stream. May wait for the disk. */
ssize_t stream_offer_file(struct stream *s, int fd, uint64_t at, size_t len);

/* Takes nothing more in this turn: `writable` comes in the next one, after everyone else had
 * theirs.
 */
void stream_yield(struct stream *s);

/* Ends our direction after what is queued (shutdown(2) SHUT_WR). */
void stream_end(struct stream *s);

/* Stops and starts `received`. The kernel's buffers then hold the peer back. */
void stream_pause(struct stream *s);
/* The same for an owner who resumes it in any case: the failure of a stream that is paused is told
 * at once, the one of a stream that waits after what came before it. */
void stream_wait(struct stream *s);
void stream_resume(struct stream *s);

/* Bytes that wait in the queue. */
size_t stream_queued(const struct stream *s);

/* True when a write would wait. */
static inline bool stream_is_blocked(const struct stream *s)
{
	return s->blocked || s->owing || buffer_len(&s->queue);
}

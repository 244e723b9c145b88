#pragma once

/*
 * One TLS session over anything that reads and writes.
 *
 * OpenSSL does the protocol, between two functions of the owner and the owner's calls. Nothing here
 * blocks, knows a descriptor, or calls back but for those functions and the check. tls_stream.h
 * makes it the transport of a stream.
 *
 * What is written is cut into full records of 16 KiB and gathered, as are the answers that TLS
 * itself gives: all of a turn goes out with one write, when the owner says so (tls_flush), or what
 * makes a batch before. What the owner's write does not take is held, at most one batch: then the
 * session `owes`. A session that is idle has no buffers.
 *
 * The two directions end by themselves, as a stream's do: close_notify is the end of one of them
 * (RFC 8446 section 6.1). An end without it is an error: somebody may have cut the connection.
 *
 * Where the kernel can encrypt what is sent, it does, from the end of the handshake on
 * (tls_kernel.h); only an owner who wants to send a file has to know. It keeps the keys it was
 * given (Linux takes new ones since 6.14 only): a peer that asks for new ones, which few do and
 * only after very many bytes, is told the end of our direction instead, and the session has failed.
 *
 * A session that failed stays so; tls_fault() has the line.
 */

#include "base/bytes.h"
#include "net/tls_context.h"
#include "net/tls_kernel.h"

#include <sys/uio.h>

struct tls;

/* As read(2), writev(2), with a negative errno; -EAGAIN when nothing comes or goes for now. */
struct tls_below {
	ssize_t (*read)(void *arg, void *to, size_t len);
	ssize_t (*write)(void *arg, const struct iovec *iov, int count);
	/* As tls_kernel_take() and tls_kernel_send(), of the socket that is all there is below.
	 * Both are NULL where there is none. */
	int (*take_keys)(void *arg, const struct tls_crypto_info *keys);
	ssize_t (*send_record)(void *arg, uint8_t type, const void *data, size_t len);
};

enum { TLS_DOUBT_SIZE = 256 };

/* Who is at the other end, as far as its certificate tells. */
struct tls_peer {
	bool has_certificate; /* a client may have none */
	struct pin pin;	      /* of its key */
	const X509 *certificate;
	/* What the ordinary verification found wrong with it ("its certificate expired on …"): that
	 * it leads to an authority that is trusted, is valid today, and is for the host. Empty when
	 * it found nothing, and where it was left out. */
	char doubt[TLS_DOUBT_SIZE];
};

/* Decides, in the midst of the handshake, whether it goes on: 0, or a negative errno with a line,
 * and the peer is told by an alert. Called once a session, also when a ticket spared it the
 * certificate. */
typedef int tls_check(void *arg, const struct tls_peer *peer, struct fault *why);

struct tls_setup {
	/* A client: the host that the certificate has to be for (a name, sent as SNI, or an IP
	 * address); NULL: any. */
	const char *host;
	/* The check wants no doubt: it knows the key. Reading all authorities takes longer than the
	 * rest of the handshake. */
	bool unverified;
	bool http; /* a client says that it speaks `http/1.1` inside (ALPN, RFC 7301) */
	/* NULL: the ordinary verification decides about a server, a client is not asked. */
	tls_check *check;
	void *check_arg;
};

/* Begins a session; what has been read of it already is copied. What SETUP points at is not needed
 * after the call, but CHECK_ARG is until the session is established. The context is held. 0 or
 * -ENOMEM. */
int tls_new(struct tls **out, struct tls_context *context, const struct tls_setup *setup,
	const struct tls_below *below, void *below_arg, struct bytes already);

/* Sends nothing more. Takes NULL, returns NULL. */
struct tls *tls_free(struct tls *t);

/* The handshake alone, without tls_flush(): 0 when it is done, -EAGAIN, or what failed, as
 * tls_read(). */
int tls_shake_hands(struct tls *t);

/* Reads what the peer sent, and does the handshake on the way: to be called first by who begins,
 * and again whenever there is something to read. A count of bytes; 0, the peer sends no more;
 * -EAGAIN; or what failed: -EPROTO (not TLS, or nothing in common), -EACCES (one of the two does
 * not trust the other), -ECONNRESET (cut off), or what the owner's functions gave. It reads until
 * LEN bytes are there or nothing comes for now. */
ssize_t tls_read(struct tls *t, void *to, size_t len);

/* True when tls_read() has something to give without the owner's read. */
bool tls_has_more(const struct tls *t);

/* Encrypts and gathers: a count of bytes, which is less than all only when it owes, or when the
 * kernel encrypts; -EAGAIN before the handshake is done, while it owes, and when the kernel takes
 * no more. */
ssize_t tls_write(struct tls *t, const struct iovec *iov, int count);

/* Writes what was gathered, by whichever call: 0 when it is all out, -EAGAIN, or what failed. */
int tls_flush(struct tls *t);

/* Our direction ends, behind all that was written; flushes. 0, or -EAGAIN: to be called again. */
int tls_end(struct tls *t);

/* The handshake is done: bytes go both ways. */
bool tls_is_established(const struct tls *t);
/* Bytes are held that the owner's write did not take. */
bool tls_owes(const struct tls *t);
/* A ticket spared the handshake the certificates. */
bool tls_is_resumed(const struct tls *t);
/* The kernel encrypts what is sent: behind a tls_flush() that left nothing, data may also be given
 * to the socket itself. */
bool tls_is_in_kernel(const struct tls *t);
/* What failed, NULL as long as nothing has. */
const struct fault *tls_fault(const struct tls *t);

#pragma once

/*
 * TLS as a stream's transport. The stream stays the same to whoever owns it: what is received and
 * written is what goes through TLS, `ended` is the peer's close_notify, stream_end() is ours.
 *
 * It begins in the midst of any stream: what was read before goes in front. Until the handshake is
 * done the stream is blocked: what is written waits in its queue, and the first `writable` says
 * that it is established. A handshake that fails is `failed` with what tls_read() gives, and
 * stream_fault() has the line.
 */

#include "net/stream.h"
#include "net/tls.h"

/* From here on S speaks TLS. Nothing may wait in its queue; its peer's direction must not have
 * ended. As tls_new(). May be called from `received`. -EPROTONOSUPPORT for a packet socket. */
int tls_stream_start(struct stream *s, struct tls_context *context, const struct tls_setup *setup,
	struct bytes already);

/* The stream's session, NULL for one that does not speak TLS. */
const struct tls *tls_stream_session(const struct stream *s);

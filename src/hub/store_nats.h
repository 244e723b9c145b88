#pragma once

/*
 * The store in a stream of NATS JetStream, which many hubs can share: one conversation
 *
 * An append is published at the end of its turn, and accepted when JetStream has acknowledged it
 * and the message has come back in the stream's order, in which the messages of other hubs come
 * too. Ids are the stream's sequence. What an acknowledgement is worth is the server's matter: the
 * file store of a single server has written, but synced only every two minutes (`sync_interval`).
 *
 * A key is known for as long as the stream's duplicate window says (two minutes in one made here);
 * JetStream does not compare bodies. It keeps no count by topic: what is missing is told without a
 * number, and not to those who ask for all there is.
 */

#include "base/fault.h"
#include "hub/store.h"

struct store_nats_options {
	/* The stream's limits; 0: they stay as they are, none in a new one. */
	uint64_t max_bytes;
	uint64_t max_messages;
	uint64_t max_age_ms;
	size_t max_pending; /* bytes on their way before it is full; 0: 8 MiB */

	/* store_poll is to be called by the hub's thread. From any thread, until store_free has
	 * returned. */
	void (*wake)(void *data);
	void *data;
};

/*
 * URL is nats://[USER:PASSWORD@]HOST[:PORT][/STREAM], or tls://… to connect over TLS; the stream is
 * `ferry` unless named, and made if need be. May block. 0, or negative errno with *why: -EINVAL,
 * -ECONNREFUSED (no server, or one without JetStream), -EACCES, -EPROTO (TLS), -EIO.
 */
int store_nats_open(struct store **store, const char *url, const struct store_nats_options *options,
	struct fault *why);

#pragma once

/*
 * How to publish and to subscribe, protocol by protocol: the one part of the load that differs from
 * server to server. Everything goes to one topic.
 *
 * All messages of a load have bodies of BODY_LEN bytes, so that what a subscriber is sent for one
 * has a fixed size too. That size is learnt (pubsub_settle), not computed: a load counts bytes and
 * knows nothing of framing.
 */

#include <stddef.h>

enum { BODY_LEN = 64, ENCODED_MAX = 256 };

struct pubsub {
	const char *name;

	/* The opening exchange, up to the server's last word on it. */
	void (*open_subscriber)(int fd);
	void (*open_publisher)(int fd);

	/* One message as its publisher sends it, at most ENCODED_MAX bytes: its length. */
	size_t (*encode)(char *to, const char body[BODY_LEN]);

	/* What follows the body of a message that is delivered, in bytes. */
	size_t tail;

	/* What the server sends between messages as it pleases: a ping. */
	const char *noise;
	size_t noise_len;
};

/* The one of that name; ends the program when there is none. */
const struct pubsub *pubsub_find(const char *name);

/* Publishes one message with a body that begins with TEXT. */
void pubsub_publish(const struct pubsub *p, int fd, const char *text);

/* Returns as soon as all N subscribers are sent what PUBLISHER publishes and have nothing left to
 * read, and says how many bytes one delivered message is. */
size_t pubsub_settle(const struct pubsub *p, int publisher, const int *subscribers, size_t n);

/* Reads one message of SIZE bytes, and whatever noise stands before it, and ends the program unless
 * the body is the one that pubsub_publish makes of TEXT. */
void pubsub_expect(const struct pubsub *p, int subscriber, size_t size, const char *text);

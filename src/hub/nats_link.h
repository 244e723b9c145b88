#pragma once

/*
 * The JetStream store's link to the server: what goes out, and what comes back
 *
 * A thread of its own publishes batches, without waiting for answers. Each record has a number, and
 * the answer to it comes to an inbox of that number; the outcome is noted in the record. Threads of
 * libnats bring the answers and the feed: all that is in the stream, in its order, whoever
 * published it. When the connection was lost there is a new one: the feed begins behind the last
 * message that came, and what has no answer is published again, before anything else, under the
 * same Nats-Msg-Id. Libnats' own way to reconnect would let something newer overtake it.
 */

#include <pthread.h>

#include "base/fault.h"
#include "hub/nats_stream.h"
#include "hub/store_nats.h"

struct nats_link {
	struct nats_place place;
	struct store_nats_options options;
	const struct nats_url *url;
	jsCtx *asking; /* of another connection: what the stream is asked for its state */
	natsConnection *connection;
	jsCtx *js;
	natsSubscription *answers;
	natsSubscription *feed;
	char *inbox;
	pthread_t thread;

	pthread_mutex_t lock; /* of what follows, and of the outcomes of records sent */
	pthread_cond_t changed;
	struct list todo;	/* batches to be published */
	struct list sent;	/* those that were, until the hub takes them off */
	struct batch *busy;	/* of those, the one that the thread is at */
	struct batch *incoming; /* what the feed has brought */
	jsStreamInfo *info;	/* newer than what was taken last */
	uint64_t next_number;
	uint64_t fed_id;     /* the last one that the feed has brought, or was begun behind */
	unsigned generation; /* of the feed */
	unsigned listening;  /* connections and subscriptions that may still call back */
	bool lost;	     /* the connection has to be made anew */
	bool stopping;
};

/* Connects and starts the feed behind the message AFTER_ID. URL and ASKING must stay. May block. 0,
 * or negative errno with *why. */
int nats_link_new(struct nats_link **out, const struct nats_url *url, jsCtx *asking,
	uint64_t after_id, const struct store_nats_options *options, struct fault *why);

/* Takes what was not published or not answered with it. The batches on the lists are the caller's.
 * May block. Takes NULL, returns NULL. */
struct nats_link *nats_link_free(struct nats_link *l);

/* Publishes B's records; B stays the link's until nats_link_take_off. */
void nats_link_give(struct nats_link *l, struct batch *b);

/* What the feed has brought since, in exchange for an empty batch; NULL, and nothing is taken, when
 * it has brought nothing. */
struct batch *nats_link_receive(struct nats_link *l, struct batch *empty);

/* The outcome of the oldest batch's record I: 1 when there is one, -1 when there is no such record.
 * *b is the batch, NULL when there is none. */
int nats_link_outcome(
	struct nats_link *l, size_t i, struct batch **b, struct batch_record *outcome);

/* Takes the oldest batch off: false when the thread is at it just now. */
bool nats_link_take_off(struct nats_link *l, struct batch *b);

/* Gives up on what was published before BEFORE_MS (the messages' time) and has no answer. */
void nats_link_expire(struct nats_link *l, uint64_t before_ms);

/* What is known of the stream, if that is news: the caller's, or NULL. */
jsStreamInfo *nats_link_news(struct nats_link *l);

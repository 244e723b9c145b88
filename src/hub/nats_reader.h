#pragma once

/*
 * The one who reads the JetStream store for replays, on its own thread
 *
 * A read is a job: a consumer of the topic's subject is made behind the last message that is known,
 * and asked for messages until there are enough.
 */

#include "hub/nats_stream.h"
#include "hub/worker.h"

struct nats_read {
	struct list node;
	struct store_read
		*read; /* NULL when it was cancelled; the hub's thread alone looks at it */

	char topic[NAME_MAX_LEN];
	size_t topic_len;
	uint64_t after_id;
	uint64_t since_ms;
	size_t max_bytes;
	uint64_t
		upto; /* no further than the hub has heard; then the answer, as store_read has it */

	/* The answer. */
	struct batch *rows;
	int result;
	bool lost;
};

struct nats_reader {
	struct worker worker;
	const struct nats_place *place;
	jsCtx *js;
};

/* Starts the thread; everything but `work` is filled in. 0 or negative errno. */
int nats_reader_start(struct nats_reader *r);

/* A job for what R asks, whose answer ends with UPTO; NULL when memory is out. */
struct nats_read *nats_read_new(struct store_read *r, uint64_t upto);
struct nats_read *nats_read_free(struct nats_read *read);

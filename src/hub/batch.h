#pragma once

/*
 * Batch: publishes on their way to a store that takes its time
 *
 * Their bytes lie one behind the other in one buffer, in the order topic, from, body, key. The
 * hub's thread fills a batch, the store's own writes it down and notes the outcome of each record,
 * the hub's settles. A batch is used again, so in the long run nothing is allocated for a publish.
 */

#include "base/list.h"
#include "hub/store.h"

struct batch_record {
	struct ticket *ticket; /* the hub's thread alone looks at it */
	size_t at;	       /* of its bytes in the buffer */
	uint32_t topic_len;
	uint32_t from_len;
	uint32_t body_len;
	uint32_t key_len;
	uint64_t time_ms;
	uint64_t origin;

	/* The outcome. */
	uint64_t id;
	uint64_t seq;
	int result;  /* 0 or negative errno */
	bool repeat; /* its key was known: `id` is what was stored then */
};

struct batch {
	struct list node; /* of the thread that has it */
	struct list held; /* of the store, until it is settled */
	struct buffer bytes;
	struct batch_record *records;
	size_t count;
	size_t cap;
	uint64_t number; /* of its first record, in a store that numbers them */
	uint64_t now_ms; /* a tick instead of publishes, if not 0 */
};

/* NULL when memory is out. */
struct batch *batch_new(void);
struct batch *batch_free(struct batch *b);

/* Empties it for another use; gives up memory beyond what batches usually need. */
void batch_reset(struct batch *b);

/* Takes a copy of P: 0, -EMSGSIZE or -ENOMEM. */
int batch_add(struct batch *b, const struct publish *p);

/* The message of a record, with its key; its bytes are the batch's. */
struct message batch_message(const struct batch *b, const struct batch_record *r);
struct bytes batch_key(const struct batch *b, const struct batch_record *r);

/* A store that never answers 0 as an id has noted what became of R. */
static inline bool batch_has_outcome(const struct batch_record *r)
{
	return r->id || r->result;
}

/* The record with that number, of a list of batches whose records are numbered; or NULL. */
struct batch_record *batches_find(const struct list *batches, uint64_t number);

/* What came before BEFORE_MS and has no outcome has one now: -ETIMEDOUT. */
void batches_expire(const struct list *batches, uint64_t before_ms);

/* The batches that a store holds settle nothing with TICKET any more; NULL: with none. */
void batches_forget(const struct list *held, const struct ticket *ticket);

/* What P counts against a bound on what is on its way, and what its record does. */
size_t batch_cost(const struct publish *p);
size_t batch_record_size(const struct batch_record *r);

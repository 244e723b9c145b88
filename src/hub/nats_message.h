#pragma once

/*
 * How a message stands in a JetStream stream
 *
 *	subject		STREAM.TOPIC, with % for the dots of the topic, which would be subjects'
 *	data		the body
 *	Ferry-From	the sender's name; bytes that a header cannot hold, and %, as %XX
 *	Ferry-Origin	RUN-ORIGIN, hexadecimal: which run of which hub, and the message's origin
 *there Nats-Msg-Id	TOPIC KEY of a message with an idempotency key, else RUN-NUMBER: JetStream
 *			stores none of them twice within the stream's duplicate window
 *
 * The id is the stream's sequence, the time is the server's. A message of another program, which
 * has none of these headers, is from `nats`, and so is one whose sender no name is allowed to be.
 */

#include <nats/nats.h>

#include "hub/batch.h"
#include "hub/name.h"

enum { NATS_STREAM_MAX = 64, NATS_SUBJECT_SIZE = NATS_STREAM_MAX + 1 + NAME_MAX_LEN + 1 };

struct nats_place {
	char stream[NATS_STREAM_MAX + 1];
	uint64_t run; /* of this hub; nobody else's */
};

void nats_subject(const struct nats_place *p, struct bytes topic, char subject[NATS_SUBJECT_SIZE]);

/* The topic of a subject of the stream; false when it is none. */
bool nats_topic(const char *stream, const char *subject, char topic[NAME_MAX_LEN + 1]);

/* The message for record I of B, to be acknowledged to REPLY; NULL when memory is out. */
natsMsg *nats_message_new(
	const struct nats_place *p, const struct batch *b, size_t i, const char *reply);

/* Puts MSG, of which META tells, behind the records of B. 0; -ENOENT: it is not a topic's; -ENOMEM.
 */
int nats_message_take(
	const struct nats_place *p, natsMsg *msg, const jsMsgMetaData *meta, struct batch *b);

/* Notes in R what JetStream answers: {"stream":"ferry","seq":7}, "duplicate":true for a known
 * Nats-Msg-Id, or {"error":{"code":503,"err_code":10077,…}}. */
void nats_answer(struct batch_record *r, struct bytes json);

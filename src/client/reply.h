#pragma once

/*
 * Reply: a hub's answer to one request, gathered as it comes, and what a client makes of one that
 * it had not hoped for.
 */

#include "base/fault.h"
#include "wire/http_answer.h"

enum { REPLY_BODY_MAX = 64 * 1024 };

struct reply {
	struct http_answer answer;
	int status;
	bool is_json; /* the body: application/json or problem+json */
	struct buffer body;
};

void reply_init(struct reply *r, enum http_method method);

/* For who has the answer taken apart elsewhere: forgets the last one, and takes over what counts
 * of the head; then adds a piece of the body, of which it keeps the first 64 KiB. */
void reply_begin(struct reply *r, const struct http_response *head);
void reply_add(struct reply *r, struct bytes piece);

/* Safe on zeroed memory and twice. */
void reply_deinit(struct reply *r);

/*
 * Takes what it can of *in.
 *
 * HTTP_ANSWER_HEAD   *head is the head that counts, valid as long as the bytes that were taken; the
 *		      next call says how it goes on, and needs no further input for that
 * 0                  the answer is whole
 * HTTP_MORE          it is not
 * HTTP_REFUSED       it is not HTTP, or too long: answer.detail
 * -ENOMEM
 */
int reply_next(struct reply *r, struct bytes *in, struct http_response *head);

/* The number that the body, a JSON object, has under NAME; 0 when there is none. */
uint64_t reply_number(const struct reply *r, const char *name);

/* Puts into WHY what the hub says against a request: the problem's detail, or its status. Returns
 * the negative errno that fits. */
int reply_explain(const struct reply *r, struct fault *why);

/* That errno: -EAGAIN when it may be different later. */
int reply_error(int status);

/* For what does not answer as a hub does. WHAT it did instead; what to do about it is added.
 * Returns ERROR. */
int reply_doubt(struct fault *why, int error, const char *what);

#pragma once

/*
 * A place for the context that new sessions begin with. It may be changed while they do, in any
 * thread.
 */

#include "net/tls_context.h"

#include <pthread.h>

struct tls_slot {
	pthread_mutex_t lock;
	struct tls_context *context;
};

/* Holds CONTEXT. */
void tls_slot_init(struct tls_slot *s, struct tls_context *context);
void tls_slot_deinit(struct tls_slot *s);

/* Holds CONTEXT instead. */
void tls_slot_set(struct tls_slot *s, struct tls_context *context);

/* The context, one more time held. */
struct tls_context *tls_slot_get(struct tls_slot *s);

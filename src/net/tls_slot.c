#include "net/tls_slot.h"

void tls_slot_init(struct tls_slot *s, struct tls_context *context)
{
	pthread_mutex_init(&s->lock, NULL);
	s->context = tls_context_ref(context);
}

void tls_slot_deinit(struct tls_slot *s)
{
	s->context = tls_context_unref(s->context);
	pthread_mutex_destroy(&s->lock);
}

void tls_slot_set(struct tls_slot *s, struct tls_context *context)
{
	pthread_mutex_lock(&s->lock);
	tls_context_unref(s->context);
	s->context = tls_context_ref(context);
	pthread_mutex_unlock(&s->lock);
}

struct tls_context *tls_slot_get(struct tls_slot *s)
{
	pthread_mutex_lock(&s->lock);
	struct tls_context *context = tls_context_ref(s->context);
	pthread_mutex_unlock(&s->lock);
	return context;
}

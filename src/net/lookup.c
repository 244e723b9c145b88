/*
 * What both threads know is counted by references: the loop's and the look-up's own thread have one
 * each, and whoever is last frees it. The answer is told by an eventfd(2), which is one more source
 * of the loop.
 */

#include "net/lookup.h"

#include "base/cleanup.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { STACK_SIZE = 512 * 1024 };

struct lookup {
	struct list node; /* of the loop's look-ups */
	struct loop *loop;
	struct source source;
	struct list askers;
	atomic_int references;
	int event;
	struct addrinfo hints;
	char host[NI_MAXHOST];
	/* The answer, written before `event` is. */
	int error;
	int number;
	struct addrinfo *list;
};

static void lookup_release(struct lookup *k)
{
	if (atomic_fetch_sub(&k->references, 1) > 1)
		return;
	if (k->list)
		freeaddrinfo(k->list);
	if (k->event >= 0)
		close(k->event);
	free(k);
}

/* ---- the thread ---- */

static void *lookup_main(void *data)
{
	struct lookup *k = data;
	uint64_t one = 1;

	errno = 0;
	k->error = getaddrinfo(k->host, NULL, &k->hints, &k->list);
	k->number = errno;
	if (k->error)
		k->list = NULL;
	if (write(k->event, &one, sizeof(one)) != sizeof(one))
		abort(); /* an eventfd takes a one at any time */
	lookup_release(k);
	return NULL;
}

/* Detached, with all signals blocked. */
static int lookup_run(struct lookup *k)
{
	pthread_attr_t attributes;
	pthread_t thread;
	sigset_t all, before;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	atomic_fetch_add(&k->references, 1);
	int error = pthread_create(&thread, &attributes, lookup_main, k);
	if (error)
		atomic_fetch_sub(&k->references, 1);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return -error;
}

/* ---- the loop ---- */

/* The loop has no more to do with it. */
static void lookup_leave(struct lookup *k)
{
	list_unlink(&k->node);
	source_remove(k->loop, &k->source);
	lookup_release(k);
}

static void lookup_on_answer(struct source *source, uint32_t events)
{
	struct lookup *k = container_of(source, struct lookup, source);
	struct list askers = LIST_INIT(askers);

	if (!(events & EPOLLIN))
		return;
	list_unlink(&k->node); /* who asks from now on asks anew */
	list_splice(&askers, &k->askers);
	while (!list_empty(&askers)) {
		struct lookup_asker *a = container_of(askers.next, struct lookup_asker, node);
		list_unlink(&a->node);
		a->lookup = NULL;
		a->done(a, k->error, k->number, k->list);
	}
	lookup_leave(k);
}

static struct lookup *lookup_find(struct loop *l, const char *host, const struct addrinfo *hints)
{
	list_each (node, &l->lookups) {
		struct lookup *k = container_of(node, struct lookup, node);
		if (!strcmp(k->host, host) && k->hints.ai_family == hints->ai_family &&
			k->hints.ai_socktype == hints->ai_socktype)
			return k;
	}
	return NULL;
}

static int lookup_begin(struct lookup *k)
{
	k->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int r = k->event < 0 ? -errno : 0;
	if (!r)
		r = source_add(k->loop, &k->source, k->event, lookup_on_answer);
	return r ? r : lookup_run(k);
}

static int lookup_new(
	struct lookup **out, struct loop *l, const char *host, const struct addrinfo *hints)
{
	struct lookup *k = calloc(1, sizeof(*k));

	if (!k)
		return -ENOMEM;
	k->loop = l;
	k->source = SOURCE_NULL;
	k->event = -1;
	k->hints = *hints;
	atomic_init(&k->references, 1);
	list_init(&k->askers);
	snprintf(k->host, sizeof(k->host), "%s", host);
	list_push(&l->lookups, &k->node);
	int r = lookup_begin(k);
	if (r < 0)
		lookup_leave(k);
	else
		*out = k;
	return r;
}

int lookup_start(struct lookup_asker *a, struct loop *l, const char *host,
	const struct addrinfo *hints,
	void (*done)(struct lookup_asker *a, int error, int number, const struct addrinfo *list))
{
	struct lookup *k = lookup_find(l, host, hints);
	int r = k ? 0 : lookup_new(&k, l, host, hints);

	*a = (struct lookup_asker){.done = done};
	list_init(&a->node);
	if (r < 0)
		return r;
	a->lookup = k;
	list_push(&k->askers, &a->node);
	return 0;
}

/* The look-up goes on as long as somebody asks. While an answer is handed out its askers are not
 * all on its list, and who hands it out frees it. */
void lookup_cancel(struct lookup_asker *a)
{
	struct lookup *k = take(a->lookup);

	if (!k)
		return;
	list_unlink(&a->node);
	if (list_empty(&k->askers) && !list_empty(&k->node))
		lookup_leave(k);
}

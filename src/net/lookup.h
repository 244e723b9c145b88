#pragma once

/*
 * Look-up: a name given to getaddrinfo(3), without waiting for it
 *
 * A resolver that is silent keeps getaddrinfo(3) for many seconds, and nothing can end it. So each
 * look-up has a thread of its own, and whoever gives up leaves it behind: it ends by itself, be it
 * with the process. (libuv's threads are few, are needed for files as well, and are waited for when
 * a loop or the process ends.) Those who ask for the same name at the same time share one look-up,
 * so a silent resolver costs a thread for each name and not for each connection.
 */

#include "net/loop.h"

#include <netdb.h>

/* Whoever asks: part of something that lives until DONE was called or lookup_cancel(). */
struct lookup_asker {
	struct list node;
	struct lookup *lookup; /* NULL: it is over */
	/* Once, in a later turn. ERROR is 0 or one of EAI_…, with EAI_SYSTEM the errno is NUMBER;
	 * LIST lives as long as the call. */
	void (*done)(struct lookup_asker *a, int error, int number, const struct addrinfo *list);
};

/* Asks for HOST, by HINTS of which family and type count. 0, or a negative errno and DONE is never
 * called. */
int lookup_start(struct lookup_asker *a, struct loop *l, const char *host,
	const struct addrinfo *hints,
	void (*done)(struct lookup_asker *a, int error, int number, const struct addrinfo *list));

/* DONE will not be called any more. Safe when it is over. */
void lookup_cancel(struct lookup_asker *a);

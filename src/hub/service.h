#pragma once

/*
 * Services: who asks, who answers, and which of them meet
 *
 * A service is a name. Askers bring calls, servers come to take one each time they are free. Both
 * wait in order of arrival, so a call goes to the server that has waited longest, and to one only.
 * Since one of the two queues is always empty, a service is at any time short of calls or of
 * servers, never both.
 *
 * A service is served as long as a server waits, a call is being answered, or the last answer is
 * less than SERVICES_GRACE_MS old: a server that takes one call after the other is away for a
 * moment between two. When it is served no more, those who still wait for it are told.
 *
 * The structures live in what their owner has for an asker and a server; nothing here is copied.
 * Time is handed in, in milliseconds of any clock that does not go back.
 */

#include "base/list.h"
#include "hub/name.h"
#include "hub/table.h"

enum { SERVICES_GRACE_MS = 2000, CALL_ID_SIZE = 33, SERVICES_RANDOM = 32 };

struct service;

/* Something that is due at a time, on a list that is in order of time. */
struct due {
	struct list node;
	uint64_t at_ms;
};

struct call {
	struct list node; /* in the queue of its service */
	struct due due;	  /* when an answer must have begun */
	struct table_node by_id;
	struct service *service; /* NULL when the call is over */
	char id[CALL_ID_SIZE];	 /* cannot be guessed, as it is all that a server shows */
	bool given;		 /* to a server */
};

/* A server that waits for a call. */
struct taker {
	struct list node;
	struct due due;
	struct service *service; /* NULL when it does not wait */
};

/* How a call can fail; outcomes of call_start() and what `failed` is told. */
enum call_failure {
	CALL_UNSERVED = 1, /* no one serves this */
	CALL_FULL,	   /* too many wait already */
	CALL_LATE,	   /* no answer in time */
};

struct services_options {
	size_t max_queue;				/* calls that wait for one service */
	size_t max_queued;				/* and for all of them together */
	void (*given)(struct call *c, struct taker *t); /* neither waits any more */
	void (*failed)(struct call *c, enum call_failure how);
	void (*idle)(struct taker *t); /* no call came in time; it waits no more */
};

struct services_counters {
	uint64_t calls; /* that were let in */
	uint64_t unserved;
	uint64_t full;
	uint64_t late;
	size_t queued;	/* now */
	size_t running; /* given and not over, now */
	size_t takers;	/* now */
};

struct services {
	struct services_options options;
	struct services_counters counters;
	struct table names;
	struct table ids;
	struct list due;		  /* calls */
	struct list idle;		  /* takers */
	uint64_t random[SERVICES_RANDOM]; /* for ids, fetched many at a time */
	size_t random_left;
	struct list lapses; /* services that are no longer served when nobody comes until then */
};

struct service {
	struct table_node by_name;
	struct list queue;  /* calls; empty when a server waits */
	struct list takers; /* the one that has waited longest first */
	struct due lapse;
	size_t queued;
	size_t waiting; /* servers */
	size_t running;
	uint64_t seen_ms; /* the last answer; 0: none yet */
	char name[NAME_MAX_LEN];
};

void services_init(struct services *s, const struct services_options *options);
/* No call and no taker may be left. */
void services_deinit(struct services *s);

void call_init(struct call *c);

/* Lets C in: it has been `given` when this returns, or waits. Its answer must begin by DUE_MS. 0; a
 * call_failure, and `failed` is not called; or a negative errno. NAME must be valid. */
int call_start(
	struct services *s, struct call *c, struct bytes name, uint64_t now, uint64_t due_ms);

/* The call that was given under ID to a server of NAME, or NULL. */
struct call *call_find(const struct services *s, struct bytes name, struct bytes id);

/* An answer begins: it may take as long as it takes. */
void call_begin_answer(struct call *c);

/* The call is over: answered, or its asker is gone. LOST when its server is: that is no sign of
 * one. `failed` is not called. Safe twice and on one that never started. */
void call_end(struct services *s, struct call *c, uint64_t now, bool lost);

/* The server that C was given to is gone, and nothing of an answer has begun: C waits again, before
 * all others, under a new id. 0, and it may have been `given` when this returns; or a negative
 * errno, and it is as it was. */
int call_again(struct services *s, struct call *c, uint64_t now);

void taker_init(struct taker *t);

/* T serves NAME, and waits until DUE_MS (UINT64_MAX: for ever): it has been `given` a call when
 * this returns, or will be. 0, or -ENOMEM. */
int taker_wait(
	struct services *s, struct taker *t, struct bytes name, uint64_t now, uint64_t due_ms);

/* T waits no more. Safe on one that does not. */
void taker_leave(struct services *s, struct taker *t, uint64_t now);

/* Tells all those whose time has come by NOW. */
void services_expire(struct services *s, uint64_t now);

/* When services_expire() has something to do, UINT64_MAX for never. */
uint64_t services_next_due(const struct services *s);

/* What GET /services/ shows. */
void services_each(const struct services *s,
	void (*visit)(void *data, const struct service *service), void *data);

#pragma once

/*
 * Where a hub keeps its messages: from the word after --store to an open store.
 */

#include "base/fault.h"
#include "hub/store.h"

/* What is kept; 0: the store's own default. */
struct keep {
	uint64_t max_bytes;
	uint64_t max_messages;
	uint64_t max_age_ms;
};

/* Whether TEXT is the path of a file. */
bool keep_is_file(const char *text);

/* Whether it is a server that is reached over TLS. */
bool keep_is_secure(const char *text);

/* The TCP port of a store that is a URL. */
uint16_t keep_port(const char *url);

/* TEXT is `memory`, the path of an SQLite file, nats://HOST or tls://HOST. WAKE is called from any
 * thread when store_poll is wanted. 0, or a negative errno with a line in WHY. May block. */
int keep_open(struct store **store, const char *text, const struct keep *keep,
	void (*wake)(void *data), void *data, struct fault *why);

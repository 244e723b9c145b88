#pragma once

/*
 * A probe asks an address again and again until it is in service.
 *
 * What that means depends on what can be known. A connection that is accepted and not closed at
 * once will do (proxies accept for servers that are not there, and then close); or a line that the
 * server says, or its answer to an HTTP request. Nobody accepts datagrams: a UDP port counts as
 * open when an empty packet to it is not refused (by ICMP), a Unix socket when it is bound. Where
 * TLS is spoken, what counts begins behind the handshake.
 */

#include "net/address.h"
#include "net/loop.h"
#include "net/trust.h"

#include <regex.h>

struct probe;

struct probe_options {
	const char *http;    /* a path that must be answered with 2xx or 3xx, or NULL */
	const regex_t *line; /* what a line that the server says must match, or NULL */
	struct trust *trust; /* judges the keys behind TLS */
};

/* Asks until DONE is called, in a later turn, once: it is up; or it never will be, as its key is
 * not to be trusted. The address is copied, the options' own are not. 0; -EINVAL when nothing can
 * be known of such an address; -ENOMEM. */
int probe_start(struct probe **out, struct loop *l, const struct address *a,
	const struct probe_options *options, void (*done)(void *arg, struct probe *p), void *arg,
	struct fault *why);

bool probe_is_up(const struct probe *p);

/* Why it is not in service, as far as is known by now. */
const char *probe_why(const struct probe *p);

/* Takes NULL; returns NULL. Not to be called from within DONE. */
struct probe *probe_free(struct probe *p);

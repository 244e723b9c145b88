#pragma once

/*
 * Proxies: whose connection it is, as a proxy in front of the hub says
 *
 * An address with `?proxy=v1` or `v2` takes only connections that begin with a header of the PROXY
 * protocol (wire/proxy.h), and only from whom it trusts: the networks of `?trust=`, else this
 * machine. The header is looked at before there is a connection; then the peer that it names counts
 * as the peer, in the log, for networks and for limits. A header that names nobody (the proxy's own
 * checks) leaves things as they are.
 */

#include "base/fault.h"
#include "net/channel.h"
#include "net/deadline.h"

struct entrance;
struct server;

struct proxies {
	struct server *server;
	struct list waiting; /* for their header */
	size_t count;
	struct deadlines wait; /* 5 s */
};

/* 0 or -ENOMEM. */
int proxies_init(struct proxies *p, struct server *s);
void proxies_deinit(struct proxies *p);

/* Whether E wants headers. */
bool proxies_stand_before(const struct entrance *e);

/* 0; -EINVAL with a line when E is of packets, which have none. */
int proxies_check(const struct entrance *e, struct fault *why);

/* Takes CHANNEL over, and lets it in at E (server_let_in()) once its header has come. */
void proxies_await(struct proxies *p, struct entrance *e, struct channel *channel);

/* The server stops: who has shown no header is closed. */
void proxies_close(struct proxies *p);

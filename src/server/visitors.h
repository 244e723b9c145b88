#pragma once

/*
 * Visitors: who is here, by Internet address, so that one machine cannot take all places, and what
 * each has sent and fetched, so that coming again brings no new allowance. A network of 64 bits
 * counts as one address in IPv6, since that is what one customer is given. Over sockets of other
 * kinds each client is a visitor of its own.
 */

#include "base/list.h"
#include "hub/table.h"
#include "net/endpoint.h"
#include "server/rate.h"
#include "server/turns.h"

enum { VISITOR_KEY_MAX = 8 };

struct visitor {
	struct table_node node; /* without a key when it has no address */
	struct list gone;	/* on visitors.gone */
	uint64_t clients;	/* of it that are here */
	struct rate rate;
	struct turns_line hellos; /* of those who wait for a TLS handshake */
	bool is_local;
	uint8_t key[VISITOR_KEY_MAX];
};

struct visitors {
	struct table table;
	struct list gone;   /* have left, but not paid for what they did */
	uint64_t max;	    /* clients from one address */
	bool limits_locals; /* those of this machine too */
	bool accounts;	    /* what they send and fetch */
};

void visitors_init(struct visitors *v, uint64_t max, bool limits_locals, bool accounts);

/* All clients must have left. */
void visitors_deinit(struct visitors *v);

/* Whether one more from there may come in. */
bool visitors_has_room(const struct visitors *v, const struct endpoint *from);

/* Counts one. NULL for one of no address that has no account, and when memory is out. */
struct visitor *visitors_enter(struct visitors *v, const struct endpoint *from);

/* Takes NULL. */
void visitors_leave(struct visitors *v, struct visitor *who, uint64_t now_ms);

/* Forgets those that are gone and even. */
void visitors_tidy(struct visitors *v, uint64_t now_ms);

#pragma once

/*
 * A crossing is one connection at FROM joined to one at TO: two legs, two flows, and how it goes
 * from accepting to the end. Private to the relay, which owns it and is told when it is over.
 */

#include "net/cidr.h"
#include "net/deadline.h"
#include "net/dial.h"
#include "net/trust.h"
#include "relay/flow.h"
#include "relay/relay.h"

struct route {
	struct relay *relay;
	struct list node;
	struct listener listener;
	struct tls_slot *slot; /* of those who come, NULL: they speak no TLS */
	struct address *to;
	size_t to_count;
	int proxy; /* version of the header that connections begin with, 0: none */
	struct cidr *trust;
	size_t trust_count;
	size_t sessions;	 /* with senders of datagrams */
	bool single;		 /* one connection, then it is over */
	bool waiting;		 /* for room in the quota */
	struct list *senders;	 /* crossings of datagram senders, by the hash of their address */
	struct crossing *only;	 /* the one session of senders, where the target is single */
	struct crossing *queued; /* accepted, but the quota was full */
	struct crossing *slow;	 /* whose target holds up senders that can wait (unix:) */
};

struct crossing {
	struct relay *relay;
	struct route *route;
	struct list node;   /* of the relay */
	struct list sender; /* of the route, alone where it has none */
	struct leg from;
	struct leg to;
	struct flow there;
	struct flow back;
	struct flow_watch watch;
	struct dial *dial;
	struct trust_check check; /* of the target's key */
	size_t target;		  /* the one that is dialled */
	struct buffer early;	  /* packets that came before the target was there, with lengths */
	struct endpoint source;	  /* of the PROXY header, or the peer's */
	struct endpoint via;	  /* what the source connected to */
	struct deadline wait; /* idle, or for the PROXY header, for TLS, or for the last datagram */
	uint64_t id;
	uint64_t offset[2]; /* of what was shown, there and back */
	uint64_t began_ms;
	uint64_t began_real_ms;
	uint64_t joined_ms;
	bool admitted; /* it has a place in the quota */
	bool joined;
	bool header;  /* its PROXY header has yet to come */
	bool shaking; /* hands, with who came or with the target: TLS is not established */
	struct fault why;
};

struct relay {
	struct loop *loop;
	struct relay_options options;
	struct list routes;
	struct list crossings;
	struct deadlines idle;
	struct deadlines datagram_idle;
	struct deadlines last_datagram;
	struct deadlines start;
	struct ending settled; /* tells that nothing is left */
	uint64_t next_id;
	bool stopping; /* nobody new is let in */
};

/* Takes what is in the channel. One that is not ADMITTED, for want of a place in the quota, waits
 * as the route's `queued` until crossing_admit(). What cannot even begin is told as ended. */
void crossing_open(struct route *route, struct channel *c, bool admitted);
void crossing_admit(struct crossing *c);

/* A session with the sender of datagrams, for whom a place was taken. NULL when memory is out. */
struct crossing *crossing_open_sender(struct route *route, const struct packet *p);

/* A packet that its sender sent. */
void crossing_push(struct crossing *c, struct bytes packet);

/* True while packets wait for the target. */
bool crossing_is_held_up(const struct crossing *c);

void crossing_close(struct crossing *c, enum crossing_end end, int error);

/* The time for which nothing may move begins anew; how long that is depends on what C waits for. */
void crossing_moved(struct crossing *c);

/* The deadline that the relay's timers tell of. */
void crossing_on_idle(struct deadlines *d, struct deadline *which);
void crossing_on_last_datagram(struct deadlines *d, struct deadline *which);
void crossing_on_no_start(struct deadlines *d, struct deadline *which);

/* The target that is tried, or was reached. */
static inline const struct address *crossing_target(const struct crossing *c)
{
	return &c->route->to[c->target];
}

/* TLS (crossing_tls.c): begins it with whoever came, or with the target. 0 or a negative errno. */
int crossing_start_tls_from(struct crossing *c);
int crossing_start_tls_to(struct crossing *c);

/* Goes on with the handshake: 0 when it is done, -EAGAIN, or what failed, with the line in `why`.
 */
int crossing_shake_hands(struct crossing *c, struct leg *leg);

/* From the relay: its `slow` one holds it up no more. */
void route_go_on(struct route *route);

/* From the relay: the crossing is off its lists, told of and its place given back; it is freed
 * next. */
void relay_forget(struct relay *r, struct crossing *c, enum crossing_end end, int error);

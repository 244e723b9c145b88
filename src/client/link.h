#pragma once

/*
 * Link: the one connection that a session has at a time, from dialling to its end, and an alarm.
 *
 * It hands over what has come until the owner has taken it: bytes that are left are kept and given
 * again with what comes behind them, so an owner that wants a whole head or a whole frame needs no
 * buffer of its own.
 *
 * The callbacks may call anything here, link_deinit() included; the memory must stay until the turn
 * ends. After `failed` the link is closed and may dial again.
 */

#include "base/fault.h"
#include "net/address.h"
#include "net/deadline.h"
#include "net/dial.h"
#include "net/stream.h"
#include "net/trust.h"

struct link;

struct link_handler {
	void (*connected)(struct link *l);
	/* Takes what it can of DATA; the number of bytes taken. */
	size_t (*received)(struct link *l, struct bytes data);
	/* The peer sends no more; what was left over has been offered before. */
	void (*ended)(struct link *l);
	void (*writable)(struct link *l);
	void (*failed)(struct link *l, const struct fault *why);
	/* The time set by link_alarm() has passed. */
	void (*alarmed)(struct link *l);
};

struct link {
	struct loop *loop;
	struct trust *trust;
	const char *token; /* that is shown on it, or NULL */
	const struct link_handler *handler;
	struct dial *dial;
	struct child *child; /* at the other end of an exec: address */
	struct stream stream;
	struct buffer held;
	uv_timer_t *timer;
	struct address address;	  /* of a hub that TLS is spoken with */
	struct trust_check check; /* of its key, */
	struct deadlines limit;	  /* and how long that may take */
	struct deadline late;
	uint64_t until_ms; /* `connected` must have come */
	bool shaking;	   /* hands: TLS is not established */
	bool http;	   /* is what is spoken, unless the owner says otherwise before it dials */
};

#define LINK_NULL ((struct link){.stream = STREAM_NULL, .address = ADDRESS_NULL})

/* 0 or -ENOMEM. TRUST (which must stay) judges whom TLS addresses lead to, and has the token that
 * is shown there; without one, NULL, there is neither. A link that has a token fails, with -EACCES,
 * rather than to connect through a network where others could read it. */
int link_init(
	struct link *l, struct loop *loop, struct trust *trust, const struct link_handler *handler);

/* Safe on LINK_NULL and twice. */
void link_deinit(struct link *l);

/* Starts to connect to A, and to speak TLS where that says so; `connected` or `failed` comes in a
 * later turn, after TIMEOUT_MS at the latest. 0, or -ENOMEM and neither comes. */
int link_dial(struct link *l, const struct address *a, uint64_t timeout_ms);

/* Ends whatever is there, without a callback; what waits to be sent is lost. Clears the alarm. The
 * bytes that were being handed over stay until the next link_dial(). */
void link_close(struct link *l);

static inline bool link_is_connected(const struct link *l)
{
	return stream_is_open(&l->stream);
}

/* Rings once in MS, instead of what was set before; 0 clears it. */
void link_alarm(struct link *l, uint64_t ms);

/* Offers what is held once more. */
void link_feed(struct link *l);

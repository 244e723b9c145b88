#pragma once

/*
 * Pace: what the hub holds in memory for an HTTP client has to move
 *
 * A head that does not end, a message whose body trickles in, an answer that nobody reads: each
 * costs the client next to nothing and the hub memory. So a head has to be whole within the time of
 * server_options.patience_ms, and of a body or an answer 500 bytes a second must have moved in such
 * a time, or the client is told (408) and closed. Bodies that go through as they come (files,
 * requests and replies, lines of messages) are not held, and may take their time.
 */

struct exchange;

/* The client owes something from now on: the rest of a head or of a body, or to read the answer. */
void pace_start(struct exchange *x);

/* It owes nothing more. */
void pace_stop(struct exchange *x);

/* The time is over. */
void pace_check(struct exchange *x);

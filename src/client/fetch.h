#pragma once

/*
 * Fetch: one answer of a hub to one GET, for commands that ask and are done. Blocks.
 */

#include "base/bytes.h"
#include "base/fault.h"
#include "net/trust.h"

/* Appends the body of what the hub at ADDRESS has at TARGET ("/status") to BODY. TRUST is as
 * link_init() wants it. 0, or a negative
 * errno with a line in WHY: not reachable, not let in, no hub, not there within TIMEOUT_MS. */
int fetch(const char *address, struct trust *trust, const char *target, uint64_t timeout_ms,
	struct buffer *body, struct fault *why);

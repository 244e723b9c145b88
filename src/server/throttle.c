#include "server/throttle.h"

#include <stddef.h>
#include <string.h>

/* FNV-1a, of what is before the last colon. */
static uint64_t throttle_hash(const char *peer)
{
	const char *port = strrchr(peer, ':');
	size_t len = port ? (size_t)(port - peer) : strlen(peer);
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (uint8_t)peer[i]) * 0x100000001b3;
	return hash ? hash : 1;
}

bool throttle_take(struct throttle *t, const char *peer, uint64_t now_ms)
{
	uint64_t address = throttle_hash(peer);
	struct throttle_slot *slot = &t->slots[address % THROTTLE_SLOTS];

	if (slot->address != address || slot->until_ms < now_ms)
		*slot = (struct throttle_slot){address, now_ms};
	if (slot->until_ms >= now_ms + (uint64_t)THROTTLE_BURST * THROTTLE_STEP_MS)
		return false;
	slot->until_ms += THROTTLE_STEP_MS;
	return true;
}

#include "server/throttle.h"

#include "base/bytes.h"

#include <arpa/inet.h>

enum { NETWORK_SIZE = 8 };

/* The network of PEER, which begins with an IPv6 address in brackets. False when it does not. */
static bool throttle_network(const char *peer, uint8_t network[NETWORK_SIZE])
{
	char host[INET6_ADDRSTRLEN] = "";
	struct in6_addr six;
	size_t len = *peer == '[' ? strcspn(peer + 1, "%]") : 0;

	if (len < sizeof(host))
		memcpy(host, peer + 1, len);
	if (inet_pton(AF_INET6, host, &six) != 1)
		return false;
	memcpy(network, &six, NETWORK_SIZE);
	return true;
}

static uint64_t throttle_hash(const char *peer)
{
	uint8_t network[NETWORK_SIZE];
	const char *port = strrchr(peer, ':');
	struct bytes host = port ? bytes_of(peer, (size_t)(port - peer)) : bytes_text(peer);

	if (throttle_network(peer, network))
		host = bytes_of(network, NETWORK_SIZE);
	uint64_t hash = bytes_hash(host);
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

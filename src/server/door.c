#include "server/door.h"

#include "server/exchange.h"
#include "server/plain.h"
#include "server/server.h"
#include "server/tls_door.h"
#include "wire/sniff.h"

#include <string.h>

static size_t door_received(struct connection *c, struct bytes data)
{
	struct server *s = c->server;

	switch (sniffer_look(&c->state.sniffer, data)) {
	case SNIFF_MORE:
		deadline_set(&s->doubt, &c->rest);
		return 0;
	case SNIFF_MORE_BRIEFLY:
		deadline_set(&s->rest, &c->rest);
		return 0;
	case SNIFF_HTTP:
		deadline_clear(&c->rest);
		http_open(c);
		return 0;
	case SNIFF_TLS:
		if (tls_door_is_behind(c))
			connection_close(c); /* once is enough */
		else
			tls_door_open(c);
		return 0;
	default:
		deadline_clear(&c->rest);
		plain_open(c);
		return 0;
	}
}

/* It could have become a request, but nothing came. */
static void door_rested(struct connection *c)
{
	plain_open(c);
}

static void door_ended(struct connection *c)
{
	if (!buffer_len(&c->held)) {
		connection_close(c);
		return;
	}
	plain_open(c);
	connection_proceed(c);
}

static void door_lost(struct connection *c)
{
	if (!buffer_len(&c->held))
		return;
	plain_open(c);
	connection_proceed(c);
	c->protocol->lost(c);
}

static const struct protocol door_protocol = {
	.name = "undecided",
	.received = door_received,
	.rested = door_rested,
	.ended = door_ended,
	.lost = door_lost,
};

static void door_sniff(struct connection *c)
{
	c->state.sniffer = SNIFFER_NULL;
	connection_speak(c, &door_protocol);
}

void door_choose(struct connection *c)
{
	const char *wire = c->entrance->listener.address.options[ADDRESS_WIRE];

	if (c->stream.packets || (wire && !strcmp(wire, "plain")))
		plain_open(c);
	else if (wire && !strcmp(wire, "http"))
		http_open(c);
	else
		door_sniff(c);
	if ((c->refused || c->barred) && c->protocol == &door_protocol)
		deadline_set(&c->server->doubt, &c->rest); /* no longer than it takes to ask */
}

void door_open(struct connection *c)
{
	if (c->entrance->listener.address.scheme->tls)
		tls_door_open(c);
	else
		door_choose(c);
}

#include "server/proxies.h"

#include "base/log.h"
#include "net/cidr.h"
#include "net/sys.h"
#include "server/server.h"
#include "wire/proxy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

enum { PROXIES_MAX = 1024, PROXIES_WAIT_MS = 5000 };

/* A connection whose header has not come. */
struct proxied {
	struct list node;
	struct proxies *proxies;
	struct entrance *entrance;
	struct channel channel;
	struct source source;
	struct deadline wait;
};

static void proxied_free(struct proxied *c)
{
	deadline_clear(&c->wait);
	source_remove(c->proxies->server->loop, &c->source);
	list_unlink(&c->node);
	c->proxies->count--;
	channel_deinit(&c->channel);
	free(c);
}

static void proxied_refuse(struct proxied *c, const char *why)
{
	struct server *s = c->proxies->server;

	s->counters.denied++;
	if (throttle_take(&s->throttle, c->channel.name, loop_now(s->loop)))
		log_note("%s: %s", c->channel.name, why);
	proxied_free(c);
}

static int proxied_version(const struct entrance *e)
{
	const char *version = e->listener.address.options[ADDRESS_PROXY];

	return version ? version[1] - '0' : 0;
}

/* ---- the header ---- */

static bool proxied_name(struct proxied *c, const struct proxy_header *h, int version)
{
	static const int families[] = {
		[PROXY_INET] = AF_INET, [PROXY_INET6] = AF_INET6, [PROXY_UNIX] = AF_UNIX};
	struct endpoint from = {.type = SOCK_STREAM};

	if (h->family == PROXY_UNKNOWN)
		return true;
	if (endpoint_read(&from, families[h->family], version == 1, h->from, h->from_port) < 0)
		return false;
	c->channel.peer = from;
	endpoint_format(&from, c->channel.name);
	return true;
}

/* Looks without taking; then takes just the header, so that nobody behind has to know of it. */
static void proxied_on_ready(struct source *source, uint32_t events)
{
	struct proxied *c = container_of(source, struct proxied, source);
	int version = proxied_version(c->entrance);
	uint8_t seen[PROXY_V2_MAX];
	const char *detail = "it is cut off";
	struct proxy_header h;

	ssize_t n = sys_recv(c->channel.in, seen, sizeof(seen), MSG_PEEK | MSG_DONTWAIT);
	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		proxied_free(c);
		return;
	}
	struct bytes input = bytes_of(seen, (size_t)n);
	int r = proxy_decode(version, &input, &h, &detail);
	if (r == PROXY_MORE && !(events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
		return;
	if (r || !proxied_name(c, &h, version)) {
		char why[128];
		snprintf(why, sizeof(why), "no PROXY header of version %d: %s", version,
			r ? detail : "an address is none");
		proxied_refuse(c, why);
		return;
	}
	sys_recv(c->channel.in, seen, (size_t)n - input.len, MSG_DONTWAIT);
	source_remove(c->proxies->server->loop, &c->source);
	server_let_in(c->entrance, &c->channel);
	proxied_free(c);
}

static void proxies_on_late(struct deadlines *d, struct deadline *which)
{
	proxied_refuse(container_of(which, struct proxied, wait), "no PROXY header came in time");
}

/* ---- who may name others ---- */

static bool proxies_trust(const struct entrance *e, const struct endpoint *peer)
{
	const char *text = e->listener.address.options[ADDRESS_TRUST];
	struct bytes rest = text ? bytes_text(text) : BYTES_NULL, one;
	struct cidr network;

	if (!text)
		return endpoint_is_local(peer);
	while (rest.data) {
		if (!bytes_cut(&rest, ',', &one)) {
			one = rest;
			rest = BYTES_NULL;
		}
		if (cidr_parse(&network, one) == 0 && cidr_contains(&network, peer))
			return true;
	}
	return false;
}

void proxies_await(struct proxies *p, struct entrance *e, struct channel *channel)
{
	struct proxied *c = p->count < PROXIES_MAX ? calloc(1, sizeof(*c)) : NULL;

	if (!c) {
		p->server->counters.refused++;
		return;
	}
	c->proxies = p;
	c->entrance = e;
	c->channel = *channel;
	*channel = CHANNEL_NULL;
	c->source = SOURCE_NULL;
	deadline_init(&c->wait);
	list_push(&p->waiting, &c->node);
	p->count++;
	if (!proxies_trust(e, &c->channel.peer))
		proxied_refuse(c, "is not trusted to send a PROXY header (?trust=)");
	else if (source_add(p->server->loop, &c->source, c->channel.in, proxied_on_ready) < 0)
		proxied_free(c);
	else
		deadline_set(&p->wait, &c->wait);
}

/* ---- life ---- */

bool proxies_stand_before(const struct entrance *e)
{
	return proxied_version(e);
}

int proxies_check(const struct entrance *e, struct fault *why)
{
	if (!proxied_version(e) || e->listener.address.type == SOCK_STREAM)
		return 0;
	return fault_set(why, -EINVAL, "a PROXY header needs a stream (?proxy=)");
}

int proxies_init(struct proxies *p, struct server *s)
{
	p->server = s;
	list_init(&p->waiting);
	return deadlines_init(&p->wait, s->loop, PROXIES_WAIT_MS, proxies_on_late);
}

void proxies_close(struct proxies *p)
{
	list_each_safe (node, &p->waiting)
		proxied_free(container_of(node, struct proxied, node));
}

void proxies_deinit(struct proxies *p)
{
	if (!p->server)
		return;
	proxies_close(p);
	deadlines_deinit(&p->wait);
}

#include "net/resolve.h"

#include "net/lookup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

/* What is kept of an address while its host is looked up. */
struct question {
	int family;
	int type;
	int protocol;
	uint16_t port;
	char host[NI_MAXHOST];
};

struct resolve {
	struct lookup_asker asker;
	uv_timer_t timer; /* brings an answer that needed no look-up, in a later turn */
	bool answered;	  /* the timer is in use, and nothing is asked */
	struct question question;
	struct resolved found;
	struct fault why;
	int error;
	void (*done)(void *arg, int error, const struct resolved *found, const struct fault *why);
	void *arg;
};

static void question_init(struct question *q, const struct address *a)
{
	*q = (struct question){
		.family = a->scheme->family,
		.type = a->type,
		.protocol = a->scheme->protocol,
		.port = (uint16_t)a->port,
	};
	snprintf(q->host, sizeof(q->host), "%s", a->host);
}

static void resolved_add(struct resolved *found, const struct question *q,
	const struct sockaddr *addr, socklen_t len)
{
	if (found->count == RESOLVE_MAX || (q->family && q->family != addr->sa_family))
		return;
	struct endpoint *e = &found->endpoints[found->count++];
	*e = (struct endpoint){.type = q->type, .protocol = q->protocol, .len = len};
	memcpy(&e->addr, addr, len);
	endpoint_set_port(e, q->port);
}

static void resolved_add_inet(struct resolved *found, const struct question *q, struct in_addr addr)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = addr};

	resolved_add(found, q, (struct sockaddr *)&in, sizeof(in));
}

static void resolved_add_inet6(
	struct resolved *found, const struct question *q, struct in6_addr addr, uint32_t scope)
{
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6,
		.sin6_addr = addr,
		.sin6_scope_id = scope,
	};

	resolved_add(found, q, (struct sockaddr *)&in6, sizeof(in6));
}

/* An interface's index from its name, or written as a number. */
static uint32_t scope_index(const char *scope)
{
	uint32_t index = if_nametoindex(scope);

	return index ? index : (uint32_t)strtoul(scope, NULL, 10);
}

static int resolve_ipv6(struct resolved *found, const struct question *q, struct fault *why)
{
	char host[INET6_ADDRSTRLEN];
	struct in6_addr in6;
	uint32_t scope = 0;
	size_t len = strcspn(q->host, "%");

	snprintf(host, sizeof(host), "%.*s", (int)len, q->host);
	if (inet_pton(AF_INET6, host, &in6) != 1)
		return fault_set(why, -EINVAL, "'%s' is not an IPv6 address", q->host);
	if (q->host[len]) {
		scope = scope_index(q->host + len + 1);
		if (!scope)
			return fault_set(why, -ENODEV, "no network interface is called '%s'",
				q->host + len + 1);
	}
	resolved_add_inet6(found, q, in6, scope);
	return 0;
}

/* What needs no look-up; true when the question is answered, by *error. */
static bool resolve_at_once(
	struct resolved *found, const struct question *q, int *error, struct fault *why)
{
	struct in_addr in;

	*error = 0;
	found->count = 0;
	if (!strcmp(q->host, "localhost")) {
		resolved_add_inet(found, q, (struct in_addr){htonl(INADDR_LOOPBACK)});
		resolved_add_inet6(found, q, in6addr_loopback, 0);
	} else if (!strcmp(q->host, "*")) {
		resolved_add_inet6(found, q, in6addr_any, 0);
		resolved_add_inet(found, q, (struct in_addr){htonl(INADDR_ANY)});
	} else if (strchr(q->host, ':')) {
		*error = resolve_ipv6(found, q, why);
	} else if (inet_pton(AF_INET, q->host, &in) == 1) {
		resolved_add_inet(found, q, in);
	} else {
		return false;
	}
	return true;
}

bool resolve_literal(struct endpoint *e, const struct address *a)
{
	struct resolved found;
	struct question q;
	int error;

	question_init(&q, a);
	if (!resolve_at_once(&found, &q, &error, NULL) || error || !found.count)
		return false;
	*e = found.endpoints[0];
	return true;
}

static struct addrinfo question_hints(const struct question *q)
{
	return (struct addrinfo){
		.ai_family = q->family,
		.ai_socktype = q->type == SOCK_DGRAM ? SOCK_DGRAM : SOCK_STREAM,
	};
}

static int family_of(const struct endpoint *e)
{
	return e->addr.ss_family;
}

void resolved_interleave(struct resolved *found)
{
	struct resolved old = *found;
	size_t same = 0;
	size_t other = 0;

	for (size_t i = 0; i < old.count; i++) {
		while (same < old.count &&
			family_of(&old.endpoints[same]) != family_of(&old.endpoints[0]))
			same++;
		while (other < old.count &&
			family_of(&old.endpoints[other]) == family_of(&old.endpoints[0]))
			other++;
		bool take_same = other == old.count || (i % 2 == 0 && same < old.count);
		found->endpoints[i] = old.endpoints[take_same ? same++ : other++];
	}
}

/* ERROR is one of EAI_…, NUMBER the errno of EAI_SYSTEM. */
static int resolve_finish(struct resolved *found, const struct question *q,
	const struct addrinfo *list, int error, int number, struct fault *why)
{
	if (error == EAI_MEMORY)
		return fault_errno(why, -ENOMEM, "%s", q->host);
	if (error == EAI_NONAME || error == EAI_NODATA || error == EAI_ADDRFAMILY)
		return fault_set(why, -EHOSTUNREACH, "no host is called '%s'", q->host);
	if (error)
		return fault_set(why, -EHOSTUNREACH, "the host '%s' cannot be looked up: %s",
			q->host, error == EAI_SYSTEM ? strerror(number) : gai_strerror(error));
	found->count = 0;
	for (; list; list = list->ai_next)
		resolved_add(found, q, list->ai_addr, list->ai_addrlen);
	resolved_interleave(found);
	if (!found->count)
		return fault_set(why, -EHOSTUNREACH, "the host '%s' has no address", q->host);
	return 0;
}

int resolve_wait(struct resolved *found, const struct address *a, struct fault *why)
{
	struct addrinfo *list = NULL;
	struct question q;
	int error;

	question_init(&q, a);
	if (resolve_at_once(found, &q, &error, why))
		return error;
	struct addrinfo hints = question_hints(&q);
	error = getaddrinfo(q.host, NULL, &hints, &list);
	error = resolve_finish(found, &q, error ? NULL : list, error, errno, why);
	if (list)
		freeaddrinfo(list);
	return error;
}

static void resolve_free(uv_handle_t *timer)
{
	free(timer->data);
}

static void resolve_on_timer(uv_timer_t *timer)
{
	struct resolve *r = timer->data;

	uv_close((uv_handle_t *)timer, resolve_free);
	r->done(r->arg, r->error, &r->found, &r->why);
}

static void resolve_on_answer(
	struct lookup_asker *asker, int error, int number, const struct addrinfo *list)
{
	struct resolve *r = container_of(asker, struct resolve, asker);

	error = resolve_finish(&r->found, &r->question, list, error, number, &r->why);
	r->done(r->arg, error, &r->found, &r->why);
	free(r);
}

int resolve_start(struct resolve **out, struct loop *l, const struct address *a,
	void (*done)(void *arg, int error, const struct resolved *found, const struct fault *why),
	void *arg)
{
	struct resolve *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->done = done;
	r->arg = arg;
	question_init(&r->question, a);
	r->answered = resolve_at_once(&r->found, &r->question, &r->error, &r->why);
	if (!r->answered) {
		struct addrinfo hints = question_hints(&r->question);
		r->error = lookup_start(&r->asker, l, r->question.host, &hints, resolve_on_answer);
		r->answered = r->error < 0;
		if (r->answered)
			fault_errno(&r->why, r->error, "cannot look up '%s'", r->question.host);
	}
	if (r->answered) {
		uv_timer_init(&l->uv, &r->timer);
		r->timer.data = r;
		uv_timer_start(&r->timer, resolve_on_timer, 0, 0);
	}
	*out = r;
	return 0;
}

struct resolve *resolve_cancel(struct resolve *r)
{
	if (!r)
		return NULL;
	if (r->answered) {
		uv_close((uv_handle_t *)&r->timer, resolve_free);
	} else {
		lookup_cancel(&r->asker);
		free(r);
	}
	return NULL;
}

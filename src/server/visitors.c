#include "server/visitors.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

void visitors_init(struct visitors *v, uint64_t max, bool limits_locals, bool accounts)
{
	table_init(&v->table);
	list_init(&v->gone);
	v->max = max;
	v->limits_locals = limits_locals;
	v->accounts = accounts;
}

static void visitors_forget(struct visitors *v, struct visitor *who)
{
	list_unlink(&who->gone);
	turns_line_deinit(&who->hellos);
	if (who->node.key.len)
		table_remove(&v->table, &who->node);
	free(who);
}

void visitors_tidy(struct visitors *v, uint64_t now_ms)
{
	list_each_safe (node, &v->gone) {
		struct visitor *who = container_of(node, struct visitor, gone);
		if (rate_is_even(&who->rate, now_ms))
			visitors_forget(v, who);
	}
}

void visitors_deinit(struct visitors *v)
{
	visitors_tidy(v, UINT64_MAX);
	table_deinit(&v->table);
}

/* IPv4: the address. IPv6: the network, or the IPv4 address that is mapped. Of other kinds nothing.
 */
static struct bytes visitors_key(const struct endpoint *from, uint8_t key[VISITOR_KEY_MAX])
{
	struct sockaddr_in6 six;
	struct sockaddr_in four;

	switch (from->len ? from->addr.ss_family : AF_UNSPEC) {
	case AF_INET:
		memcpy(&four, &from->addr, sizeof(four));
		memcpy(key, &four.sin_addr, 4);
		return bytes_of(key, 4);
	case AF_INET6:
		memcpy(&six, &from->addr, sizeof(six));
		if (IN6_IS_ADDR_V4MAPPED(&six.sin6_addr)) {
			memcpy(key, six.sin6_addr.s6_addr + 12, 4);
			return bytes_of(key, 4);
		}
		memcpy(key, six.sin6_addr.s6_addr, VISITOR_KEY_MAX);
		return bytes_of(key, VISITOR_KEY_MAX);
	default:
		return BYTES_NULL;
	}
}

static struct visitor *visitors_find(const struct visitors *v, struct bytes key)
{
	struct table_node *node = key.len ? table_find(&v->table, key) : NULL;

	return node ? container_of(node, struct visitor, node) : NULL;
}

bool visitors_has_room(const struct visitors *v, const struct endpoint *from)
{
	uint8_t key[VISITOR_KEY_MAX];

	const struct visitor *who = visitors_find(v, visitors_key(from, key));
	return !who || who->clients < v->max || (who->is_local && !v->limits_locals);
}

static struct visitor *visitors_add(struct visitors *v, struct bytes key, bool is_local)
{
	struct visitor *who = calloc(1, sizeof(*who));

	if (!who)
		return NULL;
	list_init(&who->gone);
	turns_line_init(&who->hellos);
	who->is_local = is_local;
	if (!key.len)
		return who;
	memcpy(who->key, key.data, key.len);
	who->node.key = bytes_of(who->key, key.len);
	if (table_insert(&v->table, &who->node) == 0)
		return who;
	free(who);
	return NULL;
}

struct visitor *visitors_enter(struct visitors *v, const struct endpoint *from)
{
	uint8_t bytes[VISITOR_KEY_MAX];

	struct bytes key = visitors_key(from, bytes);
	struct visitor *who = visitors_find(v, key);
	if (!who && (key.len || v->accounts))
		who = visitors_add(v, key, key.len && endpoint_is_local(from));
	if (!who)
		return NULL;
	list_unlink(&who->gone);
	who->clients++;
	return who;
}

void visitors_leave(struct visitors *v, struct visitor *who, uint64_t now_ms)
{
	if (!who || --who->clients)
		return;
	if (who->node.key.len && !rate_is_even(&who->rate, now_ms))
		list_push(&v->gone, &who->gone);
	else
		visitors_forget(v, who);
}

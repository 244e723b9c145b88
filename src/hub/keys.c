#include "hub/keys.h"

#include <errno.h>
#include <stdlib.h>

#include "hub/name.h"
#include "hub/store.h"

struct key {
	struct table_node node;
	struct list order;
	struct key_use use;
	uint8_t bytes[];
};

enum { SCOPED_MAX = NAME_MAX_LEN + 1 + STORE_KEY_MAX };

/* Topic, a byte that no name has, key. */
static struct bytes key_scoped(struct bytes topic, struct bytes key, uint8_t scoped[SCOPED_MAX])
{
	memcpy(scoped, topic.data, topic.len);
	scoped[topic.len] = '\0';
	memcpy(scoped + topic.len + 1, key.data, key.len);
	return bytes_of(scoped, topic.len + 1 + key.len);
}

void keys_init(struct keys *k, size_t max)
{
	table_init(&k->table);
	list_init(&k->order);
	k->max = max;
}

static void keys_forget(struct keys *k, struct key *key)
{
	table_remove(&k->table, &key->node);
	list_unlink(&key->order);
	free(key);
}

void keys_deinit(struct keys *k)
{
	while (!list_empty(&k->order))
		keys_forget(k, container_of(k->order.next, struct key, order));
	table_deinit(&k->table);
}

uint64_t keys_hash(struct bytes body)
{
	uint64_t hash = bytes_hash(body);

	return hash ? hash : 1;
}

int keys_check(const struct key_use *use, struct bytes body)
{
	return use->body && use->body != keys_hash(body) ? -EEXIST : 0;
}

const struct key_use *keys_find(const struct keys *k, struct bytes topic, struct bytes key)
{
	uint8_t scoped[SCOPED_MAX];
	struct table_node *node = table_find(&k->table, key_scoped(topic, key, scoped));

	return node ? &container_of(node, struct key, node)->use : NULL;
}

int keys_add(struct keys *k, struct bytes topic, struct bytes key, struct key_use **use)
{
	struct key *new = malloc(sizeof(*new) + topic.len + 1 + key.len);

	if (!new)
		return -ENOMEM;
	new->node.key = bytes_of(new->bytes, topic.len + 1 + key.len);
	uint8_t scoped[SCOPED_MAX];
	memcpy(new->bytes, key_scoped(topic, key, scoped).data, new->node.key.len);
	int r = table_insert(&k->table, &new->node);
	if (r < 0) {
		free(new);
		return r;
	}
	list_push(&k->order, &new->order);
	if (k->table.count > k->max)
		keys_forget(k, container_of(k->order.next, struct key, order));
	new->use = (struct key_use){0};
	*use = &new->use;
	return 0;
}

void keys_take_back(struct keys *k)
{
	keys_forget(k, container_of(k->order.prev, struct key, order));
}

#include "cli/relay_keys.h"

#include "base/log.h"
#include "cli/hub_key.h"

#include <errno.h>
#include <stdlib.h>

struct relay_key {
	struct list node;
	struct address address;
	struct tls_slot slot;
};

void relay_keys_init(struct relay_keys *k, const char *directory)
{
	list_init(&k->keys);
	k->directory = directory;
}

void relay_keys_deinit(struct relay_keys *k)
{
	list_each_safe (node, &k->keys) {
		struct relay_key *key = container_of(node, struct relay_key, node);
		list_unlink(node);
		tls_slot_deinit(&key->slot);
		address_deinit(&key->address);
		free(key);
	}
}

static int relay_keys_load(const struct relay_keys *k, const struct address *a,
	struct tls_context **context, struct fault *why)
{
	const struct hub_key_options options = {
		.cert_file = a->options[ADDRESS_CERT],
		.key_file = a->options[ADDRESS_KEY],
		.directory = k->directory,
	};

	return hub_key_load(context, &options, true, why);
}

int relay_keys_add(
	struct relay_keys *k, const struct address *a, struct tls_slot **slot, struct fault *why)
{
	struct tls_context *context;

	*slot = NULL;
	if (!a->scheme->tls)
		return 0;
	int r = relay_keys_load(k, a, &context, why);
	if (r < 0)
		return r;
	struct relay_key *key = calloc(1, sizeof(*key));
	r = key ? address_copy(&key->address, a) : -ENOMEM;
	if (r < 0) {
		free(key);
		tls_context_unref(context);
		return fault_errno(why, r, "cannot relay");
	}
	tls_slot_init(&key->slot, context);
	tls_context_unref(context);
	list_push(&k->keys, &key->node);
	*slot = &key->slot;
	return 0;
}

void relay_keys_renew(struct relay_keys *k)
{
	list_each (node, &k->keys) {
		struct relay_key *key = container_of(node, struct relay_key, node);
		struct tls_context *context;
		struct fault why;
		if (relay_keys_load(k, &key->address, &context, &why) < 0) {
			log_error("the key stays as it was: %s", why.text);
			continue;
		}
		tls_slot_set(&key->slot, context);
		tls_context_unref(context);
		log_note("the key has been read again");
	}
}

#include "server/client_keys.h"

#include "server/admission.h"
#include "server/connection.h"
#include "server/key_file.h"
#include "server/server.h"

#include <errno.h>

static int client_keys_read(
	struct access *a, const struct client_keys_options *o, struct fault *why)
{
	int r = 0;

	if (client_keys_are_asked(o))
		access_close(a);
	for (size_t i = 0; r == 0 && i < o->key_count; i++)
		r = key_option_parse(a, o->keys[i], why);
	if (r == 0 && o->file)
		r = key_file_read(a, o->file, why);
	return r;
}

int client_keys_init(struct server *s, struct fault *why)
{
	return client_keys_read(&s->access, &s->options.client_keys, why);
}

int client_keys_reload(struct server *s, struct fault *why)
{
	struct access fresh;

	access_init(&fresh);
	int r = client_keys_read(&fresh, &s->options.client_keys, why);
	if (r == 0)
		admission_renew(s, IDENTITY_KEY, &fresh);
	else
		access_deinit(&fresh);
	return r;
}

/* ---- in the handshake ---- */

static int client_keys_refuse(const struct tls_peer *peer, struct fault *why)
{
	char pin[PIN_TEXT_SIZE];

	if (!peer->has_certificate)
		return fault_set(why, -EPERM, "it shows no key, and only listed ones are let in");
	pin_format(&peer->pin, pin);
	return fault_set(
		why, -EPERM, "its key is not on the list; to let it in: --allow-key NAME=%s", pin);
}

int client_keys_check(void *arg, const struct tls_peer *peer, struct fault *why)
{
	struct connection *c = arg;
	struct proof proof = {.kind = IDENTITY_KEY};
	const struct identity *who = NULL;

	if (peer->has_certificate) {
		memcpy(proof.digest, peer->pin.digest, PIN_SIZE);
		who = access_find(&c->server->access, &proof);
	}
	if (who)
		c->base = c->who = who;
	else if (!access_knows(&c->server->access, IDENTITY_TOKEN))
		return client_keys_refuse(peer, why);
	return 0;
}

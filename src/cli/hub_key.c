#include "cli/hub_key.h"

#include "base/cleanup.h"
#include "net/keyring.h"

#include <errno.h>

static int hub_key_load_own(struct tls_options *tls, struct keyring *own,
	const struct hub_key_options *o, bool make, struct fault *why)
{
	int r = make ? keyring_open(own, o->directory, why) : keyring_load(own, o->directory, why);

	tls->certificate = own->certificate;
	tls->key = own->key;
	return r;
}

int hub_key_load(
	struct tls_context **out, const struct hub_key_options *o, bool make, struct fault *why)
{
	cleanup(keyring_deinit) struct keyring own = KEYRING_NULL;
	struct tls_options tls = {
		.cert_file = o->cert_file,
		.key_file = o->key_file,
		.ask_client = o->ask,
		.require_client = o->require,
		.http = o->http,
	};

	*out = NULL;
	if (!o->cert_file && o->key_file)
		return fault_set(why, -EINVAL, "--key needs the certificate too: --cert FILE");
	int r = o->cert_file ? 0 : hub_key_load_own(&tls, &own, o, make, why);
	if (r == -ENOENT && !make)
		return 0;
	return r < 0 ? r : tls_context_new(out, TLS_SERVER, &tls, why);
}

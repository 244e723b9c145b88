#include "cli/confine.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/state_directory.h"
#include "cli/keep.h"
#include "sandbox/user.h"

#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

/* A socket's file is removed at the end. */
static int confine_to_sockets(struct sandbox *box, const struct server *server, struct fault *why)
{
	int r = 0;

	list_each (node, &server->entrances) {
		const struct entrance *e = container_of(node, struct entrance, node);
		const struct address *a = &e->listener.address;
		if (!r && a->path && !a->abstract)
			r = sandbox_allow_around(box, a->path, LANDLOCK_REMOVE, why);
	}
	return r;
}

static int confine_to_kept(struct sandbox *box, const struct confinement *c, struct fault *why)
{
	int r = 0;

	if (keep_is_file(c->store)) {
		r = sandbox_allow_around(box, c->store, LANDLOCK_KEEP, why);
		if (!r) /* SQLite knows no getrandom(2) */
			r = sandbox_allow(box, "/dev/urandom", LANDLOCK_READ, why);
	}
	if (!r && c->files)
		r = sandbox_allow(box, c->files, LANDLOCK_KEEP, why);
	return r;
}

/* The authorities that OpenSSL goes by; it is a matter of the system where the files are that its
 * directory points to. */
static int confine_to_authorities(struct sandbox *box, struct fault *why)
{
	const char *const paths[] = {X509_get_default_cert_dir(), X509_get_default_cert_file(),
		getenv(X509_get_default_cert_dir_env()), getenv(X509_get_default_cert_file_env()),
		"/etc/ca-certificates", "/etc/pki", "/usr/share/ca-certificates",
		"/usr/local/share/ca-certificates"};
	int r = 0;

	for (size_t i = 0; !r && i < sizeof(paths) / sizeof(*paths); i++)
		if (paths[i])
			r = sandbox_allow(box, paths[i], LANDLOCK_READ, why);
	return r;
}

/* A store on another machine is connected to, now and whenever it was lost. Looking its name up
 * reads these files, and may ask a server for it. */
static int confine_to_remote(struct sandbox *box, const char *url, struct fault *why)
{
	static const char *const files[] = {"/etc/gai.conf", "/etc/host.conf", "/etc/hosts",
		"/etc/nsswitch.conf", "/etc/resolv.conf", "/etc/services"};
	const char *host = strstr(url, "://");

	if (!host)
		return 0;
	box->filter.connects = true;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		int r = sandbox_allow(box, files[i], LANDLOCK_READ, why);
		if (r < 0)
			return r;
	}
	int r = keep_is_secure(url) ? confine_to_authorities(box, why) : 0;
	return r < 0 ? r : sandbox_allow_connect(box, keep_port(url), why);
}

/* Keys and tokens are mostly replaced by new files, so their directories count. */
static int confine_to_keys(struct sandbox *box, const struct confinement *c, struct fault *why)
{
	cleanup(cleanup_free) char *own = NULL;
	int r = 0;

	for (size_t i = 0; !r && i < sizeof(c->read_again) / sizeof(*c->read_again); i++)
		if (c->read_again[i])
			r = sandbox_allow_around(box, c->read_again[i], LANDLOCK_READ, why);
	if (!r && state_directory_find(c->key_directory, &own, NULL) == 0)
		r = sandbox_allow(box, own, LANDLOCK_READ, why);
	return r;
}

/* In tests a call that was forgotten in the list should not go unnoticed. */
static bool confine_kills(void)
{
	const char *mode = getenv("FERRY_SANDBOX");

	return mode && !strcmp(mode, "kill");
}

int confine_hub(struct sandbox *box, const struct confinement *c, const struct server *server,
	struct fault *why)
{
	int r = c->user ? user_become(c->user, why) : 0;

	if (r < 0 || c->open)
		return r;
	r = sandbox_init(box, why);
	box->filter.kills = confine_kills();
	if (!r)
		r = confine_to_sockets(box, server, why);
	if (!r)
		r = confine_to_kept(box, c, why);
	if (!r)
		r = confine_to_remote(box, c->store, why);
	if (!r)
		r = confine_to_keys(box, c, why);
	if (!r)
		r = sandbox_enter(box, why);
	if (!r && !box->is_whole)
		log_note("this system has not all that a hub is confined by; in force: %s",
			box->text);
	if (r < 0)
		sandbox_deinit(box);
	return r;
}

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
static int confine_to_socket(struct sandbox *box, const struct address *a, struct fault *why)
{
	if (!a->path || a->abstract)
		return 0;
	return sandbox_allow_around(box, a->path, LANDLOCK_REMOVE, why);
}

static int confine_to_sockets(struct sandbox *box, const struct server *server, struct fault *why)
{
	int r = 0;

	list_each (node, &server->entrances)
		if (!r)
			r = confine_to_socket(box,
				&container_of(node, struct entrance, node)->listener.address, why);
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

/* Looking a name up reads these files, and may ask a server for it. */
static int confine_to_names(struct sandbox *box, struct fault *why)
{
	static const char *const files[] = {"/etc/gai.conf", "/etc/host.conf", "/etc/hosts",
		"/etc/nsswitch.conf", "/etc/resolv.conf", "/etc/services"};
	int r = 0;

	for (size_t i = 0; !r && i < sizeof(files) / sizeof(*files); i++)
		r = sandbox_allow(box, files[i], LANDLOCK_READ, why);
	return r;
}

/* A store on another machine is connected to, now and whenever it was lost. */
static int confine_to_remote(struct sandbox *box, const char *url, struct fault *why)
{
	if (!strstr(url, "://"))
		return 0;
	box->filter.connects = true;
	int r = confine_to_names(box, why);
	if (!r && keep_is_secure(url))
		r = confine_to_authorities(box, why);
	return r < 0 ? r : sandbox_allow_connect(box, keep_port(url), why);
}

/* The directory of the own key, and of those that are known. */
static int confine_to_own_keys(
	struct sandbox *box, const char *directory, enum landlock_right right, struct fault *why)
{
	cleanup(cleanup_free) char *own = NULL;

	if (state_directory_find(directory, &own, NULL) < 0)
		return 0;
	int r = right == LANDLOCK_KEEP ? state_directory_make(own, why) : 0;
	return r < 0 ? r : sandbox_allow(box, own, right, why);
}

/* Keys and tokens are mostly replaced by new files, so their directories count. */
static int confine_to_keys(struct sandbox *box, const struct confinement *c, struct fault *why)
{
	int r = 0;

	for (size_t i = 0; !r && i < sizeof(c->read_again) / sizeof(*c->read_again); i++)
		if (c->read_again[i])
			r = sandbox_allow_around(box, c->read_again[i], LANDLOCK_READ, why);
	return r < 0 ? r : confine_to_own_keys(box, c->key_directory, LANDLOCK_READ, why);
}

/* In tests a call that was forgotten in the list should not go unnoticed. */
static bool confine_kills(void)
{
	const char *mode = getenv("FERRY_SANDBOX");

	return mode && !strcmp(mode, "kill");
}

/* R: how the rules went; it is done with them. */
static int confine_enter(struct sandbox *box, int r, struct fault *why)
{
	box->filter.kills = confine_kills();
	if (!r)
		r = sandbox_enter(box, why);
	if (!r && !box->is_whole)
		log_note("this system has not all that ferry confines itself by; in force: %s",
			box->text);
	if (r < 0)
		sandbox_deinit(box);
	return r;
}

int confine_hub(struct sandbox *box, const struct confinement *c, const struct server *server,
	struct fault *why)
{
	int r = c->user ? user_become(c->user, why) : 0;

	if (r < 0 || c->open)
		return r;
	r = sandbox_init(box, false, why);
	if (!r)
		r = confine_to_sockets(box, server, why);
	if (!r)
		r = confine_to_kept(box, c, why);
	if (!r)
		r = confine_to_remote(box, c->store, why);
	if (!r)
		r = confine_to_keys(box, c, why);
	return confine_enter(box, r, why);
}

/* ---- a relay ---- */

static int confine_to_source(
	struct sandbox *box, const struct address *a, const char *directory, struct fault *why)
{
	static const enum address_option files[] = {ADDRESS_CERT, ADDRESS_KEY};

	int r = confine_to_socket(box, a, why);
	for (size_t i = 0; !r && i < sizeof(files) / sizeof(*files); i++)
		if (a->options[files[i]])
			r = sandbox_allow_around(box, a->options[files[i]], LANDLOCK_READ, why);
	if (!r && a->scheme->tls)
		r = confine_to_own_keys(box, directory, LANDLOCK_READ, why);
	return r;
}

static int confine_to_target(
	struct sandbox *box, const struct address *a, const struct trust *trust, struct fault *why)
{
	enum landlock_right right = trust_remembers(trust) ? LANDLOCK_KEEP : LANDLOCK_READ;
	int r = a->scheme->kind == ADDRESS_INET ? confine_to_names(box, why) : 0;

	if (!r && a->scheme->kind == ADDRESS_INET && a->type == SOCK_STREAM)
		r = sandbox_allow_connect(box, (uint16_t)a->port, why);
	if (!r && a->scheme->tls)
		r = confine_to_authorities(box, why);
	if (!r && a->scheme->tls)
		r = confine_to_own_keys(box, trust_directory(trust), right, why);
	return r;
}

static int confine_to_pair(struct sandbox *box, const struct relay_pair *p,
	const struct trust *trust, struct fault *why)
{
	int r = confine_to_source(box, &p->from, trust_directory(trust), why);

	for (size_t i = 0; !r && i < p->to_count; i++)
		r = confine_to_target(box, &p->to[i], trust, why);
	return r;
}

/* Unix sockets without a file are sent to: as targets, and as senders of datagrams. */
static bool reaches_abstract(const struct relay_pairs *pairs)
{
	for (size_t i = 0; i < pairs->count; i++) {
		const struct relay_pair *p = &pairs->at[i];
		if (p->from.scheme->kind == ADDRESS_UNIX && p->from.type == SOCK_DGRAM)
			return true;
		for (size_t k = 0; k < p->to_count; k++)
			if (p->to[k].abstract)
				return true;
	}
	return false;
}

int confine_relay(struct sandbox *box, const struct relay_pairs *pairs, const struct trust *trust,
	struct fault *why)
{
	if (relay_pairs_start_programs(pairs)) {
		*box = (struct sandbox){.text = "none, as the programs of exec: would be in it"};
		return 0;
	}
	int r = sandbox_init(box, reaches_abstract(pairs), why);
	box->filter.connects = true;
	for (size_t i = 0; !r && i < pairs->count; i++)
		r = confine_to_pair(box, &pairs->at[i], trust, why);
	return confine_enter(box, r, why);
}

#include "server/admission.h"

#include "base/cleanup.h"
#include "net/peer.h"
#include "net/sys.h"
#include "server/connection.h"
#include "server/server.h"
#include "server/token_file.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>

enum { GROUPS_MAX = 1024 };

/* ---- networks ---- */

static int networks_parse(
	struct cidr **out, size_t *count, const char **texts, size_t n, struct fault *why)
{
	*out = calloc(n ? n : 1, sizeof(**out));
	if (!*out)
		return fault_errno(why, -ENOMEM, "cannot keep the networks");
	for (*count = 0; *count < n; (*count)++)
		if (cidr_parse(&(*out)[*count], bytes_text(texts[*count])) < 0)
			return fault_set(why, -EINVAL,
				"'%s' is no network; write it as 10.0.0.0/8, fd00::/8 or 192.0.2.7",
				texts[*count]);
	return 0;
}

static bool networks_contain(const struct cidr *networks, size_t count, const struct endpoint *e)
{
	for (size_t i = 0; i < count; i++)
		if (cidr_contains(&networks[i], e))
			return true;
	return false;
}

bool admission_allows(const struct server *s, const struct endpoint *e)
{
	const struct networks *n = &s->networks;

	if (e->addr.ss_family != AF_INET && e->addr.ss_family != AF_INET6)
		return true;
	if (networks_contain(n->deny, n->deny_count, e))
		return false;
	return !n->allow_count || networks_contain(n->allow, n->allow_count, e);
}

/* ---- users and groups ---- */

static bool parse_id(const char *text, uint32_t *id)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	unsigned long n = strtoul(text, &end, 10);
	*id = (uint32_t)n;
	return !errno && !*end && n < UINT32_MAX; /* the greatest means: none */
}

static int admission_add(
	struct server *s, enum identity_kind kind, uint32_t id, const char *name, struct fault *why)
{
	struct proof proof = {.kind = kind, .id = id};

	if (access_find(&s->access, &proof))
		return 0;
	if (name && strlen(name) > ACCESS_NAME_MAX)
		return fault_set(why, -EINVAL, "a name of more than %d bytes: %.120s",
			ACCESS_NAME_MAX, name);
	struct identity *who = access_add(&s->access, &proof, name);
	if (!who)
		return fault_errno(why, -ENOMEM, "cannot keep who may come in");
	return access_grant(who, BYTES_LITERAL("all"), why);
}

static int admission_add_user(struct server *s, const char *text, struct fault *why)
{
	const struct passwd *user = getpwnam(text);
	uint32_t id;

	if (!user && parse_id(text, &id)) {
		user = getpwuid(id);
		if (!user)
			return admission_add(s, IDENTITY_USER, id, NULL, why);
	}
	if (!user)
		return fault_set(why, -EINVAL, "there is no user '%s' here", text);
	return admission_add(s, IDENTITY_USER, user->pw_uid, user->pw_name, why);
}

/* The members that the group names are known by their own names. */
static int admission_add_group(struct server *s, const char *text, struct fault *why)
{
	const struct group *group = getgrnam(text);
	uint32_t id;

	if (!group && parse_id(text, &id)) {
		group = getgrgid(id);
		if (!group)
			return admission_add(s, IDENTITY_GROUP, id, NULL, why);
	}
	if (!group)
		return fault_set(why, -EINVAL, "there is no group '%s' here", text);
	int r = admission_add(s, IDENTITY_GROUP, group->gr_gid, NULL, why);
	for (char **name = group->gr_mem; r == 0 && *name; name++) {
		const struct passwd *user = getpwnam(*name);
		if (user)
			r = admission_add(s, IDENTITY_USER, user->pw_uid, user->pw_name, why);
	}
	return r;
}

static const struct identity *find_group(const struct server *s, uint32_t id)
{
	struct proof proof = {.kind = IDENTITY_GROUP, .id = id};

	return access_find(&s->access, &proof);
}

const struct identity *admission_of_process(const struct server *s, const struct ucred *who)
{
	struct proof user = {.kind = IDENTITY_USER, .id = who->uid};
	const struct identity *found = access_find(&s->access, &user);

	if (!found)
		found = find_group(s, who->gid);
	return found ? found : &s->access.anyone;
}

const struct identity *admission_of_socket(const struct server *s, int fd)
{
	const struct access *a = &s->access;
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(groups);
	struct ucred who;

	if (!access_knows(a, IDENTITY_USER) && !access_knows(a, IDENTITY_GROUP))
		return &a->anyone;
	if (peer_credentials(fd, &who) < 0)
		return &a->anyone;
	const struct identity *found = admission_of_process(s, &who);
	if (found != &a->anyone || sys_getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return found;
	for (size_t i = 0; i < len / sizeof(*groups); i++) {
		found = find_group(s, groups[i]);
		if (found)
			return found;
	}
	return &a->anyone;
}

/* ---- reading the token file again ---- */

/* What stands for OLD in FRESH: itself when it is of another kind and so not in question. */
static const struct identity *renewed(const struct server *s, const struct identity *old,
	enum identity_kind kind, const struct access *fresh)
{
	const struct identity *now = NULL;

	if (old == &s->access.anyone)
		return kind != IDENTITY_TOKEN || identity_equal(old, &fresh->anyone) ? old : NULL;
	if (old->proof.kind != kind)
		return old;
	now = access_find(fresh, &old->proof);
	return now && identity_equal(old, now) ? now : NULL;
}

static void renew_connection(
	struct connection *c, enum identity_kind kind, const struct access *fresh)
{
	const struct server *s = c->server;
	const struct identity *base = renewed(s, c->base, kind, fresh);
	const struct identity *who = renewed(s, c->who, kind, fresh);

	if (!base || !who)
		connection_close(c);
	c->base = base ? base : &s->access.anyone;
	c->who = who ? who : &s->access.anyone;
}

void admission_renew(struct server *s, enum identity_kind kind, struct access *fresh)
{
	struct access *a = &s->access;

	list_each (node, &s->closed)
		renew_connection(container_of(node, struct connection, node), kind, fresh);
	list_each_safe (node, &s->connections)
		renew_connection(container_of(node, struct connection, node), kind, fresh);
	list_each_safe (node, &a->identities) {
		struct identity *old = container_of(node, struct identity, node);
		if (old->proof.kind == kind)
			access_remove(old);
	}
	list_splice(&a->identities, &fresh->identities);
	if (kind == IDENTITY_TOKEN) { /* whose file says what anyone may do */
		struct identity anyone = a->anyone;
		a->anyone.grants = fresh->anyone.grants;
		a->anyone.grant_count = fresh->anyone.grant_count;
		fresh->anyone.grants = anyone.grants;
		fresh->anyone.grant_count = anyone.grant_count;
	}
	access_deinit(fresh);
}

int admission_reload(struct server *s, struct fault *why)
{
	struct access fresh;

	if (!s->options.admission.token_file)
		return 0;
	access_init(&fresh);
	int r = token_file_read(&fresh, s->options.admission.token_file, why);
	if (r == 0)
		admission_renew(s, IDENTITY_TOKEN, &fresh);
	else
		access_deinit(&fresh);
	return r;
}

/* ---- life ---- */

int admission_init(struct server *s, struct fault *why)
{
	const struct admission_options *o = &s->options.admission;
	struct networks *n = &s->networks;

	int r = networks_parse(&n->allow, &n->allow_count, o->allow, o->allow_count, why);
	if (r == 0)
		r = networks_parse(&n->deny, &n->deny_count, o->deny, o->deny_count, why);
	if (r == 0 && o->token_file)
		r = token_file_read(&s->access, o->token_file, why);
	for (size_t i = 0; r == 0 && i < o->user_count; i++)
		r = admission_add_user(s, o->users[i], why);
	for (size_t i = 0; r == 0 && i < o->group_count; i++)
		r = admission_add_group(s, o->groups[i], why);
	return r;
}

void admission_deinit(struct server *s)
{
	access_deinit(&s->access);
	free(take(s->networks.allow));
	free(take(s->networks.deny));
}

/* ---- servants ---- */

int server_let_serve(struct server *s, struct bytes service, struct fault *why)
{
	const struct proof servant = {.kind = IDENTITY_SERVANT};
	cleanup(buffer_deinit) struct buffer grant = BUFFER_NULL;

	if (!s->access.closed)
		return 0;
	if (!s->servants)
		s->servants = access_add(&s->access, &servant, NULL);
	if (!s->servants || buffer_print(&grant, "serve:%.*s", (int)service.len,
				    (const char *)service.data) < 0)
		return fault_errno(why, -ENOMEM, "cannot serve");
	return access_grant(s->servants, buffer_bytes(&grant), why);
}

const struct identity *admission_of(const struct entrance *e, int fd)
{
	if (!e->servants && proxies_stand_before(e)) /* whose process it is */
		return &e->server->access.anyone;
	if (!e->servants)
		return admission_of_socket(e->server, fd);
	return e->server->servants ? e->server->servants : &e->server->access.anyone;
}

bool admission_bars(const struct entrance *e, int fd, const struct endpoint *peer)
{
	struct ucred who;

	if (!e->servants)
		return !admission_allows(e->server, peer);
	return peer_credentials(fd, &who) < 0 || who.uid != e->uid;
}

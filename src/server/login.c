#include "server/login.h"

#include "base/log.h"
#include "server/server.h"

static const struct access *login_table(const struct connection *c)
{
	return &c->server->access;
}

/* ---- the question ---- */

bool login_sees(const struct connection *c, enum access_right right, struct bytes name)
{
	return access_may(login_table(c), c->who, right, name);
}

bool access_check(struct connection *c, enum access_right right, struct bytes name)
{
	if (login_sees(c, right, name))
		return true;
	c->server->counters.denied++;
	log_note("%s%s%s may not %s %.*s", c->peer, c->who->name ? " as " : "",
		c->who->name ? c->who->name : "", access_right_name(right), (int)name.len,
		name.len ? (const char *)name.data : "");
	return false;
}

struct bytes login_name(const struct connection *c)
{
	return c->who->name ? bytes_text(c->who->name) : BYTES_NULL;
}

/* ---- requests ---- */

bool exchange_may(struct exchange *x, enum access_right right, struct bytes name)
{
	struct connection *c = x->connection;

	if (access_check(c, right, name))
		return true;
	if (c->who->proof.kind == IDENTITY_ANYONE && access_knows(login_table(c), IDENTITY_TOKEN))
		exchange_challenge(x, "Bearer realm=\"ferry\"",
			"a token is needed; ferry's commands take --token-file FILE or "
			"$FERRY_TOKEN");
	else
		exchange_refuse(x, 403, "%s may not %s %.*s",
			c->who->name ? c->who->name : "who has not shown who it is",
			access_right_name(right), (int)name.len,
			name.len ? (const char *)name.data : "");
	return false;
}

static struct bytes login_bearer(const struct http_request *r)
{
	static const char scheme[] = "Bearer ";
	struct bytes value = http_fields_get_only(&r->fields, "Authorization");
	size_t len = strlen(scheme);

	if (value.len < len || !bytes_equal_nocase(bytes_of(value.data, len), bytes_text(scheme)))
		return BYTES_NULL;
	for (value = bytes_skip(value, len); value.len && *value.data == ' ';)
		value = bytes_skip(value, 1);
	return value;
}

bool login_request(struct exchange *x, const struct http_request *r)
{
	struct connection *c = x->connection;

	c->who = c->base;
	if (!login_table(c)->closed)
		return true;
	struct bytes token = login_bearer(r);
	if (!token.data)
		return true;
	struct proof proof = access_token_proof(token);
	const struct identity *who = access_find(login_table(c), &proof);
	if (who) {
		c->who = who;
		return true;
	}
	c->server->counters.wrong_tokens++;
	log_note("%s has shown a token that is none", c->peer);
	exchange_challenge(x, "Bearer realm=\"ferry\", error=\"invalid_token\"",
		"this hub does not know that token");
	return false;
}

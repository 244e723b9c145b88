#include "server/login.h"

#include "base/log.h"
#include "server/server.h"
#include "wire/uri.h"

#include <ctype.h>
#include <stdio.h>

#define LOGIN_PROTOCOL_TOKEN LOGIN_PROTOCOL ".token."

enum { TOKEN_MAX = 1024 };

static const struct access *login_table(const struct connection *c)
{
	return &c->server->access;
}

/* Counts what C should not have done. False when it has done so too often to be told of. */
static bool login_strike(struct connection *c)
{
	struct server *s = c->server;

	return throttle_take(&s->throttle, c->peer, loop_now(s->loop));
}

/* ---- the question ---- */

bool login_sees(const struct connection *c, enum access_right right, struct bytes name)
{
	return access_may(login_table(c), c->who, right, name);
}

bool access_check(struct connection *c, enum access_right right, struct bytes name)
{
	const char *known = c->who->name;
	char what[ACCESS_PHRASE_SIZE];

	if (login_sees(c, right, name))
		return true;
	c->server->counters.denied++;
	access_phrase(right, name, what);
	if (login_strike(c))
		log_note("%s%s%s may not %s", c->peer, known ? " as " : "", known ? known : "",
			what);
	return false;
}

bool login_wants_token(const struct connection *c)
{
	return c->who->proof.kind == IDENTITY_ANYONE && login_takes_tokens(c);
}

void login_why(const struct connection *c, enum access_right right, struct bytes name,
	char text[LOGIN_WHY_SIZE])
{
	const char *known = c->who->name;
	char what[ACCESS_PHRASE_SIZE];

	access_phrase(right, name, what);
	snprintf(text, LOGIN_WHY_SIZE, "%s may not %s", known ? known : "who is not known here",
		what);
}

bool exchange_may(struct exchange *x, enum access_right right, struct bytes name)
{
	struct connection *c = x->connection;
	char text[LOGIN_WHY_SIZE];

	if (access_check(c, right, name))
		return true;
	login_why(c, right, name, text);
	if (login_wants_token(c))
		exchange_challenge(x, "Bearer realm=\"ferry\"",
			"a token is needed; ferry takes one with --token-file FILE, or from "
			"$FERRY_TOKEN");
	else
		exchange_refuse(x, 403, "%s", text);
	return false;
}

struct bytes login_name(const struct connection *c)
{
	return c->who->name ? bytes_text(c->who->name) : BYTES_NULL;
}

bool login_takes_tokens(const struct connection *c)
{
	return access_knows(login_table(c), IDENTITY_TOKEN);
}

/* ---- tokens ---- */

/* Makes C whoever has TOKEN. False when nobody has. */
static bool login_by_token(struct connection *c, struct bytes token)
{
	struct proof proof = access_token_proof(token);
	const struct identity *who = access_find(login_table(c), &proof);

	if (who)
		c->who = who;
	else
		c->server->counters.wrong_tokens++;
	return who;
}

static struct bytes skip_prefix(struct bytes text, const char *prefix)
{
	size_t len = strlen(prefix);

	if (text.len < len || !bytes_equal_nocase(bytes_of(text.data, len), bytes_text(prefix)))
		return BYTES_NULL;
	return bytes_skip(text, len);
}

static struct bytes login_bearer(const struct http_request *r)
{
	struct bytes value = http_fields_get_only(&r->fields, "Authorization");

	value = skip_prefix(value, "Bearer ");
	while (value.len && *value.data == ' ')
		value = bytes_skip(value, 1);
	return value;
}

static struct bytes login_protocol(const struct http_request *r, uint8_t *to)
{
	struct bytes list = http_fields_get_only(&r->fields, "Sec-WebSocket-Protocol");
	struct bytes each, token;

	while (http_list_next(&list, &each)) {
		each = skip_prefix(each, LOGIN_PROTOCOL_TOKEN);
		if (each.data && uri_path_decode(each, to, TOKEN_MAX, &token) == 0)
			return token;
	}
	return BYTES_NULL;
}

bool login_offers_protocol(const struct http_request *r)
{
	return http_fields_list_has(&r->fields, "Sec-WebSocket-Protocol", LOGIN_PROTOCOL);
}

bool login_request(struct exchange *x, const struct http_request *r)
{
	struct connection *c = x->connection;
	uint8_t decoded[TOKEN_MAX];

	c->who = c->base;
	if (!login_takes_tokens(c))
		return true;
	struct bytes token = login_bearer(r);
	if (!token.data)
		token = login_protocol(r, decoded);
	if (!token.data || login_by_token(c, token))
		return true;
	if (login_strike(c)) {
		log_note("%s has shown a token that nobody has", c->peer);
		exchange_challenge(x, "Bearer realm=\"ferry\", error=\"invalid_token\"",
			"the token is none of this hub's");
	} else {
		x->keep_alive = false;
		exchange_refuse(x, 429, "too many wrong tokens came from this address");
	}
	return false;
}

/* ---- lines ---- */

enum login login_line(struct connection *c, struct bytes line)
{
	struct bytes token = skip_prefix(line, "login ");

	if (!token.data || !login_takes_tokens(c))
		return LOGIN_NONE;
	while (token.len && isspace(token.data[token.len - 1]))
		token.len--;
	if (login_by_token(c, token))
		return LOGIN_DONE;
	if (login_strike(c))
		log_note("%s has shown a token that nobody has", c->peer);
	return LOGIN_WRONG;
}

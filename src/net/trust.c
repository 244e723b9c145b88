#include "net/trust.h"

#include "base/cleanup.h"
#include "net/keyring.h"
#include "net/known.h"
#include "net/tls.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct trust {
	struct trust_options options; /* its texts are ours */
	struct pin pin;
	bool pinned;
	struct tls_context *context;
	struct known known;
	bool has_known;
	char *unmet;
	pthread_mutex_t lock;
};

/* ---- the decision ---- */

enum trust_verdict trust_judge(const struct trust_facts *f)
{
	if (f->pinned)
		return pin_equal(f->shown, f->pinned) ? TRUST_PINNED : TRUST_WRONG_PIN;
	if (!f->doubted)
		return TRUST_AUTHORITY;
	if (f->own_authority)
		return TRUST_NO_AUTHORITY;
	if (!f->known)
		return TRUST_NEW;
	return pin_equal(f->shown, f->known) ? TRUST_KNOWN : TRUST_CHANGED;
}

/* ---- refusals: who, what is wrong, what to do ---- */

/* What one connection showed. */
struct trust_case {
	struct trust *trust;
	const struct address *address;
	const struct tls_peer *peer;
	const char *doubt; /* of the authorities, empty for none */
	char *name;	   /* of the address, among the known */
	char shown[PIN_TEXT_SIZE];
	size_t line; /* of the known key */
	struct pin known;
};

static int trust_refuse_pin(const struct trust_case *c, const struct pin *pinned, struct fault *why)
{
	char wanted[PIN_TEXT_SIZE];

	pin_format(pinned, wanted);
	return fault_set(why, -EACCES,
		"it is not the hub that the pin names, or it has a new key: it shows %s, "
		"and the pin is %s",
		c->shown, wanted);
}

static int trust_refuse_changed(const struct trust_case *c, struct fault *why)
{
	char known[PIN_TEXT_SIZE];

	pin_format(&c->known, known);
	return fault_set(why, -EACCES,
		"its key has changed: it was %s, now it is %s; if the hub's owner says that "
		"the new one is right (ferry key there), remove line %zu of %s",
		known, c->shown, c->line, c->trust->known.path);
}

static int trust_refuse_new(const struct trust_case *c, const char *damage, struct fault *why)
{
	struct trust *t = c->trust;
	struct address pinned = *c->address;

	pinned.options[ADDRESS_PIN] = (char *)c->shown;
	free(t->unmet);
	t->unmet = address_format(&pinned);
	return fault_set(why, -EACCES,
		"its key is not known here (%s%s%s): it shows %s; if the hub's owner says that "
		"this is right (ferry key there), use the address %s, or --trust-first once",
		c->doubt, *damage ? "; " : "", damage, c->shown, t->unmet ? t->unmet : c->name);
}

static int trust_refuse_authority(const struct trust_case *c, struct fault *why)
{
	return fault_set(why, -EACCES, "its certificate does not prove who it is: %s", c->doubt);
}

/* ---- first contact ---- */

static int trust_meet(struct trust_case *c, struct fault *why)
{
	struct trust *t = c->trust;
	char damage[256] = "";
	struct contact contact = {
		.address = c->name,
		.pin = c->shown,
		.doubt = c->doubt,
		.damage = damage,
	};

	if (t->known.broken)
		snprintf(damage, sizeof(damage), "line %zu of %.200s cannot be read",
			t->known.broken, t->known.path);
	if (!t->options.first && (!t->options.ask || !t->options.ask(t->options.data, &contact)))
		return trust_refuse_new(c, damage, why);
	return known_add(&t->known, c->name, &c->peer->pin, why);
}

/* ---- one connection ---- */

static int trust_open_known(struct trust *t, struct fault *why)
{
	if (t->has_known)
		return 0;
	int r = known_open(&t->known, t->options.directory, why);
	t->has_known = r == 0;
	return r;
}

static int trust_weigh(struct trust_case *c, const struct pin *pinned, struct fault *why)
{
	struct trust_facts facts = {
		.shown = &c->peer->pin,
		.pinned = pinned,
		.doubted = *c->doubt,
		.own_authority = c->trust->options.ca_file,
	};

	if (!pinned && facts.doubted && !facts.own_authority) {
		int r = trust_open_known(c->trust, why);
		if (r < 0)
			return r;
		c->line = known_find(&c->trust->known, c->name, &c->known);
		facts.known = c->line ? &c->known : NULL;
	}
	switch (trust_judge(&facts)) {
	case TRUST_WRONG_PIN:
		return trust_refuse_pin(c, pinned, why);
	case TRUST_NO_AUTHORITY:
		return trust_refuse_authority(c, why);
	case TRUST_CHANGED:
		return trust_refuse_changed(c, why);
	case TRUST_NEW:
		return trust_meet(c, why);
	default:
		return 0;
	}
}

static bool has_host(const struct address *a)
{
	return a->scheme->kind == ADDRESS_INET;
}

/* Any host can have a certificate of the system's authorities: it proves nothing of a socket that
 * is no host's. */
static const char *trust_doubt(const struct trust_case *c)
{
	if (c->peer->doubt[0] || has_host(c->address) || c->trust->options.ca_file)
		return c->peer->doubt;
	return "its certificate is for a host, and this address is none's";
}

static int trust_check(void *arg, const struct tls_peer *peer, struct fault *why)
{
	const struct trust_check *check = arg;
	const char *of_address = check->address->options[ADDRESS_PIN];
	cleanup(cleanup_free) char *name = known_name(check->address);
	struct trust_case c = {
		.trust = check->trust,
		.address = check->address,
		.peer = peer,
		.name = name,
	};
	struct pin pin = check->trust->pin;

	if (!name)
		return fault_errno(why, -ENOMEM, "cannot check the hub's key");
	c.doubt = trust_doubt(&c);
	pin_format(&peer->pin, c.shown);
	if (of_address && pin_parse(&pin, of_address) < 0)
		return fault_set(why, -EINVAL, "the pin of the address is none");
	pthread_mutex_lock(&check->trust->lock);
	int r = trust_weigh(&c, of_address || check->trust->pinned ? &pin : NULL, why);
	pthread_mutex_unlock(&check->trust->lock);
	return r;
}

bool trust_has_met(struct trust *t, const struct address *a)
{
	cleanup(cleanup_free) char *name = known_name(a);
	struct pin ignored;

	if (t->pinned || a->options[ADDRESS_PIN] || t->options.ca_file || t->options.first)
		return true;
	return name && trust_open_known(t, NULL) == 0 && known_find(&t->known, name, &ignored);
}

void trust_setup(struct trust_check *check, struct tls_setup *setup)
{
	const struct address *a = check->address;

	*setup = (struct tls_setup){
		.unverified = check->trust->pinned || a->options[ADDRESS_PIN],
		.host = has_host(a) ? a->host : NULL,
		.check = trust_check,
		.check_arg = check,
	};
}

int trust_explain_refusal(const struct trust *t, struct fault *why)
{
	char text[PIN_TEXT_SIZE];
	struct pin own;

	if (!t->context || !tls_context_pin(t->context, &own))
		return fault_set(why, -EACCES,
			"the hub lets in only those it knows by their key: show its owner yours, "
			"which you get with: ferry key");
	pin_format(&own, text);
	return fault_set(why, -EACCES,
		"the hub does not let your key in; its owner can, with: ferry listen --allow-key "
		"NAME=%s",
		text);
}

const char *trust_unmet(const struct trust *t)
{
	return t->unmet;
}

bool trust_remembers(const struct trust *t)
{
	return t->options.first || t->options.ask;
}

const char *trust_directory(const struct trust *t)
{
	return t->options.directory;
}

/* ---- our side ---- */

static int trust_make_context(struct trust *t, struct fault *why)
{
	const struct trust_options *o = &t->options;
	struct keyring own = KEYRING_NULL;
	int r = 0;

	if (!o->cert_file)
		r = keyring_load(&own, o->directory, why);
	if (r < 0 && r != -ENOENT)
		return r;
	const struct tls_options options = {
		.cert_file = o->cert_file,
		.key_file = o->key_file,
		.certificate = own.certificate,
		.key = own.key,
		.ca_file = o->ca_file,
	};
	r = tls_context_new(&t->context, TLS_CLIENT, &options, why);
	keyring_deinit(&own);
	return r;
}

int trust_context(struct trust *t, struct tls_context **context, struct fault *why)
{
	int r = t->context ? 0 : trust_make_context(t, why);

	*context = t->context;
	return r;
}

/* ---- life ---- */

static int trust_copy(const char **text)
{
	if (!*text)
		return 0;
	*text = strdup(*text);
	return *text ? 0 : -ENOMEM;
}

static int trust_copy_options(struct trust *t, const struct trust_options *options)
{
	const char **texts[] = {&t->options.pin, &t->options.ca_file, &t->options.cert_file,
		&t->options.key_file, &t->options.directory, &t->options.token};
	int r = 0;

	t->options = *options;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (trust_copy(texts[i]) < 0)
			r = -ENOMEM;
	return r;
}

/* What would end the header field that it stands in. */
static bool token_valid(const char *token)
{
	for (; token && *token; token++)
		if (*token <= ' ' || *token == 0x7f)
			return false;
	return true;
}

struct trust *trust_new(const struct trust_options *options, struct fault *why)
{
	struct trust *t = calloc(1, sizeof(*t));

	if (!t || trust_copy_options(t, options) < 0) {
		fault_errno(why, -ENOMEM, "cannot start");
		return trust_free(t);
	}
	pthread_mutex_init(&t->lock, NULL);
	if (!token_valid(options->token)) {
		fault_set(why, -EINVAL, "a token has no spaces and no control bytes in it");
		return trust_free(t);
	}
	t->pinned = options->pin;
	if (!t->pinned || pin_parse(&t->pin, options->pin) == 0)
		return t;
	fault_set(why, -EINVAL,
		"a pin is sha256: and 43 letters of base64url, as ferry key shows it, not '%.80s'",
		options->pin);
	return trust_free(t);
}

const char *trust_token(const struct trust *t, bool plain)
{
	return plain && !t->options.token_in_plain ? NULL : t->options.token;
}

struct trust *trust_free(struct trust *t)
{
	if (!t)
		return NULL;
	tls_context_unref(t->context);
	known_deinit(&t->known);
	free((char *)t->options.pin);
	free((char *)t->options.ca_file);
	free((char *)t->options.cert_file);
	free((char *)t->options.key_file);
	free((char *)t->options.directory);
	if (t->options.token)
		explicit_bzero((char *)t->options.token, strlen(t->options.token));
	free((char *)t->options.token);
	free(t->unmet);
	free(t);
	return NULL;
}

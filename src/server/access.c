#include "server/access.h"

#include "base/cleanup.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

enum { RIGHTS_ALL = (1 << ACCESS_RIGHTS) - 1 };

static const char *const right_names[ACCESS_RIGHTS] = {
	[ACCESS_READ] = "read",
	[ACCESS_WRITE] = "write",
	[ACCESS_GET] = "get",
	[ACCESS_PUT] = "put",
	[ACCESS_ASK] = "ask",
	[ACCESS_SERVE] = "serve",
	[ACCESS_STATUS] = "status",
};

void access_phrase(enum access_right right, struct bytes name, char text[ACCESS_PHRASE_SIZE])
{
	static const struct {
		const char *verb, *noun;
	} words[ACCESS_RIGHTS] = {
		[ACCESS_READ] = {"read", "topic"},
		[ACCESS_WRITE] = {"write to", "topic"},
		[ACCESS_GET] = {"get", "file"},
		[ACCESS_PUT] = {"put", "file"},
		[ACCESS_ASK] = {"ask", "service"},
		[ACCESS_SERVE] = {"answer for", "service"},
	};
	const char *verb = words[right].verb, *noun = words[right].noun;

	if (!verb)
		snprintf(text, ACCESS_PHRASE_SIZE, "see the status");
	else if (!name.data)
		snprintf(text, ACCESS_PHRASE_SIZE, "%s any %s", verb, noun);
	else
		snprintf(text, ACCESS_PHRASE_SIZE, "%s %s %.*s", verb, noun, (int)name.len,
			(const char *)name.data);
}

/* ---- the table ---- */

void access_init(struct access *a)
{
	*a = (struct access){0};
	list_init(&a->identities);
	list_init(&a->anyone.node);
}

static void identity_deinit(struct identity *who)
{
	for (size_t i = 0; i < who->grant_count; i++)
		free(who->grants[i].pattern);
	free(who->grants);
	free(who->name);
}

void access_deinit(struct access *a)
{
	list_each_safe (node, &a->identities)
		access_remove(container_of(node, struct identity, node));
	identity_deinit(&a->anyone);
	a->anyone = (struct identity){0};
}

struct identity *access_add(struct access *a, const struct proof *proof, const char *name)
{
	cleanup(cleanup_free) struct identity *who = calloc(1, sizeof(*who));

	if (!who)
		return NULL;
	if (name) {
		who->name = strdup(name);
		if (!who->name)
			return NULL;
	}
	who->proof = *proof;
	list_push(&a->identities, &who->node);
	a->closed = true;
	return take(who);
}

void access_remove(struct identity *who)
{
	list_unlink(&who->node);
	identity_deinit(who);
	free(who);
}

void access_close(struct access *a)
{
	a->closed = true;
}

bool access_has_name(const struct access *a, struct bytes name)
{
	list_each (node, &a->identities) {
		const struct identity *who = container_of(node, struct identity, node);
		if (who->name && bytes_equal(name, bytes_text(who->name)))
			return true;
	}
	return false;
}

bool access_knows(const struct access *a, enum identity_kind kind)
{
	list_each (node, &a->identities)
		if (container_of(node, struct identity, node)->proof.kind == kind)
			return true;
	return false;
}

/* ---- proofs ---- */

struct proof access_token_proof(struct bytes token)
{
	struct proof proof = {.kind = IDENTITY_TOKEN};

	if (!EVP_Digest(token.data, token.len, proof.digest, NULL, EVP_sha256(), NULL))
		abort(); /* no OpenSSL is without SHA-256 */
	return proof;
}

static bool proof_equal(const struct proof *a, const struct proof *b)
{
	return a->kind == b->kind && a->id == b->id &&
	       !CRYPTO_memcmp(a->digest, b->digest, ACCESS_DIGEST);
}

/* All are looked at, found or not. */
const struct identity *access_find(const struct access *a, const struct proof *proof)
{
	const struct identity *found = NULL;

	list_each (node, &a->identities) {
		const struct identity *who = container_of(node, struct identity, node);
		if (proof_equal(&who->proof, proof))
			found = who;
	}
	return found;
}

/* ---- grants ---- */

static unsigned right_bits(struct bytes word)
{
	if (bytes_equal(word, BYTES_LITERAL("all")))
		return RIGHTS_ALL;
	if (bytes_equal(word, BYTES_LITERAL("files")))
		return 1U << ACCESS_GET | 1U << ACCESS_PUT;
	for (int i = 0; i < ACCESS_RIGHTS; i++)
		if (bytes_equal(word, bytes_text(right_names[i])))
			return 1U << i;
	return 0;
}

static int grant_rights(struct bytes words, unsigned *rights, struct fault *why)
{
	struct bytes word;

	*rights = 0;
	do {
		if (!bytes_cut(&words, ',', &word)) {
			word = words;
			words = BYTES_NULL;
		}
		unsigned bits = right_bits(word);
		if (!bits)
			return fault_set(why, -EINVAL,
				"a right is read, write, get, put, files, ask, serve, status or "
				"all");
		*rights |= bits;
	} while (words.data);
	return 0;
}

static int identity_grow(struct identity *who)
{
	struct grant *more = reallocarray(who->grants, who->grant_count + 1, sizeof(*who->grants));

	if (!more)
		return -ENOMEM;
	who->grants = more;
	return 0;
}

static bool pattern_valid(struct bytes pattern)
{
	for (size_t i = 0; i < pattern.len; i++)
		if (pattern.data[i] <= ' ' || pattern.data[i] == 0x7f)
			return false;
	return pattern.len;
}

int access_grant(struct identity *who, struct bytes text, struct fault *why)
{
	struct bytes pattern = text, words;
	unsigned rights;

	if (!bytes_cut(&pattern, ':', &words)) {
		words = text;
		pattern = BYTES_LITERAL("*");
	}
	int r = grant_rights(words, &rights, why);
	if (r < 0)
		return r;
	if (!pattern_valid(pattern))
		return fault_set(
			why, -EINVAL, "a name, or a pattern with '*', must follow the ':'");
	if (identity_grow(who) < 0)
		return fault_errno(why, -ENOMEM, "cannot keep who may do what");
	char *copy = bytes_dup(pattern);
	if (!copy)
		return fault_errno(why, -ENOMEM, "cannot keep who may do what");
	who->grants[who->grant_count++] = (struct grant){rights, copy};
	return 0;
}

/* Of all stars only the last one seen ever needs to take more. */
static bool pattern_fits(const char *pattern, struct bytes name)
{
	const char *star = NULL;
	size_t at = 0, from = 0;

	while (at < name.len) {
		if (*pattern == '*') {
			star = pattern++;
			from = at;
		} else if (*pattern && *pattern == (char)name.data[at]) {
			pattern++;
			at++;
		} else if (star) {
			pattern = star + 1;
			at = ++from;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

bool access_may(const struct access *a, const struct identity *who, enum access_right right,
	struct bytes name)
{
	if (!a->closed)
		return true;
	for (size_t i = 0; i < who->grant_count; i++) {
		const struct grant *g = &who->grants[i];
		if (!(g->rights & 1U << right))
			continue;
		if (!name.data || pattern_fits(g->pattern, name))
			return true;
	}
	return false;
}

bool identity_equal(const struct identity *a, const struct identity *b)
{
	if (!proof_equal(&a->proof, &b->proof) || a->grant_count != b->grant_count)
		return false;
	if (!a->name != !b->name || (a->name && strcmp(a->name, b->name) != 0))
		return false;
	for (size_t i = 0; i < a->grant_count; i++)
		if (a->grants[i].rights != b->grants[i].rights ||
			strcmp(a->grants[i].pattern, b->grants[i].pattern) != 0)
			return false;
	return true;
}

#include "server/token_file.h"

#include "base/cleanup.h"
#include "base/secret.h"
#include "base/sha256.h"
#include "server/rule_line.h"

#include <ctype.h>
#include <errno.h>

enum { TOKEN_MIN = 22, TOKEN_MAX = 256 };

static bool is_token(struct bytes word)
{
	for (size_t i = 0; i < word.len; i++)
		if (!isalnum(word.data[i]) && !memchr("-._~+/=", word.data[i], 7))
			return false;
	return word.len >= TOKEN_MIN && word.len <= TOKEN_MAX;
}

static bool parse_hash(struct bytes word, struct proof *proof)
{
	static const struct bytes prefix = BYTES_INIT("sha256:");

	if (word.len < prefix.len || memcmp(word.data, prefix.data, prefix.len) != 0)
		return false;
	*proof = (struct proof){.kind = IDENTITY_TOKEN};
	return sha256_from_hex(bytes_skip(word, prefix.len), proof->digest) == 0;
}

static int line_proof(const struct rule_line *l, struct bytes word, struct proof *proof)
{
	if (parse_hash(word, proof))
		return 0;
	if (!is_token(word))
		return rule_line_fault(l,
			"a token, 22 to 256 of A-Z a-z 0-9 - . _ ~ + / =, must follow "
			"the name; make one with: openssl rand -base64 24");
	*proof = access_token_proof(word);
	return 0;
}

static int parse_line(struct access *a, struct rule_line *l)
{
	static const char missing[] = "what the name may do must follow, as read,write:lobby";
	char name[ACCESS_NAME_MAX + 1];
	struct proof proof;

	struct bytes word = rule_line_word(l);
	if (!word.len)
		return 0;
	int r = rule_line_name(l, word, name);
	if (r < 0)
		return r;
	struct bytes token = rule_line_word(l);
	bool anyone = !strcmp(name, "anyone");
	if (anyone != bytes_equal(token, BYTES_LITERAL("-")))
		return rule_line_fault(l, "'anyone', and no one else, has '-' for a token");
	if (anyone)
		return rule_line_grants(l, &a->anyone, missing);
	r = line_proof(l, token, &proof);
	if (r < 0)
		return r;
	if (access_find(a, &proof))
		return rule_line_fault(l, "another line has the same token");
	struct identity *who = access_add(a, &proof, name);
	if (!who)
		return fault_errno(l->why, -ENOMEM, "%s", l->path);
	return rule_line_grants(l, who, missing);
}

int token_file_parse(struct access *a, struct bytes text, const char *path, struct fault *why)
{
	struct rule_line l = {.path = path, .file = text, .why = why};

	access_close(a);
	while (rule_line_next(&l)) {
		int r = parse_line(a, &l);
		if (r < 0)
			return r;
	}
	if (!access_knows(a, IDENTITY_TOKEN) && !a->anyone.grant_count)
		return fault_set(why, -EINVAL, "%s: there is no token in it", path);
	return 0;
}

int token_file_read(struct access *a, const char *path, struct fault *why)
{
	cleanup(secret_forget) struct buffer text = BUFFER_NULL;

	int r = secret_read(path, &text, why);
	return r < 0 ? r : token_file_parse(a, buffer_bytes(&text), path, why);
}

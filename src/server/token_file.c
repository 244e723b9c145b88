#include "server/token_file.h"

#include "base/cleanup.h"
#include "base/secret.h"
#include "base/sha256.h"

#include <ctype.h>
#include <errno.h>

enum { TOKEN_MIN = 22, TOKEN_MAX = 256 };

struct token_line {
	const char *path;
	unsigned number;
	struct fault *why;
};

static int line_fault(const struct token_line *l, const char *what)
{
	return fault_set(l->why, -EINVAL, "%s, line %u: %s", l->path, l->number, what);
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of *rest, and what follows it; empty at the end of the line. */
static struct bytes next_word(struct bytes *rest)
{
	size_t len = 0;

	while (rest->len && is_blank(*rest->data))
		*rest = bytes_skip(*rest, 1);
	if (rest->len && *rest->data == '#')
		*rest = BYTES_NULL;
	while (len < rest->len && !is_blank(rest->data[len]))
		len++;
	struct bytes word = bytes_of(rest->data, len);
	*rest = bytes_skip(*rest, len);
	return word;
}

/* ---- the words of a line ---- */

static bool is_name(struct bytes word)
{
	for (size_t i = 0; i < word.len; i++)
		if (!isalnum(word.data[i]) && !memchr("._-@+", word.data[i], 5))
			return false;
	return word.len && word.len <= ACCESS_NAME_MAX;
}

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

static int line_proof(const struct token_line *l, struct bytes word, struct proof *proof)
{
	if (parse_hash(word, proof))
		return 0;
	if (!is_token(word))
		return line_fault(l, "a token, 22 to 256 of A-Z a-z 0-9 - . _ ~ + / =, must follow "
				     "the name; make one with: openssl rand -base64 24");
	*proof = access_token_proof(word);
	return 0;
}

static int line_grants(const struct token_line *l, struct identity *who, struct bytes rest)
{
	struct bytes word = next_word(&rest);
	struct fault why;

	if (!word.len)
		return line_fault(l, "what the name may do must follow, as read,write:lobby");
	for (; word.len; word = next_word(&rest)) {
		int r = access_grant(who, word, &why);
		if (r == -EINVAL)
			return line_fault(l, why.text);
		if (r < 0)
			return fault_errno(l->why, r, "%s", l->path);
	}
	return 0;
}

/* ---- lines ---- */

static int parse_line(struct access *a, const struct token_line *l, struct bytes line)
{
	char name[ACCESS_NAME_MAX + 1];
	struct proof proof;

	struct bytes word = next_word(&line);
	if (!word.len)
		return 0;
	if (!is_name(word))
		return line_fault(l, "a name is 1 to 64 of A-Z a-z 0-9 . _ - @ +");
	memcpy(name, word.data, word.len);
	name[word.len] = '\0';
	struct bytes token = next_word(&line);
	bool anyone = !strcmp(name, "anyone");
	if (anyone != bytes_equal(token, BYTES_LITERAL("-")))
		return line_fault(l, "'anyone', and no one else, has '-' for a token");
	if (anyone)
		return line_grants(l, &a->anyone, line);
	int r = line_proof(l, token, &proof);
	if (r < 0)
		return r;
	if (access_find(a, &proof))
		return line_fault(l, "another line has the same token");
	struct identity *who = access_add(a, &proof, name);
	return who ? line_grants(l, who, line) : fault_errno(l->why, -ENOMEM, "%s", l->path);
}

int token_file_parse(struct access *a, struct bytes text, const char *path, struct fault *why)
{
	struct token_line l = {.path = path, .why = why};
	struct bytes line;

	access_close(a);
	while (text.len) {
		if (!bytes_cut(&text, '\n', &line)) {
			line = text;
			text = BYTES_NULL;
		}
		l.number++;
		int r = parse_line(a, &l, line);
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

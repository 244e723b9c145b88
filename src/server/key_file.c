#include "server/key_file.h"

#include "base/cleanup.h"
#include "net/pin.h"
#include "server/rule_line.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static_assert((int)ACCESS_DIGEST == (int)PIN_SIZE, "a key's proof is its pin");

enum { KEY_FILE_MAX = 16 * 1024 * 1024 };

static bool parse_pin(struct bytes word, struct proof *proof)
{
	char text[PIN_TEXT_SIZE];
	struct pin pin;

	if (word.len >= sizeof(text))
		return false;
	memcpy(text, word.data, word.len);
	text[word.len] = '\0';
	if (pin_parse(&pin, text) < 0)
		return false;
	*proof = (struct proof){.kind = IDENTITY_KEY};
	memcpy(proof->digest, pin.digest, PIN_SIZE);
	return true;
}

static int parse_line(struct access *a, struct rule_line *l)
{
	char name[ACCESS_NAME_MAX + 1];
	struct proof proof;

	struct bytes word = rule_line_word(l);
	if (!word.len)
		return 0;
	if (!parse_pin(word, &proof))
		return rule_line_fault(
			l, "it begins with a pin, as ferry key shows it: sha256:… in 50 letters");
	if (access_find(a, &proof))
		return rule_line_fault(l, "this key was let in before");
	int r = rule_line_name(l, rule_line_word(l), name);
	if (r < 0)
		return r;
	struct identity *who = access_add(a, &proof, name);
	return who ? rule_line_grants(l, who, NULL) : fault_errno(l->why, -ENOMEM, "%s", l->path);
}

int key_file_parse(struct access *a, struct bytes text, const char *path, struct fault *why)
{
	struct rule_line l = {.path = path, .file = text, .why = why};
	int r = 0;

	access_close(a);
	while (r == 0 && rule_line_next(&l))
		r = parse_line(a, &l);
	return r;
}

/* Who can write to it lets in whom they like. */
static int check_owned(int fd, const char *path, struct fault *why)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fault_errno(why, -errno, "cannot read %s", path);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return fault_set(why, -EACCES,
			"%s can be written by others, who could let in anyone; make it yours with: "
			"chmod go-w %s",
			path, path);
	return 0;
}

int key_file_read(struct access *a, const char *path, struct fault *why)
{
	cleanup(buffer_deinit) struct buffer text = BUFFER_NULL;
	cleanup(cleanup_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *to;
	ssize_t n;

	if (fd < 0)
		return fault_errno(why, -errno, "cannot read %s", path);
	int r = check_owned(fd, path, why);
	if (r < 0)
		return r;
	do {
		if (buffer_reserve(&text, 4096, &to) < 0)
			return fault_errno(why, -ENOMEM, "cannot read %s", path);
		n = read(fd, to, 4096);
		if (n < 0)
			return fault_errno(why, -errno, "cannot read %s", path);
		buffer_commit(&text, (size_t)n);
		if (buffer_len(&text) > KEY_FILE_MAX)
			return fault_errno(why, -EFBIG, "cannot read %s", path);
	} while (n);
	return key_file_parse(a, buffer_bytes(&text), path, why);
}

int key_option_parse(struct access *a, const char *text, struct fault *why)
{
	struct bytes rest = bytes_text(text), name;
	char owned[ACCESS_NAME_MAX + 1] = "";
	struct proof proof;

	if (!bytes_cut(&rest, '=', &name) || !rule_is_name(name) || !parse_pin(rest, &proof))
		return fault_set(why, -EINVAL,
			"--allow-key takes NAME=PIN, the PIN as ferry key shows it (sha256:…), not "
			"'%.120s'",
			text);
	if (access_find(a, &proof))
		return fault_set(
			why, -EINVAL, "--allow-key %.120s: this key was let in before", text);
	memcpy(owned, name.data, name.len);
	struct identity *who = access_add(a, &proof, owned);
	return who ? access_grant(who, BYTES_LITERAL("all"), why)
		   : fault_errno(why, -ENOMEM, "--allow-key");
}

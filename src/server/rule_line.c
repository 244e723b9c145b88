#include "server/rule_line.h"

#include <ctype.h>
#include <errno.h>

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

bool rule_line_next(struct rule_line *l)
{
	if (!l->file.len)
		return false;
	if (!bytes_cut(&l->file, '\n', &l->rest)) {
		l->rest = l->file;
		l->file = BYTES_NULL;
	}
	l->number++;
	return true;
}

struct bytes rule_line_word(struct rule_line *l)
{
	size_t len = 0;

	while (l->rest.len && is_blank(*l->rest.data))
		l->rest = bytes_skip(l->rest, 1);
	if (l->rest.len && *l->rest.data == '#')
		l->rest = BYTES_NULL;
	while (len < l->rest.len && !is_blank(l->rest.data[len]))
		len++;
	struct bytes word = bytes_of(l->rest.data, len);
	l->rest = bytes_skip(l->rest, len);
	return word;
}

int rule_line_fault(const struct rule_line *l, const char *what)
{
	return fault_set(l->why, -EINVAL, "%s, line %u: %s", l->path, l->number, what);
}

bool rule_is_name(struct bytes word)
{
	for (size_t i = 0; i < word.len; i++)
		if (!isalnum(word.data[i]) && !memchr("._-@+", word.data[i], 5))
			return false;
	return word.len && word.len <= ACCESS_NAME_MAX;
}

int rule_line_name(const struct rule_line *l, struct bytes word, char name[ACCESS_NAME_MAX + 1])
{
	if (!rule_is_name(word))
		return rule_line_fault(l, "a name is 1 to 64 of A-Z a-z 0-9 . _ - @ +");
	memcpy(name, word.data, word.len);
	name[word.len] = '\0';
	return 0;
}

int rule_line_grants(struct rule_line *l, struct identity *who, const char *missing)
{
	struct bytes word = rule_line_word(l);
	struct fault why;

	if (!word.len && missing)
		return rule_line_fault(l, missing);
	if (!word.len)
		return access_grant(who, BYTES_LITERAL("all"), l->why);
	for (; word.len; word = rule_line_word(l)) {
		int r = access_grant(who, word, &why);
		if (r == -EINVAL)
			return rule_line_fault(l, why.text);
		if (r < 0)
			return fault_errno(l->why, r, "%s", l->path);
	}
	return 0;
}

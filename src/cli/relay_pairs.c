#include "cli/relay_pairs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_also(const struct option_list *more, size_t i)
{
	return !strcmp(more->options[i]->name, RELAY_ALSO);
}

size_t relay_pairs_count_also(const struct option_list *more)
{
	size_t count = 0;

	for (size_t i = 0; i < more->count; i++)
		count += is_also(more, i);
	return count;
}

/* The targets are TO and OTHERS. */
static int pair_read(struct relay_pair *p, const char *from, const char *to,
	const char *const *others, size_t other_count, struct fault *why)
{
	p->to = calloc(1 + other_count, sizeof(*p->to));
	if (!p->to)
		return fault_errno(why, -ENOMEM, "cannot relay");
	int r = address_parse(&p->from, from, why);
	for (size_t i = 0; i < 1 + other_count && !r; i++) {
		r = address_parse(&p->to[i], i ? others[i - 1] : to, why);
		p->to_count += !r;
	}
	return r;
}

int relay_pairs_read(
	struct relay_pairs *p, char **words, const struct option_list *more, struct fault *why)
{
	size_t count = 1 + relay_pairs_count_also(more), next = 0;
	const char *from = words[0];
	int r = 0;

	p->at = calloc(count, sizeof(*p->at));
	if (!p->at)
		return fault_errno(why, -ENOMEM, "cannot relay");
	for (size_t i = 0; i < count && !r; i++) {
		size_t first = next;
		while (next < more->count && !is_also(more, next))
			next++;
		p->at[i].from = ADDRESS_NULL;
		p->count++;
		r = pair_read(&p->at[i], from, words[1 + i],
			next > first ? more->texts + first : NULL, next - first, why);
		if (next < more->count)
			from = more->texts[next++];
	}
	return r;
}

void relay_pairs_deinit(struct relay_pairs *p)
{
	for (size_t i = 0; i < p->count; i++) {
		struct relay_pair *pair = &p->at[i];
		for (size_t k = 0; k < pair->to_count; k++)
			address_deinit(&pair->to[k]);
		free(pair->to);
		address_deinit(&pair->from);
	}
	free(p->at);
	*p = (struct relay_pairs){0};
}

bool relay_pairs_start_programs(const struct relay_pairs *p)
{
	for (size_t i = 0; i < p->count; i++) {
		const struct relay_pair *pair = &p->at[i];
		if (pair->from.scheme->kind == ADDRESS_EXEC)
			return true;
		for (size_t k = 0; k < pair->to_count; k++)
			if (pair->to[k].scheme->kind == ADDRESS_EXEC)
				return true;
	}
	return false;
}

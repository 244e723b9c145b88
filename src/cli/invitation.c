#include "cli/invitation.h"

#include "base/cleanup.h"
#include "net/address.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static bool is_everywhere(const struct address *a)
{
	return a->host && (!strcmp(a->host, "::") || !strcmp(a->host, "0.0.0.0"));
}

/* Quoted where the shell would want that. */
static char *line_to(const struct address *a)
{
	cleanup(cleanup_free) char *text = NULL;
	char name[HOST_NAME_MAX + 1] = "localhost";
	struct address there = *a; /* borrows */
	char *line;

	gethostname(name, sizeof(name) - 1);
	if (is_everywhere(a))
		there.host = name;
	text = address_format(&there);
	if (!text)
		return NULL;
	const char *quote = strpbrk(text, "?& ") ? "'" : "";
	return asprintf(&line, "ferry chat %s%s%s", quote, text, quote) < 0 ? NULL : line;
}

void invitation_hear(void *invitation, const char *address)
{
	struct invitation *i = invitation;
	struct address a;

	if (address_parse(&a, address, NULL) < 0)
		return;
	bool is_wide = is_everywhere(&a);
	if (!i->line || (is_wide && !i->is_wide)) {
		free(i->line);
		*i = (struct invitation){line_to(&a), is_wide};
	}
	address_deinit(&a);
}

void invitation_deinit(struct invitation *i)
{
	free(i->line);
	*i = INVITATION_NULL;
}

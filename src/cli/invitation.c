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

static char *address_of_machine(const char *text)
{
	char name[HOST_NAME_MAX + 1] = "localhost";
	struct address a;

	if (address_parse(&a, text, NULL) < 0)
		return NULL;
	char *bound = a.host;
	gethostname(name, sizeof(name) - 1);
	if (is_everywhere(&a))
		a.host = name;
	char *line = address_format(&a);
	a.host = bound;
	address_deinit(&a);
	return line;
}

char *invitation_line(const char *address)
{
	cleanup(cleanup_free) char *at = address_of_machine(address);
	char *line;

	if (!at)
		return NULL;
	const char *quote = strpbrk(at, "?& ") ? "'" : "";
	return asprintf(&line, "ferry chat %s%s%s", quote, at, quote) < 0 ? NULL : line;
}

bool invitation_is_needed(const char *address)
{
	struct address a;

	if (address_parse(&a, address, NULL) < 0)
		return false;
	bool needed = is_everywhere(&a);
	address_deinit(&a);
	return needed;
}

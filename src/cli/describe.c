/*
 * Writes what the table of commands says into the forms that others read: manual pages for scdoc,
 * and completions for the shells. It runs while ferry is built, and is not installed.
 *
 *     describe man NAME [PROSE-FILE]      NAME is a command, or ferry for the overview
 *     describe bash|zsh|fish
 */

#include "cli/completion.h"
#include "cli/manual.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static const struct {
	const char *name;
	void (*print)(FILE *out);
} shells[] = {
	{"bash", completion_print_bash},
	{"zsh", completion_print_zsh},
	{"fish", completion_print_fish},
};

/* The file's text, or "" without a file; NULL when it cannot be read. */
static char *read_prose(const char *path)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = path ? fopen(path, "r") : NULL;

	if (!path)
		return strdup("");
	if (!file)
		return NULL;
	if (getdelim(&text, &size, '\0', file) < 0) {
		free(text);
		text = NULL;
	}
	fclose(file);
	return text;
}

static int describe_page(const char *name, const char *path)
{
	const struct command *c = command_find(name);
	char *prose = read_prose(path);

	if (!prose) {
		perror(path);
		return EX_NOINPUT;
	}
	if (c)
		manual_print(stdout, c, prose);
	else
		manual_print_overview(stdout, prose);
	free(prose);
	return c || !strcmp(name, "ferry") ? EX_OK : EX_DATAERR;
}

int main(int argc, char **argv)
{
	if (argc >= 3 && !strcmp(argv[1], "man"))
		return describe_page(argv[2], argv[3]);
	for (size_t i = 0; argc == 2 && i < sizeof(shells) / sizeof(*shells); i++) {
		if (strcmp(argv[1], shells[i].name))
			continue;
		shells[i].print(stdout);
		return EX_OK;
	}
	fputs("usage: describe man NAME [PROSE-FILE] | bash | zsh | fish\n", stderr);
	return EX_USAGE;
}

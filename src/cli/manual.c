#include "cli/manual.h"

#include <string.h>

/* Writes text that scdoc must take as it is. An escaped letter would be an error, so only what has
 * a meaning there is escaped. */
static void manual_escape(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("*_\\#[]|<>.-~`", *text))
			fputc('\\', out);
		fputc(*text, out);
	}
}

/* "ADDRESS [MESSAGE]": what the reader replaces is underlined, the brackets are not. A bar has a
 * meaning only where a line begins, and behind one that is escaped scdoc sees no underscore. */
static void manual_print_words(FILE *out, const char *words)
{
	bool name = false;

	for (; *words; words++) {
		bool letter = *words >= 'A' && *words <= 'Z';
		if (letter != name)
			fputc('_', out);
		name = letter;
		if (*words == '|')
			fputc('|', out);
		else
			manual_escape(out, (char[]){*words, '\0'});
	}
	if (name)
		fputc('_', out);
}

static void manual_print_option(FILE *out, const struct option_entry *o)
{
	if (o->letter)
		fprintf(out, "*-%c*, ", o->letter);
	fputs("*--", out);
	manual_escape(out, o->name);
	fputc('*', out);
	if (o->argument) {
		fputc(' ', out);
		manual_print_words(out, o->argument);
	}
	fputs("\n\t", out);
	manual_escape(out, o->help);
	if (o->preset) {
		fputs(" (", out);
		manual_escape(out, o->preset);
		fputs(" unless given)", out);
	}
	fputs("\n\n", out);
}

static void manual_print_options(FILE *out, const struct option_entry *table)
{
	for (const struct option_entry *o = table; o && o->name; o++)
		manual_print_option(out, o);
}

static void manual_print_entry(FILE *out, const char *name, const char *does)
{
	fputc('*', out);
	manual_escape(out, name);
	fputs("*\n\t", out);
	manual_escape(out, does);
	fputs("\n\n", out);
}

/* Prose is scdoc already, and ends with an empty line. */
static void manual_print_prose(FILE *out, const char *prose)
{
	size_t len = strlen(prose);

	fputs(prose, out);
	if (len)
		fputs(prose[len - 1] == '\n' ? "\n" : "\n\n", out);
}

static void manual_print_head(FILE *out, const char *page, const char *summary)
{
	fprintf(out, "%s(1)\n\n# NAME\n\n%s - %s\n\n# SYNOPSIS\n\n", page, page, summary);
}

void manual_print(FILE *out, const struct command *c, const char *prose)
{
	char page[64];

	snprintf(page, sizeof(page), "ferry-%s", c->name);
	manual_print_head(out, page, c->summary);
	fprintf(out, "*ferry %s* [_OPTION_...]%s", c->name, *c->words ? " " : "");
	manual_print_words(out, c->words);
	fputs("\n\n# DESCRIPTION\n\n", out);
	manual_escape(out, c->about ? c->about : c->summary);
	fputs("\n\n", out);
	manual_print_prose(out, prose);
	fputs("# OPTIONS\n\n", out);
	for (size_t n = 0; n < COMMAND_TABLES; n++)
		manual_print_options(out, command_table(c, n));
	fputs("# EXAMPLES\n\n", out);
	for (const struct example *e = c->examples; e->line; e++)
		manual_print_entry(out, e->line, e->does);
	fputs("# SEE ALSO\n\n*ferry*(1), for addresses and exit codes\n", out);
}

void manual_print_overview(FILE *out, const char *prose)
{
	manual_print_head(out, "ferry", "messages, files and requests over sockets");
	fputs("*ferry* _COMMAND_ [_OPTION_...] [_WORD_...]\n\n# DESCRIPTION\n\n", out);
	manual_print_prose(out, prose);
	fputs("# COMMANDS\n\n", out);
	for (size_t i = 0; commands[i]; i++)
		manual_print_entry(out, commands[i]->name, commands[i]->summary);
	fputs("# OPTIONS\n\nThese go with every command.\n\n", out);
	manual_print_options(out, command_common);
	fputs("# SEE ALSO\n\n", out);
	for (size_t i = 0; commands[i]; i++)
		fprintf(out, "%s*ferry-%s*(1)", i ? ", " : "", commands[i]->name);
	fputc('\n', out);
}

/*
 * What a command says of itself, from its entry in the table.
 */

#include "base/log.h"
#include "cli/command.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

enum { HELP_COLUMN = 26 };

static void help_print_option(FILE *out, const struct option_entry *o)
{
	char left[64];

	snprintf(left, sizeof(left), "%c%c%s --%s%s%s", o->letter ? '-' : ' ',
		o->letter ? o->letter : ' ', o->letter ? "," : " ", o->name, o->argument ? " " : "",
		o->argument ? o->argument : "");
	fprintf(out, "  %-*s  %s", HELP_COLUMN, left, o->help);
	if (o->preset)
		fprintf(out, " [%s]", o->preset);
	fputc('\n', out);
}

static void help_print_options(FILE *out, const struct option_entry *table)
{
	for (const struct option_entry *o = table; o && o->name; o++)
		help_print_option(out, o);
}

void command_print_help(FILE *out, const struct command *c)
{
	fprintf(out, "ferry %s: %s\n\nusage: ferry %s [OPTION…]%s%s\n", c->name, c->summary,
		c->name, *c->words ? " " : "", c->words);
	if (c->about)
		fprintf(out, "\n%s\n", c->about);
	fputs("\noptions:\n", out);
	for (size_t n = 0; n < COMMAND_TABLES; n++)
		help_print_options(out, command_table(c, n));
	fputs("\nexamples:\n", out);
	for (const struct example *e = c->examples; e->line; e++)
		fprintf(out, "  %s\n      %s\n", e->line, e->does);
}

void command_print_overview(FILE *out)
{
	fputs("ferry: one port, any client. Messages, files and requests over sockets.\n\n"
	      "usage: ferry COMMAND [OPTION…] [WORD…]\n\n",
		out);
	for (size_t i = 0; commands[i]; i++)
		fprintf(out, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\nTry: ferry listen, and in another terminal: ferry chat\n"
	      "More: ferry COMMAND --help\n",
		out);
}

static int help_run(const struct command_line *line)
{
	if (!line->count) {
		command_print_overview(stdout);
		return EX_OK;
	}
	const struct command *c = command_find(line->words[0]);
	if (!c)
		return command_misused(&command_help, "there is no command %s", line->words[0]);
	command_print_help(stdout, c);
	return EX_OK;
}

const struct command command_help = {
	.name = "help",
	.words = "[COMMAND]",
	.summary = "shows what there is, or how a command is used",
	.max_words = 1,
	.examples = {{"ferry help", "lists the commands"},
		{"ferry help listen", "says how to run a hub"}},
	.run = help_run,
};

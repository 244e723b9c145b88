#include "cli/completion.h"

#include "cli/command.h"
#include "net/address.h"

#include <string.h>

static bool takes_value(const struct option_entry *o)
{
	return o->type != OPTION_FLAG;
}

static bool takes_file(const struct option_entry *o)
{
	return o->argument && (strstr(o->argument, "FILE") || strstr(o->argument, "DIR") ||
				      strstr(o->argument, "PATH"));
}

static bool takes_address(const struct command *c)
{
	return strstr(c->words, "ADDRESS") || strstr(c->words, "FROM TO");
}

static bool takes_command(const struct command *c)
{
	return !strcmp(c->words, "[COMMAND]");
}

/* Writes TEXT with a backslash in front of every byte that is in SPECIAL. */
static void print_escaped(FILE *out, const char *text, const char *special)
{
	for (; *text; text++) {
		if (strchr(special, *text))
			fputc('\\', out);
		fputc(*text, out);
	}
}

static void print_commands(FILE *out)
{
	for (size_t i = 0; commands[i]; i++)
		fprintf(out, "%s%s", i ? " " : "", commands[i]->name);
}

static void print_schemes(FILE *out)
{
	const struct address_scheme *s;

	for (size_t i = 0; (s = address_scheme_at(i)); i++)
		if (s->kind != ADDRESS_STDIO)
			fprintf(out, "%s%s:", i ? " " : "", s->name);
}

/* bash */

static void bash_print_options(FILE *out, const struct option_entry *table)
{
	for (const struct option_entry *o = table; o->name; o++) {
		fprintf(out, " --%s", o->name);
		if (o->letter)
			fprintf(out, " -%c", o->letter);
	}
}

/* "|--topic|-t" for each option with a value; those of files or the others. */
static void bash_print_valued(FILE *out, const struct option_entry *table, bool files)
{
	for (const struct option_entry *o = table; o->name; o++) {
		if (!takes_value(o) || takes_file(o) != files)
			continue;
		fprintf(out, "|--%s", o->name);
		if (o->letter)
			fprintf(out, "|-%c", o->letter);
	}
}

static void bash_print_command(FILE *out, const struct command *c)
{
	fprintf(out, "\t%s)\n\t\toptions='", c->name);
	for (size_t n = 0; n < COMMAND_TABLES; n++)
		bash_print_options(out, command_table(c, n));
	fputs("'\n\t\tvalued='", out);
	for (size_t n = 0; n < COMMAND_TABLES; n++)
		bash_print_valued(out, command_table(c, n), false);
	fputs("|'\n\t\tfiles='", out);
	for (size_t n = 0; n < COMMAND_TABLES; n++)
		bash_print_valued(out, command_table(c, n), true);
	fputs("|'\n\t\twords='", out);
	if (takes_address(c))
		print_schemes(out);
	if (takes_command(c))
		print_commands(out);
	fputs("' ;;\n", out);
}

void completion_print_bash(FILE *out)
{
	fputs("# Completion of ferry for bash, made from its table of commands.\n"
	      "_ferry()\n{\n"
	      "\tlocal options= valued= files= words=\n"
	      "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n\n"
	      "\tif ((COMP_CWORD == 1)); then\n\t\tmapfile -t COMPREPLY < <(compgen -W '",
		out);
	print_commands(out);
	fputs(" --help --version' -- \"$word\")\n\t\treturn\n\tfi\n\tcase ${COMP_WORDS[1]} in\n",
		out);
	for (size_t i = 0; commands[i]; i++)
		bash_print_command(out, commands[i]);
	/* An empty COMPREPLY makes bash complete file names, which is also right behind "unix:":
	 * bash takes a colon for the end of a word. */
	fputs("\tesac\n\n"
	      "\tCOMPREPLY=()\n"
	      "\tif [[ $word == -* ]]; then\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n"
	      "\telif [[ $valued == *\"|$before|\"* ]]; then\n"
	      "\t\tcompopt +o default\n"
	      "\telif [[ $files != *\"|$before|\"* && $before != : && $word != : ]]; then\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
	      "\t\t[[ ${COMPREPLY[0]-} != *: ]] || compopt -o nospace\n"
	      "\tfi\n"
	      "}\n"
	      "complete -o default -F _ferry ferry\n",
		out);
}

/* zsh */

static void zsh_print_options(FILE *out, const struct option_entry *table)
{
	for (const struct option_entry *o = table; o->name; o++) {
		const char *end = takes_value(o) ? "=" : "";
		fputs("\t\t\t", out);
		if (o->letter)
			fprintf(out, "'(-%c --%s)'{-%c%s,--%s%s}", o->letter, o->name, o->letter,
				takes_value(o) ? "+" : "", o->name, end);
		else
			fprintf(out, "'--%s%s'", o->name, end);
		fputs("$'[", out);
		print_escaped(out, o->help, "\\'[]:");
		fputc(']', out);
		if (takes_value(o))
			fprintf(out, ":%s:%s", o->argument ? o->argument : o->name,
				takes_file(o) ? "_files" : "");
		fputs("' \\\n", out);
	}
}

static void zsh_print_command(FILE *out, const struct command *c)
{
	fprintf(out, "\t%s)\n\t\t_arguments -s -S \\\n", c->name);
	for (size_t n = 0; n < COMMAND_TABLES; n++)
		zsh_print_options(out, command_table(c, n));
	fprintf(out, "\t\t\t'*:word:%s' ;;\n",
		takes_address(c)   ? "_ferry_words"
		: takes_command(c) ? "_ferry_commands"
				   : "_files");
}

void completion_print_zsh(FILE *out)
{
	fputs("#compdef ferry\n"
	      "# Completion of ferry for zsh, made from its table of commands.\n\n"
	      "_ferry_commands()\n{\n\tlocal -a list=(\n",
		out);
	for (size_t i = 0; commands[i]; i++) {
		fprintf(out, "\t\t$'%s:", commands[i]->name);
		print_escaped(out, commands[i]->summary, "\\':");
		fputs("'\n", out);
	}
	fputs("\t)\n\t_describe command list\n}\n\n_ferry_words()\n{\n\tcompadd -S '' -- ", out);
	print_schemes(out);
	fputs("\n\tcompset -P '*:'\n\t_files\n}\n\n"
	      "_ferry()\n{\n"
	      "\tif ((CURRENT == 2)); then\n\t\t_ferry_commands\n\t\treturn\n\tfi\n"
	      "\tlocal command=$words[2]\n"
	      "\tshift words\n\t((CURRENT--))\n"
	      "\tcase $command in\n",
		out);
	for (size_t i = 0; commands[i]; i++)
		zsh_print_command(out, commands[i]);
	fputs("\tesac\n}\n\n_ferry \"$@\"\n", out);
}

/* fish */

static void fish_print_options(FILE *out, const char *when, const struct option_entry *table)
{
	for (const struct option_entry *o = table; o->name; o++) {
		fprintf(out, "complete -c ferry -n '%s' -l %s", when, o->name);
		if (o->letter)
			fprintf(out, " -s %c", o->letter);
		if (takes_value(o))
			fputs(takes_file(o) ? " -r -F" : " -x", out);
		fputs(" -d '", out);
		print_escaped(out, o->help, "\\'");
		fputs("'\n", out);
	}
}

static void fish_print_command(FILE *out, const struct command *c)
{
	char when[128];

	fprintf(out, "\ncomplete -c ferry -f -n __fish_use_subcommand -a %s -d '", c->name);
	print_escaped(out, c->summary, "\\'");
	fputs("'\n", out);
	snprintf(when, sizeof(when), "__fish_seen_subcommand_from %s", c->name);
	for (size_t n = 0; n < COMMAND_TABLES; n++)
		fish_print_options(out, when, command_table(c, n));
	if (takes_address(c)) {
		fprintf(out, "complete -c ferry -n '%s' -a '", when);
		print_schemes(out);
		fputs("'\n", out);
	}
	if (takes_command(c)) {
		fprintf(out, "complete -c ferry -f -n '%s' -a '", when);
		print_commands(out);
		fputs("'\n", out);
	}
}

void completion_print_fish(FILE *out)
{
	fputs("# Completion of ferry for fish, made from its table of commands.\n", out);
	for (size_t i = 0; commands[i]; i++)
		fish_print_command(out, commands[i]);
}

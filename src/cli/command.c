#include "cli/command.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "cli/contact.h"
#include "cli/option.h"
#include "net/sys.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

const struct command *const commands[] = {
	&command_listen,
	&command_chat,
	&command_send,
	&command_follow,
	&command_put,
	&command_get,
	&command_files,
	&command_rm,
	&command_status,
	&command_wait,
	&command_relay,
	&command_who,
	&command_key,
	&command_request,
	&command_serve,
	&command_help,
	NULL,
};

struct common_settings {
	bool help;
	bool quiet;
	bool verbose;
	bool trace;
};

const struct option_entry command_common[] = {
	{"quiet", 'q', OPTION_FLAG, offsetof(struct common_settings, quiet), NULL, NULL, 0, 0,
		"say nothing but errors"},
	{"verbose", 'v', OPTION_FLAG, offsetof(struct common_settings, verbose), NULL, NULL, 0, 0,
		"say more of what happens"},
	{"trace", 0, OPTION_FLAG, offsetof(struct common_settings, trace), NULL, NULL, 0, 0,
		"print each socket system call as it is made"},
	{"help", 'h', OPTION_FLAG, offsetof(struct common_settings, help), NULL, NULL, 0, 0,
		"show this help"},
	OPTION_END,
};

static const struct option_entry command_trust[] = {
	{"pin", 0, OPTION_TEXT, offsetof(struct contact_settings, pin), "PIN", NULL, 0, 0,
		"tls: the hub's key must have this pin (as ?pin= of the address)"},
	{"trust-first", 0, OPTION_FLAG, offsetof(struct contact_settings, trust_first), NULL, NULL,
		0, 0, "tls: take the key of a hub met for the first time unseen, and remember it"},
	{"ca", 0, OPTION_TEXT, offsetof(struct contact_settings, ca), "FILE", NULL, 0, 0,
		"tls: trust these authorities (PEM) alone, in place of the system's"},
	{"cert", 0, OPTION_TEXT, offsetof(struct contact_settings, cert), "FILE", NULL, 0, 0,
		"tls: show this certificate (PEM) in place of the own key"},
	{"key", 0, OPTION_TEXT, offsetof(struct contact_settings, key), "FILE", NULL, 0, 0,
		"tls: the private key (PEM) of --cert, when it is in a file of its own"},
	OPTION_KEY_DIR(struct contact_settings),
	OPTION_END,
};

static const struct option_entry command_token[] = {
	{"token-file", 0, OPTION_TEXT, offsetof(struct contact_settings, token_file), "FILE", NULL,
		0, 0, "show the hub the token in this file (default: that in $FERRY_TOKEN)"},
	OPTION_END,
};

const struct option_entry *command_table(const struct command *c, size_t n)
{
	static const struct option_entry none[] = {OPTION_END};
	const struct option_entry *const tables[COMMAND_TABLES] = {
		c->options ? c->options : none,
		c->shows_token ? command_token : none,
		c->trusts ? command_trust : none,
		command_common,
	};

	return tables[n];
}

enum { OPTIONS_MAX = 64 };

/* The command's table and the common one as getopt_long(3) wants them; `val` is the index. */
struct parser {
	const struct option_entry *entries[OPTIONS_MAX];
	void *settings[OPTIONS_MAX];
	struct option longs[OPTIONS_MAX + 1];
	int count;
};

const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

int command_misused(const struct command *c, const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	log_error("%s: %s; see: ferry %s --help", c->name, line, c->name);
	return EX_USAGE;
}

int command_failed(const struct fault *why)
{
	log_error("%s", why->text[0] ? why->text : strerror(-why->error));
	return fault_exit_code(why->error);
}

static void parser_add(struct parser *p, const struct option_entry *table, void *settings)
{
	options_preset(table, settings);
	for (const struct option_entry *o = table; o->name && p->count < OPTIONS_MAX; o++) {
		p->entries[p->count] = o;
		p->settings[p->count] = settings;
		p->longs[p->count] = (struct option){
			.name = o->name,
			.has_arg = o->type == OPTION_FLAG ? no_argument : required_argument,
			.val = o->letter ? o->letter : 256 + p->count,
		};
		p->count++;
	}
}

static void parser_letters(const struct parser *p, char *letters)
{
	*letters++ = ':'; /* a missing value is told apart from an unknown option */
	for (int i = 0; i < p->count; i++) {
		if (!p->entries[i]->letter)
			continue;
		*letters++ = p->entries[i]->letter;
		if (p->entries[i]->type != OPTION_FLAG)
			*letters++ = ':';
	}
	*letters = '\0';
}

static int parser_run(struct parser *p, const struct command *c, int argc, char **argv)
{
	char letters[2 * OPTIONS_MAX + 2];
	struct fault why = FAULT_NULL;
	int given;

	parser_letters(p, letters);
	opterr = 0;
	optind = 1;
	while ((given = getopt_long(argc, argv, letters, p->longs, NULL)) != -1) {
		if (given == '?')
			return command_misused(c, "there is no option %s", argv[optind - 1]);
		if (given == ':')
			return command_misused(c, "%s wants a value", argv[optind - 1]);
		int i = 0;
		while (p->longs[i].val != given)
			i++;
		if (option_store(p->entries[i], optarg, p->settings[i], &why) < 0)
			return command_misused(c, "%s", why.text);
	}
	return 0;
}

static int command_check_words(const struct command *c, int count)
{
	if (count < c->min_words)
		return command_misused(c, "it takes %s", c->words);
	if (c->max_words >= 0 && count > c->max_words)
		return command_misused(c, "that is too much; it takes %s", c->words);
	return 0;
}

static int command_start(
	const struct command *c, const struct common_settings *common, struct command_line *line)
{
	struct fault why = FAULT_NULL;

	if (common->help) {
		command_print_help(stdout, c);
		return 0;
	}
	int r = command_check_words(c, line->count);
	if (r)
		return r;
	log_set_level(common->quiet ? LOG_QUIET : common->verbose ? LOG_VERBOSE : LOG_NORMAL);
	sys_trace(common->trace);
	if (c->meets && line->count && contact_meet(line->trust, line->words[0], &why) < 0)
		return command_failed(&why);
	return c->run(line);
}

/* The program behind `--`, which getopt_long(3) would mix with the words; *argc ends before it. */
static char **command_cut_program(const struct command *c, int *argc, char **argv)
{
	for (int i = 1; c->takes_program && i < *argc; i++) {
		if (strcmp(argv[i], "--") != 0)
			continue;
		*argc = i;
		return argv[i + 1] ? &argv[i + 1] : NULL;
	}
	return NULL;
}

/* What the command line says, and runs with. */
struct invocation {
	void *settings;
	struct common_settings common;
	struct contact_settings contact;
	struct trust *trust;
};

static int command_parse(
	struct invocation *i, const struct command *c, int argc, char **argv, struct fault *why)
{
	void *places[COMMAND_TABLES] = {i->settings, &i->contact, &i->contact, &i->common};
	struct parser parser = {0};

	for (size_t n = 0; n < COMMAND_TABLES; n++)
		parser_add(&parser, command_table(c, n), places[n]);
	int r = parser_run(&parser, c, argc, argv);
	if (r || !c->trusts)
		return r;
	i->trust = contact_trust(&i->contact, c, why);
	if (i->trust)
		return 0;
	return why->error == -EINVAL ? command_misused(c, "%s", why->text) : command_failed(why);
}

int command_run(const struct command *c, int argc, char **argv)
{
	struct invocation i = {.settings = calloc(1, c->settings_size ? c->settings_size : 1)};
	struct fault why = FAULT_NULL;
	int words = argc;

	if (!i.settings)
		return EX_OSERR;
	char **program = command_cut_program(c, &words, argv);
	int r = command_parse(&i, c, words, argv, &why);
	if (!r) {
		struct command_line line = {
			.command = c,
			.settings = i.settings,
			.words = argv + optind,
			.count = words - optind,
			.program = program,
			.trust = i.trust,
		};
		r = command_start(c, &i.common, &line);
	}
	if (r == EX_NOPERM && i.trust)
		contact_advise(i.trust, argc, argv);
	if (c->options)
		options_release(c->options, i.settings);
	trust_free(i.trust);
	free(i.settings);
	return r;
}

#pragma once

/*
 * Commands
 *
 * A command is one entry of a table: its name, its words, its options, its examples and the
 * function that runs it. Parsing, --help, the man page and the completions of the shells all come
 * from that entry; nothing about a command's outside is written twice.
 *
 * An option's value lands in the command's own settings structure, at `offset`, converted and
 * checked by its type, with its default already in place. `run` gets the settings filled.
 */

#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum option_type {
	OPTION_FLAG,   /* bool */
	OPTION_TEXT,   /* const char *, NULL without one */
	OPTION_NUMBER, /* uint64_t, from `min` to `max` */
	OPTION_SIZE,   /* uint64_t bytes: 64k, 1M, 2GiB (powers of 1024), from `min` to `max` */
	OPTION_SPAN,   /* uint64_t milliseconds: 500ms, 30s, 10m, 1h; a bare number is seconds */
	OPTION_LIST,   /* struct option_list: every use adds one text */
};

struct option_entry;

/* Options that share a list keep the order in which they stood. */
struct trust;

struct option_list {
	const char **texts;
	const struct option_entry **options; /* whose text it is */
	size_t count;
};

struct option_entry {
	const char *name; /* long, without the dashes; NULL ends a table */
	char letter;	  /* short form, or 0 */
	enum option_type type;
	size_t offset;	      /* in the settings structure */
	const char *argument; /* what --help calls the value: "NAME", "SPAN" */
	const char *preset;   /* the default, as one would type it, or NULL */
	uint64_t min;
	uint64_t max; /* 0: no bound */
	const char *help;
};

#define OPTION_END                                                                                 \
	{                                                                                          \
		.name = NULL                                                                       \
	}

/* The options that mean the same wherever they stand; S is the settings structure, which has a
 * member of the option's name. */
#define OPTION_JSON(S)                                                                             \
	{                                                                                          \
		"json", 0, OPTION_FLAG, offsetof(S, json), NULL, NULL, 0, 0,                       \
			"print one JSON object a line"                                             \
	}
#define OPTION_TOPIC(S)                                                                            \
	{                                                                                          \
		"topic", 't', OPTION_TEXT, offsetof(S, topic), "TOPIC", NULL, 0, 0,                \
			"the topic (default: lobby)"                                               \
	}
#define OPTION_NAME(S)                                                                             \
	{                                                                                          \
		"name", 'n', OPTION_TEXT, offsetof(S, name), "NAME", NULL, 0, 0,                   \
			"the name that others see"                                                 \
	}
#define OPTION_WIRE(S)                                                                             \
	{                                                                                          \
		"wire", 0, OPTION_TEXT, offsetof(S, wire), "WIRE", NULL, 0, 0,                     \
			"http for a hub (the default), plain for anything else"                    \
	}
#define OPTION_TIMEOUT(S, preset_)                                                                 \
	{                                                                                          \
		"timeout", 0, OPTION_SPAN, offsetof(S, timeout), "SPAN", preset_, 0, 0,            \
			"give up after so long (500ms, 30s, 10m)"                                  \
	}
#define OPTION_KEY_DIR(S)                                                                          \
	{                                                                                          \
		"key-dir", 0, OPTION_TEXT, offsetof(S, key_dir), "DIR", NULL, 0, 0,                \
			"where keys are kept (default: ~/.local/state/ferry)"                      \
	}

struct example {
	const char *line; /* what to type */
	const char *does; /* what it does, without a full stop */
};

struct command_line {
	const struct command *command;
	const void *settings;
	char **words; /* what stood on the line beside options */
	int count;
	char **program;	     /* what stood behind `--`, ended by NULL; NULL without one */
	struct trust *trust; /* of a command that trusts; else NULL */
};

struct command {
	const char *name;
	const char *words;   /* "ADDRESS [MESSAGE]" */
	const char *summary; /* one line, no full stop */
	const char *about;   /* a paragraph or more for --help and the man page */
	int min_words;
	int max_words;	    /* -1: any number */
	bool takes_program; /* what stands behind `--` is no word but a program to run */
	bool trusts;	    /* it speaks TLS to others: it takes the options of trust */
	bool shows_token;   /* its hub may want one: it takes the option of tokens */
	bool meets;	    /* its first word is a hub, whose key a person may be asked about */
	size_t settings_size;
	const struct option_entry *options;
	struct example examples[3];
	/* Returns the exit code. */
	int (*run)(const struct command_line *line);
};

extern const struct command command_listen;
extern const struct command command_chat;
extern const struct command command_send;
extern const struct command command_follow;
extern const struct command command_put;
extern const struct command command_get;
extern const struct command command_files;
extern const struct command command_rm;
extern const struct command command_status;
extern const struct command command_relay;
extern const struct command command_wait;
extern const struct command command_who;
extern const struct command command_key;
extern const struct command command_request;
extern const struct command command_serve;
extern const struct command command_help;

/* All of them, in the order of `ferry --help`, ended by NULL. */
extern const struct command *const commands[];

const struct command *command_find(const char *name);

/* The tables of options that C takes: its own, those of tokens, those of trust, and those of every
 * command. The Nth may be empty, but is never NULL. */
enum { COMMAND_TABLES = 4 };
const struct option_entry *command_table(const struct command *c, size_t n);

/* Those of every command: --help, --quiet, --verbose, --trace. */
extern const struct option_entry command_common[];

/* Parses argv (argv[0] is the command's name) and runs; the exit code. */
int command_run(const struct command *c, int argc, char **argv);

/* Prints one line to stderr and returns EX_USAGE: "ferry listen: …; see: ferry listen --help". */
int command_misused(const struct command *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Prints the fault's line to stderr and returns the exit code that fits it. */
int command_failed(const struct fault *why);

void command_print_help(FILE *out, const struct command *c);
void command_print_overview(FILE *out);

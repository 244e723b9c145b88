#pragma once

/*
 * Manual pages in scdoc(5)'s language, from a command's entry in the table and the prose that
 * docs/man/ has for it. PROSE is copied as it stands, behind the description; it may open sections
 * of its own.
 */

#include "cli/command.h"

/* ferry-NAME(1) */
void manual_print(FILE *out, const struct command *c, const char *prose);

/* ferry(1): all commands and the options they share */
void manual_print_overview(FILE *out, const char *prose);

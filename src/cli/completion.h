#pragma once

/*
 * Completion scripts for the shells, from the table of commands. Each completes the commands, the
 * options of the command on the line, the schemes of an address, and file names where a file is
 * wanted.
 */

#include <stdio.h>

void completion_print_bash(FILE *out);
void completion_print_zsh(FILE *out);
void completion_print_fish(FILE *out);

#pragma once

/*
 * Option tables at work: from argv into a settings structure.
 */

#include "cli/command.h"

/* Writes every default into SETTINGS (zeroed memory). */
void options_preset(const struct option_entry *table, void *settings);

/* Converts TEXT (NULL for a flag) and stores it; 0, or -EINVAL with a line in WHY, or -ENOMEM. */
int option_store(const struct option_entry *o, const char *text, void *settings, struct fault *why);

/* Frees the lists that option_store() made. */
void options_release(const struct option_entry *table, void *settings);

/* "64k", "1M", "2GiB", "100" as bytes. 0 or -EINVAL. */
int option_parse_size(const char *text, uint64_t *bytes);

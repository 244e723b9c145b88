/*
 * ferry files: lists the files of a hub.
 */

#include "base/cleanup.h"
#include "cli/columns.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "client/listing.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

struct files_settings {
	bool json;
	uint64_t timeout;
};

static const struct option_entry files_options[] = {
	OPTION_JSON(struct files_settings),
	OPTION_TIMEOUT(struct files_settings, "30s"),
	OPTION_END,
};

static int files_print_table(const struct listing *l)
{
	cleanup(columns_deinit) struct columns table = COLUMNS_OF(4);
	char size[PROGRESS_SIZE_TEXT];

	static const char *const heading[] = {"SIZE", "TIME", "SHA-256", "NAME"};
	for (size_t i = 0; i < 4; i++)
		columns_put(&table, heading[i]);
	for (size_t i = 0; i < l->count; i++) {
		const struct listing_entry *e = &l->entries[i];
		progress_format_size(size, e->size);
		columns_put(&table, size);
		columns_format(
			&table, "%.10s %.5s", e->time, strlen(e->time) > 11 ? e->time + 11 : "");
		columns_format(&table, "%.12s", e->sha256);
		columns_put(&table, e->name);
	}
	return columns_print(&table, stdout);
}

static json_t *files_text(const char *text)
{
	return *text ? json_string(text) : json_null();
}

static int files_print_json(const struct listing *l)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct listing_entry *e = &l->entries[i];
		json_t *object = json_pack("{s:s, s:I, s:o, s:o}", "name", e->name, "size",
			(json_int_t)e->size, "time", files_text(e->time), "sha256",
			files_text(e->sha256));
		if (!object)
			return -ENOMEM;
		json_dumpf(object, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(object);
	}
	return 0;
}

/* What a program reads: the name last, because it may have anything in it but a line end. */
static int files_print_lines(const struct listing *l)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct listing_entry *e = &l->entries[i];
		printf("%s\t%llu\t%s\t%s\n", *e->sha256 ? e->sha256 : "-",
			(unsigned long long)e->size, *e->time ? e->time : "-", e->name);
	}
	return 0;
}

static int files_print(const struct listing *l, bool json)
{
	if (json)
		return files_print_json(l);
	return isatty(STDOUT_FILENO) ? files_print_table(l) : files_print_lines(l);
}

static int files_run(const struct command_line *line)
{
	const struct files_settings *settings = line->settings;
	cleanup(listing_deinit) struct listing listing = LISTING_NULL;
	const char *directory = line->count > 1 ? line->words[1] : "/";
	struct fault why;
	struct fetch f;

	int r = fetch_open(&f, line->words[0], line->trust, settings->timeout, &why);
	if (r < 0)
		return command_failed(&why);
	r = listing_fetch(&listing, &f, directory, &why);
	fetch_close(&f);
	if (r == 0) {
		r = files_print(&listing, settings->json);
		if (r < 0)
			fault_errno(&why, r, "cannot print the list");
	}
	return r < 0 ? command_failed(&why) : EX_OK;
}

const struct command command_files = {
	.name = "files",
	.words = "ADDRESS [DIRECTORY]",
	.summary = "lists the files of a hub",
	.about =
		"A terminal is shown a table. Anything else gets a line for each file, its fields\n"
		"parted by tabs: SHA-256 in hexadecimal, size in bytes, time, name.",
	.min_words = 1,
	.max_words = 2,
	.trusts = true,
	.shows_token = true,
	.meets = true,
	.settings_size = sizeof(struct files_settings),
	.options = files_options,
	.examples = {{"ferry files localhost:12345", "lists all files"},
		{"ferry files localhost:12345 photos/ --json | jq -r .name",
			"prints the names of those in a directory"}},
	.run = files_run,
};

/*
 * ferry rm: removes files of a hub.
 */

#include "base/cleanup.h"
#include "base/log.h"
#include "cli/command.h"
#include "client/file_target.h"
#include "client/listing.h"

#include <errno.h>
#include <sysexits.h>

struct rm_settings {
	bool recursive;
	uint64_t timeout;
};

static const struct option_entry rm_options[] = {
	{"recursive", 'r', OPTION_FLAG, offsetof(struct rm_settings, recursive), NULL, NULL, 0, 0,
		"remove all files of NAME/, a directory"},
	OPTION_TIMEOUT(struct rm_settings, "30s"),
	OPTION_END,
};

static int rm_file(struct fetch *f, const char *name, struct fault *why)
{
	cleanup(buffer_deinit) struct buffer target = BUFFER_NULL;
	cleanup(buffer_deinit) struct buffer body = BUFFER_NULL;
	struct fault said;

	int r = file_target(&target, name);
	if (r == 0)
		r = fetch_ask(f, HTTP_DELETE, buffer_bytes(&target), &body, &said);
	else
		fault_errno(&said, r, "no memory");
	if (r < 0)
		return fault_set(why, r, "%s: %s", name, said.text);
	log_detail("%s is removed", name);
	return 0;
}

static int rm_directory(struct fetch *f, const char *name, struct fault *why)
{
	cleanup(listing_deinit) struct listing listing = LISTING_NULL;

	int r = listing_fetch(&listing, f, name, why);
	if (r == 0 && !listing.count)
		return fault_set(why, -ENOENT, "%s: there are no such files", name);
	for (size_t i = 0; i < listing.count && r == 0; i++)
		r = rm_file(f, listing.entries[i].name, why);
	return r;
}

static bool rm_is_directory(const char *name)
{
	size_t len = strlen(name);

	return !len || name[len - 1] == '/';
}

static int rm_run(const struct command_line *line)
{
	const struct rm_settings *settings = line->settings;
	struct fault why;
	struct fetch f;
	int exit = EX_OK;

	for (int i = 1; i < line->count; i++)
		if (rm_is_directory(line->words[i]) && !settings->recursive)
			return command_misused(
				line->command, "%s is a directory: --recursive", line->words[i]);
	if (fetch_open(&f, line->words[0], line->trust, settings->timeout, &why) < 0)
		return command_failed(&why);
	for (int i = 1; i < line->count; i++) {
		const char *name = line->words[i];
		int r = rm_is_directory(name) ? rm_directory(&f, name, &why)
					      : rm_file(&f, name, &why);
		if (r < 0)
			exit = command_failed(&why);
	}
	fetch_close(&f);
	return exit;
}

const struct command command_rm = {
	.name = "rm",
	.words = "ADDRESS NAME…",
	.summary = "removes files of a hub",
	.about = "A name that ends with `/` is a directory: with --recursive all files in it go.",
	.min_words = 2,
	.max_words = -1,
	.trusts = true,
	.shows_token = true,
	.meets = true,
	.settings_size = sizeof(struct rm_settings),
	.options = rm_options,
	.examples = {{"ferry rm localhost:12345 report.pdf", "removes one file"},
		{"ferry rm localhost:12345 --recursive photos/", "removes a directory"}},
	.run = rm_run,
};

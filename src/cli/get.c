/*
 * ferry get: fetches files of a hub.
 */

#include "base/cleanup.h"
#include "base/file_name.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "client/download.h"
#include "client/listing.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

struct get_settings {
	const char *output;
	uint64_t timeout;
};

static const struct option_entry get_options[] = {
	{"output", 'o', OPTION_TEXT, offsetof(struct get_settings, output), "PATH", NULL, 0, 0,
		"what NAME is called here, the directory it goes to, or - for standard output"},
	OPTION_TIMEOUT(struct get_settings, "60s"),
	OPTION_END,
};

/* A file to be fetched. */
struct get_item {
	char *name; /* at the hub */
	char *path; /* beneath the directory */
	uint64_t size;
};

/* Several files are on their way at once, so that of many small ones each need not wait for the
 * answer about the one before. */
enum { GET_LANES = 4 };

/* One of them, and the connection that it has kept from the one before. */
struct get_lane {
	struct get *get;
	struct download download;
	size_t item;
	bool busy;
};

struct get {
	const struct get_settings *settings;
	struct trust *trust;
	struct loop loop;
	struct address address;
	struct get_lane lanes[GET_LANES];
	struct progress progress;
	int root; /* the directory that all goes to */
	char *as; /* what the one NAME is called there, or NULL */
	struct get_item *items;
	size_t count;
	size_t room;
	size_t at; /* the next item */
	uint64_t total;
	uint64_t done; /* bytes of the files that are there */
	size_t files;  /* that are there */
	int exit;
};

static bool get_is_directory(const char *name)
{
	size_t len = strlen(name);

	return !len || name[len - 1] == '/';
}

/* ---- what to fetch ---- */

static void get_fail(struct get *g, const struct fault *why)
{
	progress_clear(&g->progress);
	int exit = command_failed(why);
	if (!g->exit)
		g->exit = exit;
}

static int get_add(
	struct get *g, const char *name, struct bytes directory, const char *path, uint64_t size)
{
	cleanup(buffer_deinit) struct buffer full = BUFFER_NULL;

	if (g->count == g->room) {
		size_t room = g->room ? g->room * 2 : 64;
		struct get_item *items = realloc(g->items, room * sizeof(*items));
		if (!items)
			return -ENOMEM;
		g->items = items;
		g->room = room;
	}
	if (buffer_print(&full, "%.*s%s%s", (int)directory.len, (const char *)directory.data,
		    directory.len ? "/" : "", path) < 0)
		return -ENOMEM;
	struct get_item item = {strdup(name), bytes_dup(buffer_bytes(&full)), size};
	g->items[g->count++] = item;
	g->total += size;
	return item.name && item.path ? 0 : -ENOMEM;
}

/* Names from a hub are names of files there, and below the directory that was asked for. */
static int get_add_listed(struct get *g, const char *directory, struct bytes as,
	const struct listing_entry *e, struct fault *why)
{
	size_t len = strlen(directory);

	if (strncmp(e->name, directory, len) != 0 || !file_name_valid(bytes_text(e->name + len)))
		return fault_set(why, -EPROTO, "the hub lists %s, which is no name below %s",
			e->name, *directory ? directory : "/");
	int r = get_add(g, e->name, as, e->name + len, e->size);
	return r < 0 ? fault_errno(why, r, "%s", directory) : 0;
}

static int get_add_directory(struct get *g, struct fetch *f, const char *name, struct fault *why)
{
	cleanup(listing_deinit) struct listing listing = LISTING_NULL;
	struct bytes leaf = bytes_text(name);

	if (leaf.len)
		leaf.len--;
	leaf = file_name_leaf(leaf);
	if (g->as)
		leaf = bytes_text(g->as);
	else if (leaf.len && !file_name_valid(leaf))
		return fault_set(why, -EINVAL, "%s is no name of a directory", name);
	int r = listing_fetch(&listing, f, name, why);
	if (r == 0 && !listing.count)
		return fault_set(why, -ENOENT, "%s: there are no such files", name);
	for (size_t i = 0; i < listing.count && r == 0; i++)
		r = get_add_listed(g, name, leaf, &listing.entries[i], why);
	return r;
}

static int get_add_file(struct get *g, const char *name, struct fault *why)
{
	cleanup(cleanup_free) char *leaf = bytes_dup(file_name_leaf(bytes_text(name)));
	const char *path = g->as ? g->as : leaf;

	if (!leaf)
		return fault_errno(why, -ENOMEM, "%s", name);
	if (!g->as && !file_name_valid(bytes_text(leaf)))
		return fault_set(
			why, -EINVAL, "%s: say with -o what it is to be called here", name);
	int r = get_add(g, name, BYTES_NULL, path, 0);
	return r < 0 ? fault_errno(why, r, "%s", name) : 0;
}

static int get_add_words(struct get *g, const struct command_line *line, struct fault *why)
{
	struct fetch f;

	int r = fetch_open(&f, line->words[0], g->trust, g->settings->timeout, why);
	if (r < 0)
		return r;
	for (int i = 1; i < line->count && r == 0; i++) {
		const char *word = line->words[i], *name = strcmp(word, "/") != 0 ? word : "";
		r = get_is_directory(name) ? get_add_directory(g, &f, name, why)
					   : get_add_file(g, name, why);
	}
	fetch_close(&f);
	return r;
}

/* ---- where to ---- */

static int get_open_directory(struct get *g, const char *path, struct fault *why)
{
	g->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return g->root < 0 ? fault_errno(why, -errno, "%s", path) : 0;
}

static int get_make_directory(struct get *g, const char *path, struct fault *why)
{
	if (mkdir(path, 0777) < 0 && errno != EEXIST)
		return fault_errno(why, -errno, "cannot make %s", path);
	return get_open_directory(g, path, why);
}

/* PATH is what the one NAME is called: its directory must be there. */
static int get_open_parent(struct get *g, const char *path, struct fault *why)
{
	const char *slash = strrchr(path, '/');
	cleanup(cleanup_free) char *parent =
		slash ? bytes_dup(bytes_of(path, (size_t)(slash - path) + 1)) : strdup(".");

	g->as = strdup(slash ? slash + 1 : path);
	if (!parent || !g->as)
		return fault_errno(why, -ENOMEM, "%s", path);
	return get_open_directory(g, parent, why);
}

static int get_choose_place(struct get *g, const struct command_line *line, struct fault *why)
{
	const char *path = g->settings->output;
	struct stat st;

	if (!path)
		return get_open_directory(g, ".", why);
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return get_open_directory(g, path, why);
	if (line->count > 2 || get_is_directory(path))
		return get_make_directory(g, path, why);
	return get_open_parent(g, path, why);
}

/* ---- fetching ---- */

static void get_measure(void *data, struct progress_state *state)
{
	const struct get *g = data;
	uint64_t total = g->total;

	*state = (struct progress_state){.done = g->done, .file = g->files, .files = g->count};
	for (const struct get_lane *lane = g->lanes; lane < g->lanes + GET_LANES; lane++) {
		const struct download *d = &lane->download;
		if (!lane->busy)
			continue;
		state->name = g->items[lane->item].name;
		state->done += d->got;
		if (g->count == 1 && d->size != HTTP_LENGTH_UNKNOWN)
			total = d->size;
	}
	state->total = total > state->done || g->count == 1 ? total : 0;
}

static bool get_is_stream(const struct get *g)
{
	return g->settings->output && !strcmp(g->settings->output, "-");
}

static int get_begin(struct get_lane *lane, const struct get_item *item, struct fault *why)
{
	const struct get *g = lane->get;

	if (get_is_stream(g))
		return download_start_to(&lane->download, item->name, STDOUT_FILENO, why);
	return download_start(&lane->download, item->name, g->root, item->path, why);
}

static bool get_is_busy(const struct get *g)
{
	for (int i = 0; i < GET_LANES; i++)
		if (g->lanes[i].busy)
			return true;
	return false;
}

static void get_next(struct get_lane *lane)
{
	struct get *g = lane->get;
	struct fault why;

	while (!lane->busy && g->at < g->count) {
		lane->item = g->at++;
		lane->busy = get_begin(lane, &g->items[lane->item], &why) == 0;
		if (!lane->busy)
			get_fail(g, &why);
	}
}

static void get_on_done(struct download *d, const struct fault *why)
{
	struct get_lane *lane = container_of(d, struct get_lane, download);
	struct get *g = lane->get;
	const struct get_item *item = &g->items[lane->item];
	bool over = d->transfer.lost || (why && get_is_stream(g));

	if (why) {
		get_fail(g, why);
	} else {
		g->files++;
		g->done += d->got;
		log_detail("%s is here%s", item->name,
			d->checked ? "" : ", unchecked: the server did not say its SHA-256");
	}
	lane->busy = false;
	/* The others begin once one has shown that there is a hub; a stream is one. */
	for (int i = 0; i < (get_is_stream(g) ? 1 : GET_LANES) && !over; i++) {
		g->lanes[i].download.transfer.reached = true;
		get_next(&g->lanes[i]);
	}
	if (over || !get_is_busy(g))
		loop_stop(&g->loop);
}

/* ---- life ---- */

static int get_prepare(struct get *g, const struct command_line *line, struct fault *why)
{
	int r = address_parse(&g->address, line->words[0], why);

	if (r == 0 && !get_is_stream(g))
		r = get_choose_place(g, line, why);
	return r < 0 ? r : get_add_words(g, line, why);
}

static int get_receive(struct get *g, struct fault *why)
{
	int r = loop_init(&g->loop);
	if (r < 0)
		return fault_errno(why, r, "cannot start");
	for (int i = 0; i < GET_LANES && r == 0; i++) {
		g->lanes[i].get = g;
		r = download_init(&g->lanes[i].download, &g->loop, &g->address, g->trust,
			g->settings->timeout, get_on_done);
	}
	if (r == 0) {
		progress_init(&g->progress, &g->loop, get_measure, g);
		get_next(&g->lanes[0]);
		if (get_is_busy(g))
			loop_run(&g->loop);
		progress_end(&g->progress, "fetched");
	}
	for (int i = 0; i < GET_LANES; i++)
		download_deinit(&g->lanes[i].download);
	loop_deinit(&g->loop);
	return r < 0 ? fault_errno(why, r, "cannot start") : 0;
}

static void get_free(struct get *g)
{
	for (size_t i = 0; i < g->count; i++) {
		free(g->items[i].name);
		free(g->items[i].path);
	}
	free(g->items);
	free(g->as);
	cleanup_close(&g->root);
	address_deinit(&g->address);
}

static int get_run(const struct command_line *line)
{
	struct get g = {.settings = line->settings, .trust = line->trust, .root = -1};
	struct fault why = FAULT_NULL;

	int r = get_prepare(&g, line, &why);
	if (r == 0)
		r = get_receive(&g, &why);
	get_free(&g);
	return r < 0 ? command_failed(&why) : g.exit;
}

const struct command command_get = {
	.name = "get",
	.words = "ADDRESS NAME…",
	.summary = "fetches files of a hub",
	.about = "A name that ends with `/` is a directory: all files in it come, under its last\n"
		 "name. A file has its name here only when all of it has arrived and its SHA-256 "
		 "is\n"
		 "right; until then it is hidden, as .NAME.part.\n\n"
		 "After a break of any kind it goes on where it stopped, also when get was killed\n"
		 "and is called again. It ends with 65 when a SHA-256 is wrong.",
	.min_words = 2,
	.max_words = -1,
	.trusts = true,
	.shows_token = true,
	.meets = true,
	.settings_size = sizeof(struct get_settings),
	.options = get_options,
	.examples = {{"ferry get localhost:12345 report.pdf", "fetches a file"},
		{"ferry get localhost:12345 src.tar -o - | tar x", "unpacks what comes"}},
	.run = get_run,
};

/*
 * ferry put: sends files to a hub.
 */

#include "base/cleanup.h"
#include "base/folder.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "cli/spool.h"
#include "client/request.h"
#include "client/tree.h"
#include "client/upload.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sysexits.h>

struct put_settings {
	const char *as;
	const char *topic;
	const char *name;
	uint64_t timeout;
};

static const struct option_entry put_options[] = {
	{"as", 0, OPTION_TEXT, offsetof(struct put_settings, as), "NAME", NULL, 0, 0,
		"the name at the hub; with a `/` at its end, what stands before the names"},
	{"topic", 't', OPTION_TEXT, offsetof(struct put_settings, topic), "TOPIC", NULL, 0, 0,
		"say there that the file can be fetched"},
	OPTION_NAME(struct put_settings),
	OPTION_TIMEOUT(struct put_settings, "60s"),
	OPTION_END,
};

/* A file to be sent. */
struct put_item {
	int root; /* PATH is below it; AT_FDCWD: as the user gave it */
	char *path;
	char *name; /* at the hub */
	uint64_t size;
};

/* Several files are on their way at once: where each of many small ones waits for the hub's disk,
 * the others need not wait too. */
enum { PUT_LANES = 4 };

/* One of them, and the connection that it has kept from the one before. */
struct put_lane {
	struct put *put;
	struct upload upload;
	struct upload_file file;
	size_t item;
	bool busy;
};

struct put {
	const struct put_settings *settings;
	struct trust *trust;
	struct loop loop;
	struct address address;
	struct put_lane lanes[PUT_LANES];
	struct spool spool; /* of standard input, when that is what is sent */
	struct progress progress;
	struct put_item *items;
	size_t count;
	size_t room;
	size_t at; /* the next item */
	struct buffer query;
	uint64_t total;
	uint64_t done; /* bytes of the files that are there */
	size_t files;  /* that are there */
	int exit;
};

/* ---- what to send ---- */

static void put_fail(struct put *p, const struct fault *why)
{
	progress_clear(&p->progress);
	int exit = command_failed(why);
	if (!p->exit)
		p->exit = exit;
}

static int put_add(struct put *p, int root, const char *path, const char *prefix, const char *name,
	uint64_t size)
{
	cleanup(buffer_deinit) struct buffer full = BUFFER_NULL;

	if (p->count == p->room) {
		size_t room = p->room ? p->room * 2 : 64;
		struct put_item *items = realloc(p->items, room * sizeof(*items));
		if (!items)
			return -ENOMEM;
		p->items = items;
		p->room = room;
	}
	if (buffer_print(&full, "%s%s", prefix, name) < 0)
		return -ENOMEM;
	struct put_item item = {
		.root = root,
		.path = strdup(path),
		.name = bytes_dup(buffer_bytes(&full)),
		.size = size,
	};
	p->items[p->count++] = item;
	p->total += size;
	return item.path && item.name ? 0 : -ENOMEM;
}

static void put_on_skipped(void *data, const char *path, const char *reason)
{
	log_note("%s is left out: %s", path, reason);
}

/* The last segment of PATH, its `/` at the end left aside; empty for `.`, `..` and `/`. */
static struct bytes put_leaf(const char *path)
{
	struct bytes leaf = bytes_text(path), before;

	while (leaf.len && leaf.data[leaf.len - 1] == '/')
		leaf.len--;
	while (bytes_cut(&leaf, '/', &before))
		;
	if (bytes_equal(leaf, bytes_text(".")) || bytes_equal(leaf, bytes_text("..")))
		leaf.len = 0;
	return leaf;
}

/* What the names of what is in the directory PATH begin with. */
static int put_prefix(const struct put *p, const char *path, struct buffer *prefix)
{
	const char *as = p->settings->as ? p->settings->as : "";
	struct bytes leaf = put_leaf(path), given = bytes_text(as);
	bool before = !given.len || given.data[given.len - 1] == '/';

	int r = buffer_append(prefix, given.data, given.len);
	if (r == 0 && before)
		r = buffer_append(prefix, leaf.data, leaf.len);
	struct bytes so_far = buffer_bytes(prefix);
	if (r == 0 && so_far.len && so_far.data[so_far.len - 1] != '/')
		r = buffer_append(prefix, "/", 1);
	return r < 0 ? r : buffer_append(prefix, "", 1);
}

static int put_add_tree(struct put *p, const char *path, int root, struct fault *why)
{
	cleanup(tree_deinit) struct tree tree = {.skipped = put_on_skipped};
	cleanup(buffer_deinit) struct buffer prefix = BUFFER_NULL;

	int r = tree_read(&tree, root, why);
	if (r < 0)
		return r;
	if (!tree.count)
		close(root); /* nobody will need it */
	r = put_prefix(p, path, &prefix);
	const char *before = r < 0 ? "" : (const char *)buffer_bytes(&prefix).data;
	for (size_t i = 0; i < tree.count && r == 0; i++)
		r = put_add(p, root, tree.files[i].path, before, tree.files[i].path,
			tree.files[i].size);
	return r < 0 ? fault_errno(why, r, "%s", path) : 0;
}

static int put_add_file(struct put *p, const char *path, uint64_t size)
{
	const char *as = p->settings->as;
	bool before = as && *as && as[strlen(as) - 1] == '/';
	cleanup(cleanup_free) char *leaf = bytes_dup(put_leaf(path));

	if (!leaf)
		return -ENOMEM;
	return put_add(p, AT_FDCWD, path, before ? as : "", as && !before ? as : leaf, size);
}

static int put_add_input(struct put *p, struct fault *why)
{
	const char *as = p->settings->as;

	if (!as || !*as || as[strlen(as) - 1] == '/')
		return fault_set(why, -EINVAL, "standard input needs a name: --as NAME");
	int r = put_add(p, AT_FDCWD, "-", "", as, 0);
	return r < 0 ? fault_errno(why, r, "cannot start") : 0;
}

static int put_add_word(struct put *p, const char *path, struct fault *why)
{
	cleanup(cleanup_close) int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (!strcmp(path, "-"))
		return put_add_input(p, why);
	if (fd < 0 || fstat(fd, &st) < 0)
		return fault_errno(why, -errno, "%s", path);
	if (S_ISDIR(st.st_mode))
		return put_add_tree(p, path, take_fd(&fd), why); /* its files are below it */
	if (!S_ISREG(st.st_mode))
		return fault_set(why, -EINVAL, "%s is neither a file nor a directory", path);
	int r = put_add_file(p, path, (uint64_t)st.st_size);
	return r < 0 ? fault_errno(why, r, "%s", path) : 0;
}

/* ---- sending ---- */

static void put_measure(void *data, struct progress_state *state)
{
	const struct put *p = data;

	*state = (struct progress_state){
		.done = p->done,
		.total = p->total,
		.file = p->files,
		.files = p->count,
	};
	for (const struct put_lane *lane = p->lanes; lane < p->lanes + PUT_LANES; lane++) {
		if (!lane->busy)
			continue;
		state->name = p->items[lane->item].path;
		state->done += lane->upload.sent;
		if (lane->file.grows)
			state->total = 0;
	}
}

static int put_open(const struct put_item *item, struct stat *st)
{
	if (item->root != AT_FDCWD)
		return folder_open_file(item->root, bytes_text(item->path), st);
	int fd = open(item->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
		return fd;
	close(fd);
	return -EINVAL;
}

static void put_on_grown(void *data, int error)
{
	struct put_lane *lane = data;
	const struct spool *spool = &lane->put->spool;
	struct fault why;

	if (error < 0) {
		fault_errno(&why, error, "cannot read standard input");
		transfer_give_up(&lane->upload.transfer, &why);
		return;
	}
	upload_grow(&lane->upload, spool->end, spool->complete);
}

static void put_on_progressed(struct upload *u)
{
	struct spool *spool = &container_of(u, struct put_lane, upload)->put->spool;

	spool_release(spool, upload_release(u, spool->start));
}

/* Standard input is no more than a stream; a file in its place is sent as one. */
static int put_open_input(struct put_lane *lane)
{
	struct spool *spool = &lane->put->spool;
	struct upload_file *file = &lane->file;

	if (fstat(STDIN_FILENO, &file->st) == 0 && S_ISREG(file->st.st_mode))
		return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	file->grows = true;
	int r = spool_open(spool, &lane->put->loop, put_on_grown, lane);
	return r < 0 ? r : fcntl(spool->fd, F_DUPFD_CLOEXEC, 0);
}

static bool put_is_input(const struct put_item *item)
{
	return item->root == AT_FDCWD && !strcmp(item->path, "-");
}

static int put_begin(struct put_lane *lane, const struct put_item *item, struct fault *why)
{
	const struct put *p = lane->put;

	lane->file = (struct upload_file){
		.name = item->name,
		.shown = item->path,
		.query = buffer_len(&p->query) ? (const char *)p->query.data : "",
	};
	lane->file.fd = put_is_input(item) ? put_open_input(lane) : put_open(item, &lane->file.st);
	if (lane->file.fd < 0)
		return fault_errno(why, lane->file.fd, "%s", item->path);
	return upload_start(&lane->upload, &lane->file, why);
}

static void put_close(struct put_lane *lane)
{
	if (lane->file.grows)
		spool_close(&lane->put->spool);
	cleanup_close(&lane->file.fd);
	lane->file.fd = -1;
	lane->busy = false;
}

static bool put_is_busy(const struct put *p)
{
	for (int i = 0; i < PUT_LANES; i++)
		if (p->lanes[i].busy)
			return true;
	return false;
}

static void put_next(struct put_lane *lane)
{
	struct put *p = lane->put;
	struct fault why;

	while (!lane->busy && p->at < p->count) {
		lane->item = p->at++;
		lane->busy = put_begin(lane, &p->items[lane->item], &why) == 0;
		if (lane->busy)
			break;
		put_close(lane);
		put_fail(p, &why);
	}
}

static void put_on_done(struct upload *u, const struct fault *why)
{
	struct put_lane *lane = container_of(u, struct put_lane, upload);
	struct put *p = lane->put;
	const struct put_item *item = &p->items[lane->item];

	if (why) {
		put_fail(p, why);
	} else {
		p->files++;
		p->done += u->end;
		log_detail("%s is at the hub as %s", item->path, item->name);
	}
	put_close(lane);
	/* The others begin once one has shown that there is a hub. */
	for (int i = 0; i < PUT_LANES && !u->transfer.lost; i++) {
		p->lanes[i].upload.transfer.reached = true;
		put_next(&p->lanes[i]);
	}
	if (u->transfer.lost || !put_is_busy(p))
		loop_stop(&p->loop);
}

/* ---- life ---- */

static int put_write_query(struct put *p)
{
	const struct put_settings *s = p->settings;

	int r = s->topic ? request_query(&p->query, "topic", s->topic) : 0;
	if (r == 0 && s->topic && s->name)
		r = request_query(&p->query, "name", s->name);
	if (r == 0 && s->topic)
		r = buffer_append(&p->query, "", 1);
	return r;
}

static int put_prepare(struct put *p, const struct command_line *line, struct fault *why)
{
	int r = put_write_query(p);
	if (r < 0)
		return fault_errno(why, r, "cannot start");
	for (int i = 1; i < line->count && r == 0; i++)
		r = put_add_word(p, line->words[i], why);
	return r;
}

static int put_send(struct put *p, struct fault *why)
{
	for (struct put_lane *lane = p->lanes; lane < p->lanes + PUT_LANES; lane++) {
		lane->put = p;
		int r = upload_init(&lane->upload, &p->loop, &p->address, p->trust,
			p->settings->timeout, put_on_done);
		if (r < 0)
			return fault_errno(why, r, "cannot start");
		lane->upload.progressed = put_on_progressed;
	}
	progress_init(&p->progress, &p->loop, put_measure, p);
	put_next(&p->lanes[0]);
	if (put_is_busy(p))
		loop_run(&p->loop);
	progress_end(&p->progress, "sent");
	return 0;
}

static void put_free(struct put *p)
{
	for (size_t i = 0; i < p->count; i++) {
		int root = p->items[i].root;
		if (root != AT_FDCWD && (i + 1 == p->count || p->items[i + 1].root != root))
			close(root);
		free(p->items[i].path);
		free(p->items[i].name);
	}
	free(p->items);
	buffer_deinit(&p->query);
	address_deinit(&p->address);
}

static int put_run(const struct command_line *line)
{
	struct put p = {
		.settings = line->settings,
		.trust = line->trust,
		.spool = SPOOL_NULL,
	};
	const char *as = p.settings->as;
	struct fault why = FAULT_NULL;

	for (int i = 0; i < PUT_LANES; i++)
		p.lanes[i].file.fd = -1;
	if (as && !*as)
		return command_misused(line->command, "--as takes a NAME");
	if (as && as[strlen(as) - 1] != '/' && line->count > 2)
		return command_misused(
			line->command, "--as NAME is for one; several get --as NAME/");
	int r = address_parse(&p.address, line->words[0], &why);
	if (r == 0)
		r = put_prepare(&p, line, &why);
	if (r == 0)
		r = loop_init(&p.loop) < 0 ? fault_errno(&why, -ENOMEM, "cannot start") : 0;
	if (r == 0) {
		r = put_send(&p, &why);
		for (int i = 0; i < PUT_LANES; i++) {
			upload_deinit(&p.lanes[i].upload);
			put_close(&p.lanes[i]);
		}
		loop_deinit(&p.loop);
	}
	put_free(&p);
	return r < 0 ? command_failed(&why) : p.exit;
}

const struct command command_put = {
	.name = "put",
	.words = "ADDRESS FILE|DIRECTORY|-…",
	.summary = "sends files to a hub",
	.about = "A file stands at the hub under its last name, a directory's files under the\n"
		 "directory's name, a `/`, and their path in it. It is there only when all of it\n"
		 "has arrived and its SHA-256 is right, with its permissions and time. To a unix:\n"
		 "address the open file is handed over, and copied there.\n\n"
		 "After a break of any kind it goes on where it stopped, also when put was killed\n"
		 "and is called again. Symbolic links and hidden files in a directory are left "
		 "out.\n"
		 "With - standard input is sent; it needs --as NAME.",
	.min_words = 2,
	.max_words = -1,
	.trusts = true,
	.shows_token = true,
	.meets = true,
	.settings_size = sizeof(struct put_settings),
	.options = put_options,
	.examples = {{"ferry put localhost:12345 report.pdf", "sends one file"},
		{"ferry put hub.example:12345 photos --topic lobby",
			"sends a directory, and says so in a topic"}},
	.run = put_run,
};

/*
 * ferry.h: files
 *
 * A transfer reads and writes files and waits for what hashes them, so it would hold up all else in
 * the context's loop. It has a loop of its own, for as long as it takes.
 */

#include "base/cleanup.h"
#include "client/context.h"
#include "client/download.h"
#include "client/request.h"
#include "client/upload.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { IDLE_MS = 60 * 1000, PROGRESS_MS = 100 };

#define EVER_MS (365 * 24 * 3600 * UINT64_C(1000))

/* One file on its way. Its upload or its download is zeroed. */
struct filing {
	struct ferry_file_options options;
	struct loop loop;
	struct address address;
	struct upload upload;
	struct download download;
	uv_timer_t timer; /* progress is told */
	struct fault why;
	bool over;
};

/* ---- progress ---- */

static void filing_tell(struct filing *g, uint64_t bytes, uint64_t total)
{
	const struct ferry_file_options *o = &g->options;
	struct transfer *t = g->upload.done ? &g->upload.transfer : &g->download.transfer;
	struct fault why;

	if (!o->progress || !o->progress(o->data, bytes, total) || g->over)
		return;
	fault_set(&why, -ECANCELED, "it was given up");
	transfer_give_up(t, &why);
}

static void filing_on_timer(uv_timer_t *timer)
{
	struct filing *g = container_of(timer, struct filing, timer);

	if (g->over)
		return;
	if (g->upload.done)
		filing_tell(g, g->upload.sent, g->upload.end);
	else if (!g->download.job.busy) /* then it is whole */
		filing_tell(g, g->download.got, g->download.size);
}

static void filing_end(struct filing *g, uint64_t size, const struct fault *why)
{
	g->over = true;
	if (why)
		g->why = *why;
	else
		filing_tell(g, size, size);
	loop_stop(&g->loop);
}

static void filing_on_sent(struct upload *u, const struct fault *why)
{
	filing_end(container_of(u, struct filing, upload), u->end, why);
}

static void filing_on_fetched(struct download *d, const struct fault *why)
{
	filing_end(container_of(d, struct filing, download), d->got, why);
}

/* ---- from beginning to end ---- */

void ferry_file_options_init(struct ferry_file_options *options, size_t size)
{
	const struct ferry_file_options presets = {.size = size, .idle_ms = IDLE_MS};

	memset(options, 0, size);
	memcpy(options, &presets, context_known(size, sizeof(presets)));
}

/* 0, or a negative errno and nothing is open. */
static int filing_open(struct filing *g, struct ferry *f, const char *address,
	const struct ferry_file_options *options)
{
	ferry_file_options_init(&g->options, sizeof(g->options));
	if (options)
		memcpy(&g->options, options, context_known(options->size, sizeof(g->options)));
	int r = context_make_trust(f);
	if (r < 0)
		return fault_set(&g->why, r, "%s", ferry_why(f));
	r = address_parse(&g->address, address, &g->why);
	if (r < 0)
		return r;
	r = loop_init(&g->loop);
	if (r < 0) {
		address_deinit(&g->address);
		return fault_errno(&g->why, r, "cannot start");
	}
	uv_timer_init(&g->loop.uv, &g->timer);
	return 0;
}

static uint64_t filing_idle_ms(const struct filing *g)
{
	return g->options.idle_ms < 0 ? EVER_MS : (uint64_t)g->options.idle_ms;
}

static void filing_run(struct filing *g)
{
	uv_timer_start(&g->timer, filing_on_timer, 0, PROGRESS_MS);
	loop_run(&g->loop);
}

static void filing_close(struct filing *g)
{
	upload_deinit(&g->upload);
	download_deinit(&g->download);
	loop_deinit(&g->loop);
	address_deinit(&g->address);
}

/* What both have in common; SEND or fetch is called when all is open. */
static int filing_do(struct ferry *f, const char *address, const struct ferry_file_options *options,
	int (*run)(struct filing *g, const void *what, struct trust *trust), const void *what)
{
	cleanup(cleanup_free) struct filing *g = calloc(1, sizeof(*g));

	int r = context_begin(f, -1);
	if (r < 0)
		return r;
	r = g ? filing_open(g, f, address, options) : -ENOMEM;
	if (r == 0) {
		r = run(g, what, f->trust);
		if (r == 0)
			r = g->why.error;
		filing_close(g);
	}
	context_end(f);
	if (!g)
		return fault_errno(&f->why, -ENOMEM, "cannot start");
	return r < 0 ? context_failed(f, &g->why) : 0;
}

/* ---- up ---- */

static int filing_query(const struct filing *g, struct buffer *query)
{
	const struct ferry_file_options *o = &g->options;

	int r = o->topic ? request_query(query, "topic", o->topic) : 0;
	if (r == 0 && o->topic && o->name)
		r = request_query(query, "name", o->name);
	return r < 0 ? r : buffer_append(query, "", 1);
}

static int filing_send(struct filing *g, const void *what, struct trust *trust)
{
	cleanup(buffer_deinit) struct buffer query = BUFFER_NULL;
	struct upload_file file = *(const struct upload_file *)what;

	if (fstat(file.fd, &file.st) < 0)
		return fault_errno(&g->why, -errno, "%s", file.name);
	if (!S_ISREG(file.st.st_mode))
		return fault_set(&g->why, -EINVAL, "%s: this is no regular file", file.name);
	int r = filing_query(g, &query);
	file.query = (const char *)buffer_bytes(&query).data;
	if (r == 0)
		r = upload_init(&g->upload, &g->loop, &g->address, trust, filing_idle_ms(g),
			filing_on_sent);
	if (r < 0)
		return fault_errno(&g->why, r, "cannot start");
	r = upload_start(&g->upload, &file, &g->why);
	if (r == 0)
		filing_run(g);
	return r;
}

int ferry_put(struct ferry *f, const char *address, const char *name, int fd,
	const struct ferry_file_options *options)
{
	const struct upload_file file = {.fd = fd, .name = name, .shown = name};

	return filing_do(f, address, options, filing_send, &file);
}

/* ---- down ---- */

struct fetched {
	const char *name;
	const char *path;
};

/* The directory that PATH's last name is in. */
static int filing_open_parent(const char *path, const char *leaf)
{
	cleanup(cleanup_free) char *parent =
		leaf > path ? bytes_dup(bytes_of(path, (size_t)(leaf - path))) : strdup(".");

	if (!parent)
		return -ENOMEM;
	int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int filing_fetch(struct filing *g, const void *what, struct trust *trust)
{
	const struct fetched *file = what;
	const char *slash = strrchr(file->path, '/');
	const char *leaf = slash ? slash + 1 : file->path;

	cleanup(cleanup_close) int parent = filing_open_parent(file->path, leaf);
	if (parent < 0)
		return fault_errno(&g->why, parent, "%s", file->path);
	int r = download_init(
		&g->download, &g->loop, &g->address, trust, filing_idle_ms(g), filing_on_fetched);
	if (r < 0)
		return fault_errno(&g->why, r, "cannot start");
	r = download_start(&g->download, file->name, parent, leaf, &g->why);
	if (r == 0)
		filing_run(g);
	return r;
}

int ferry_get(struct ferry *f, const char *address, const char *name, const char *path,
	const struct ferry_file_options *options)
{
	const struct fetched file = {name, path};

	return filing_do(f, address, options, filing_fetch, &file);
}

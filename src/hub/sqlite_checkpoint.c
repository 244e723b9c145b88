#include "hub/sqlite_checkpoint.h"

#include <unistd.h>

/* What fails here fails again, and later in a commit, where it is told. */
static void checkpoint_pass(sqlite3 *db)
{
	(void)sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

static void checkpoint_work(struct worker *worker, struct list *jobs)
{
	const struct sqlite_checkpoint *c = container_of(worker, struct sqlite_checkpoint, worker);

	checkpoint_pass(c->file.db);
	(void)fdatasync(c->sync_fd); /* SQLite does that only when nothing is left */
}

static void checkpoint_done(void *data)
{
	struct sqlite_checkpoint *c = data;

	atomic_store(&c->done, true);
}

static int checkpoint_note(void *data, sqlite3 *db, const char *name, int pages)
{
	struct sqlite_checkpoint *c = data;

	c->pages = pages;
	return SQLITE_OK;
}

void sqlite_checkpoint_watch(struct sqlite_checkpoint *c, sqlite3 *db)
{
	sqlite3_wal_hook(db, checkpoint_note, c);
}

void sqlite_checkpoint_committed(struct sqlite_checkpoint *c, sqlite3 *db)
{
	struct list done = LIST_INIT(done);

	if (!c->begun && c->pages >= c->next) {
		c->begun = true;
		worker_give(&c->worker, &c->job);
	} else if (c->begun && atomic_exchange(&c->done, false)) {
		worker_collect(&c->worker, &done);
		list_unlink(&c->job);
		checkpoint_pass(db);
		c->begun = false;
		/* A reader may keep the log from beginning anew: then after as much again. */
		c->next = c->pages + CHECKPOINT_PAGES;
	}
	if (!c->begun && c->pages < c->next - CHECKPOINT_PAGES)
		c->next = CHECKPOINT_PAGES;
}

int sqlite_checkpoint_open(
	struct sqlite_checkpoint *c, const char *path, int sync_fd, struct fault *why)
{
	*c = (struct sqlite_checkpoint){
		.worker = {.work = checkpoint_work, .wake = checkpoint_done, .data = c},
		.file = SQLITE_FILE_NULL,
		.sync_fd = sync_fd,
		.next = CHECKPOINT_PAGES,
	};
	list_init(&c->job);
	int r = sqlite_file_open_again(&c->file, path, why);
	if (!r) {
		r = worker_start(&c->worker);
		if (r < 0)
			fault_errno(why, r, "%s: no thread for its log", path);
	}
	if (r < 0)
		sqlite_file_close(&c->file);
	return r;
}

void sqlite_checkpoint_close(struct sqlite_checkpoint *c)
{
	worker_stop(&c->worker);
	sqlite_file_close(&c->file);
}

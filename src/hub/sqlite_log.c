#include "hub/sqlite_log.h"

#include <stdlib.h>

#include "base/cleanup.h"

/* Of the file's format: its header; a page with its own. The hub's files have SQLite's page size.
 */
enum { LOG_HEADER = 32, LOG_PAGE = 24 + 4096 };

/* SQLite writes less than 128 KiB at a time. */
enum { STEP_MIN = 64 << 10, STEP_MAX = 1 << 20, PIECE = 64 << 10 };

static sqlite3_file *log_file(sqlite3 *db)
{
	sqlite3_file *file = NULL;

	(void)sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file);
	return file && file->pMethods ? file : NULL;
}

/* What cannot be written here will fail in a commit, where it is told. */
static void log_lengthen(sqlite3_file *file, sqlite3_int64 size, sqlite3_int64 to)
{
	cleanup(cleanup_free) void *zeros = calloc(1, PIECE);
	int r = zeros ? SQLITE_OK : SQLITE_NOMEM;

	for (; !r && size < to; size += PIECE)
		r = file->pMethods->xWrite(file, zeros, PIECE, size);
}

void sqlite_log_make_room(struct sqlite_log *l, sqlite3 *db, int pages)
{
	uint64_t end = LOG_HEADER + (uint64_t)pages * LOG_PAGE;
	uint64_t step = end < STEP_MIN ? STEP_MIN : end > STEP_MAX ? STEP_MAX : end;
	sqlite3_file *file = end + step / 2 > l->size ? log_file(db) : NULL;
	sqlite3_int64 size;

	if (!file || file->pMethods->xFileSize(file, &size))
		return;
	l->size = (uint64_t)size;
	if (end + step / 2 <= l->size)
		return;
	l->size = end + step;
	log_lengthen(file, size, (sqlite3_int64)l->size);
}

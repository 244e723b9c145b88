#include "hub/sqlite_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "base/cleanup.h"

enum {
	APPLICATION_ID = 0x66657279,
	BUSY_MS = 5000, /* how long another program may hold the file up */
};

/* The schema's steps: entry N brings version N to N + 1. */
static const char *const migrations[] = {
	"CREATE TABLE topics ("
	" topic INTEGER PRIMARY KEY,"
	" name TEXT NOT NULL UNIQUE,"
	" messages INTEGER NOT NULL,"
	" last_id INTEGER NOT NULL,"
	" last_seq INTEGER NOT NULL,"
	" dropped_id INTEGER NOT NULL,"
	" dropped_seq INTEGER NOT NULL);"
	"CREATE TABLE messages ("
	" id INTEGER PRIMARY KEY,"
	" topic INTEGER NOT NULL REFERENCES topics,"
	" seq INTEGER NOT NULL,"
	" time INTEGER NOT NULL,"
	" origin INTEGER NOT NULL,"
	" sender TEXT NOT NULL,"
	" body BLOB NOT NULL);"
	"CREATE INDEX messages_of_topic ON messages (topic, id);"
	"CREATE TABLE keys ("
	" topic INTEGER NOT NULL REFERENCES topics,"
	" key BLOB NOT NULL,"
	" id INTEGER NOT NULL,"
	" PRIMARY KEY (topic, key)) WITHOUT ROWID;"
	"CREATE INDEX keys_by_id ON keys (id);"
	"CREATE TABLE hub ("
	" last_id INTEGER NOT NULL,"
	" messages INTEGER NOT NULL,"
	" bytes INTEGER NOT NULL,"
	" evicted_id INTEGER NOT NULL);"
	"INSERT INTO hub VALUES (0, 0, 0, 0);"
	"CREATE VIEW log AS SELECT id,"
	" strftime('%Y-%m-%dT%H:%M:%fZ', time / 1000.0, 'unixepoch') AS time,"
	" name AS topic, sender AS \"from\", CAST(body AS TEXT) AS text"
	" FROM messages CROSS JOIN topics USING (topic) ORDER BY id;",

	"ALTER TABLE topics ADD COLUMN run_id INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE keys ADD COLUMN body INTEGER NOT NULL DEFAULT 0;"
	"CREATE TABLE runs ("
	" topic INTEGER NOT NULL REFERENCES topics,"
	" last_id INTEGER NOT NULL,"
	" first_id INTEGER NOT NULL,"
	" PRIMARY KEY (topic, last_id)) WITHOUT ROWID;"
	"INSERT INTO runs SELECT topic, max(id), min(id) FROM messages GROUP BY topic, id / 32;"
	"DROP INDEX messages_of_topic;",
};

enum { VERSION = sizeof(migrations) / sizeof(migrations[0]) };

int sqlite_error(sqlite3 *db)
{
	int noted = sqlite3_system_errno(db);
	int system = noted ? noted : errno; /* a commit's is not noted */

	switch (sqlite3_errcode(db) & 0xff) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_TOOBIG:
		return -EMSGSIZE;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_CANTOPEN:
		return system ? -system : -ENOENT;
	case SQLITE_IOERR:
		return system == ENOSPC || system == EDQUOT || system == EFBIG ? -ENOSPC : -EIO;
	default:
		return -EIO;
	}
}

int sqlite_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **statement)
{
	if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL))
		return sqlite_error(db);
	return 0;
}

int sqlite_step(sqlite3 *db, sqlite3_stmt *statement)
{
	errno = 0;
	switch (sqlite3_step(statement)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	default:
		return sqlite_error(db);
	}
}

int sqlite_run(sqlite3 *db, sqlite3_stmt *statement)
{
	int r = sqlite_step(db, statement);

	sqlite3_reset(statement);
	return r < 0 ? r : 0;
}

static int sqlite_fault(sqlite3 *db, const char *path, struct fault *why)
{
	return fault_set(why, sqlite_error(db), "%s: %s", path, sqlite3_errmsg(db));
}

/* The one number that SQL gives; as text when TEXT is not NULL. */
static int sqlite_ask(sqlite3 *db, const char *sql, int64_t *number, char text[16])
{
	sqlite3_stmt *statement;
	int r = sqlite_prepare(db, sql, &statement);

	if (!r)
		r = sqlite_step(db, statement);
	if (r > 0) {
		*number = sqlite3_column_int64(statement, 0);
		sqlite3_snprintf(16, text, "%s", sqlite3_column_text(statement, 0));
	}
	sqlite3_finalize(statement);
	return r < 0 ? r : 0;
}

/* Locks the file against other hubs. SQLite's own locks are of another kind and not touched; but
 * closing any descriptor of the file would drop those, so this one is closed last. */
static int file_lock(struct sqlite_file *f, const char *path, struct fault *why)
{
	f->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (f->lock < 0)
		return fault_errno(why, -errno, "%s", path);
	if (flock(f->lock, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK
			       ? fault_set(why, -EBUSY, "%s: is in use by another hub", path)
			       : fault_errno(why, -errno, "%s", path);
	return 0;
}

static int file_open(struct sqlite_file *f, const char *path, struct fault *why)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;

	if (sqlite3_open_v2(path, &f->db, flags, NULL))
		return f->db ? sqlite_fault(f->db, path, why) : -ENOMEM;
	sqlite3_busy_timeout(f->db, BUSY_MS);
	/* The hub's sandbox lets no files be made elsewhere. */
	if (sqlite3_exec(f->db, "PRAGMA temp_store = MEMORY", NULL, NULL, NULL))
		return sqlite_fault(f->db, path, why);
	return 0;
}

/* What is in the file is ours, or nothing is. */
static int file_check(sqlite3 *db, const char *path, int64_t *version, struct fault *why)
{
	int64_t application = 0;
	int64_t tables = 0;
	char text[16];

	if (sqlite_ask(db, "PRAGMA application_id", &application, text) ||
		sqlite_ask(db, "PRAGMA user_version", version, text) ||
		sqlite_ask(db, "SELECT count(*) FROM sqlite_schema", &tables, text))
		return sqlite_fault(db, path, why);
	if (tables && application != APPLICATION_ID)
		return fault_set(why, -EBADMSG, "%s: is a database, but not a hub's", path);
	if (*version > VERSION)
		return fault_set(why, -ENOTSUP,
			"%s: was written by a newer ferry (version %d, this one knows %d)", path,
			(int)*version, VERSION);
	return 0;
}

static int file_set_up(sqlite3 *db, const char *path, struct fault *why)
{
	int64_t number;
	char mode[16] = "";

	if (sqlite_ask(db, "PRAGMA journal_mode = WAL", &number, mode) < 0)
		return sqlite_fault(db, path, why);
	if (strcmp(mode, "wal") != 0)
		return fault_set(why, -ENOTSUP,
			"%s: the file system cannot hold a store (no write-ahead log)", path);
	if (sqlite3_exec(db,
		    "PRAGMA synchronous = FULL;"
		    "PRAGMA wal_autocheckpoint = 0;"
		    "PRAGMA journal_size_limit = 67108864;",
		    NULL, NULL, NULL))
		return sqlite_fault(db, path, why);
	return 0;
}

static int file_migrate(sqlite3 *db, const char *path, int64_t version, struct fault *why)
{
	while (version < VERSION) {
		char stamp[80];
		const char *steps[] = {"BEGIN IMMEDIATE", migrations[version], stamp, "COMMIT"};
		sqlite3_snprintf(sizeof(stamp), stamp,
			"PRAGMA application_id = %d; PRAGMA user_version = %d", APPLICATION_ID,
			(int)++version);
		for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
			if (sqlite3_exec(db, steps[i], NULL, NULL, NULL))
				return sqlite_fault(db, path, why);
	}
	return 0;
}

int sqlite_file_open(struct sqlite_file *f, const char *path, struct fault *why)
{
	int64_t version = 0;
	int r = file_lock(f, path, why);

	if (!r)
		r = file_open(f, path, why);
	if (!r && sqlite3_db_readonly(f->db, "main"))
		r = fault_set(why, -EROFS, "%s: cannot be written", path);
	if (!r)
		r = file_check(f->db, path, &version, why);
	if (!r)
		r = file_set_up(f->db, path, why);
	if (!r)
		r = file_migrate(f->db, path, version, why);
	return r;
}

int sqlite_file_open_again(struct sqlite_file *f, const char *path, struct fault *why)
{
	int r = file_open(f, path, why);

	if (!r && sqlite3_exec(f->db, "PRAGMA synchronous = FULL", NULL, NULL, NULL))
		r = sqlite_fault(f->db, path, why);
	return r;
}

int sqlite_file_open_reader(struct sqlite_file *f, const char *path, struct fault *why)
{
	int r = file_open(f, path, why);

	if (!r && sqlite3_exec(f->db, "PRAGMA query_only = 1", NULL, NULL, NULL))
		r = sqlite_fault(f->db, path, why);
	return r;
}

void sqlite_file_close(struct sqlite_file *f)
{
	sqlite3_close(f->db);
	if (f->lock >= 0)
		close(f->lock);
	*f = SQLITE_FILE_NULL;
}

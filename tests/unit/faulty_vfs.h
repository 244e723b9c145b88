#pragma once

/*
 * A layer between SQLite and the file system whose writes, truncations and syncs fail as told. It
 * becomes the one that SQLite uses by default.
 */

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum faulty_kind { FAULTY_NONE, FAULTY_FULL, FAULTY_ERROR };

struct faulty_file {
	sqlite3_file base;
	sqlite3_file *real; /* behind this structure */
};

static atomic_int faulty_kind;
static atomic_int faulty_one_in; /* of so many calls one fails */
static sqlite3_vfs *faulty_real;

static sqlite3_file *faulty_of(sqlite3_file *file)
{
	return ((struct faulty_file *)file)->real;
}

static int faulty_result(int error)
{
	if (!faulty_kind || rand() % faulty_one_in)
		return SQLITE_OK;
	return faulty_kind == FAULTY_FULL ? SQLITE_FULL : error;
}

static int faulty_close(sqlite3_file *f)
{
	return faulty_of(f)->pMethods ? faulty_of(f)->pMethods->xClose(faulty_of(f)) : SQLITE_OK;
}

static int faulty_read(sqlite3_file *f, void *to, int len, sqlite3_int64 at)
{
	return faulty_of(f)->pMethods->xRead(faulty_of(f), to, len, at);
}

/* What fails has been written in part, as on a disk. */
static int faulty_write(sqlite3_file *f, const void *from, int len, sqlite3_int64 at)
{
	int r = faulty_result(SQLITE_IOERR_WRITE);

	if (r)
		len /= 2;
	int wrote = faulty_of(f)->pMethods->xWrite(faulty_of(f), from, len, at);
	return r ? r : wrote;
}

static int faulty_truncate(sqlite3_file *f, sqlite3_int64 len)
{
	int r = faulty_result(SQLITE_IOERR_TRUNCATE);

	return r ? r : faulty_of(f)->pMethods->xTruncate(faulty_of(f), len);
}

static int faulty_sync(sqlite3_file *f, int flags)
{
	int r = faulty_result(SQLITE_IOERR_FSYNC);

	return r ? r : faulty_of(f)->pMethods->xSync(faulty_of(f), flags);
}

static int faulty_size(sqlite3_file *f, sqlite3_int64 *len)
{
	return faulty_of(f)->pMethods->xFileSize(faulty_of(f), len);
}

static int faulty_lock(sqlite3_file *f, int level)
{
	return faulty_of(f)->pMethods->xLock(faulty_of(f), level);
}

static int faulty_unlock(sqlite3_file *f, int level)
{
	return faulty_of(f)->pMethods->xUnlock(faulty_of(f), level);
}

static int faulty_locked(sqlite3_file *f, int *locked)
{
	return faulty_of(f)->pMethods->xCheckReservedLock(faulty_of(f), locked);
}

static int faulty_control(sqlite3_file *f, int op, void *data)
{
	return faulty_of(f)->pMethods->xFileControl(faulty_of(f), op, data);
}

static int faulty_sector(sqlite3_file *f)
{
	return faulty_of(f)->pMethods->xSectorSize(faulty_of(f));
}

static int faulty_traits(sqlite3_file *f)
{
	return faulty_of(f)->pMethods->xDeviceCharacteristics(faulty_of(f));
}

static int faulty_shm_map(sqlite3_file *f, int region, int len, int extend, void volatile **to)
{
	return faulty_of(f)->pMethods->xShmMap(faulty_of(f), region, len, extend, to);
}

static int faulty_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
	return faulty_of(f)->pMethods->xShmLock(faulty_of(f), at, n, flags);
}

static void faulty_shm_barrier(sqlite3_file *f)
{
	faulty_of(f)->pMethods->xShmBarrier(faulty_of(f));
}

static int faulty_shm_unmap(sqlite3_file *f, int remove)
{
	return faulty_of(f)->pMethods->xShmUnmap(faulty_of(f), remove);
}

static int faulty_open(
	sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
	static const sqlite3_io_methods methods = {
		.iVersion = 2,
		.xClose = faulty_close,
		.xRead = faulty_read,
		.xWrite = faulty_write,
		.xTruncate = faulty_truncate,
		.xSync = faulty_sync,
		.xFileSize = faulty_size,
		.xLock = faulty_lock,
		.xUnlock = faulty_unlock,
		.xCheckReservedLock = faulty_locked,
		.xFileControl = faulty_control,
		.xSectorSize = faulty_sector,
		.xDeviceCharacteristics = faulty_traits,
		.xShmMap = faulty_shm_map,
		.xShmLock = faulty_shm_lock,
		.xShmBarrier = faulty_shm_barrier,
		.xShmUnmap = faulty_shm_unmap,
	};
	struct faulty_file *f = (struct faulty_file *)file;

	f->real = (sqlite3_file *)(f + 1);
	memset(f->real, 0, (size_t)faulty_real->szOsFile);
	f->base.pMethods = &methods;
	return faulty_real->xOpen(faulty_real, name, f->real, flags, out_flags);
}

static void faulty_install(void)
{
	static sqlite3_vfs vfs;

	faulty_real = sqlite3_vfs_find(NULL);
	vfs = *faulty_real;
	vfs.zName = "faulty";
	vfs.szOsFile = (int)sizeof(struct faulty_file) + faulty_real->szOsFile;
	vfs.xOpen = faulty_open;
	sqlite3_vfs_register(&vfs, 1);
}

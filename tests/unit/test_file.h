#pragma once

/* A path for a file in a folder of its own, which goes with all that is in it. */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct test_file {
	char folder[64];
	char path[80];
};

static inline void test_file_init(struct test_file *f)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(f->folder, sizeof(f->folder), "%.40s/ferry-test-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(f->folder))
		abort();
	snprintf(f->path, sizeof(f->path), "%s/store.db", f->folder);
}

static inline void test_file_deinit(struct test_file *f)
{
	char path[400];
	DIR *dir = opendir(f->folder);

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		snprintf(path, sizeof(path), "%s/%s", f->folder, entry->d_name);
		if (entry->d_name[0] != '.')
			unlink(path);
	}
	if (dir)
		closedir(dir);
	rmdir(f->folder);
}

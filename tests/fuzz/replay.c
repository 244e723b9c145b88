/*
 * Runs a fuzz target over inputs that were kept: every file of the directories given, each one test
 * of the Test Anything Protocol. What a fuzzer once found stays found, with any compiler. A target
 * that breaks a promise takes the process down, which fails the test; a directory without inputs
 * fails it too.
 */

#include <dirent.h>
#include <stdio.h>

#include "fuzz.h"

static uint8_t *replay_read(const char *path, size_t *len)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = NULL;
	long size;

	if (!file)
		return NULL;
	if (!fseek(file, 0, SEEK_END) && (size = ftell(file)) >= 0) {
		rewind(file);
		*len = (size_t)size;
		data = malloc(*len);
		if (data && fread(data, 1, *len, file) != *len) {
			free(data);
			data = NULL;
		}
	}
	fclose(file);
	return data;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* The number of inputs that ran, or -1. */
static int replay_directory(const char *directory, int done)
{
	struct dirent **entries;
	int count = scandir(directory, &entries, is_visible, alphasort);

	if (count < 0) {
		perror(directory);
		return -1;
	}
	for (int i = 0; i < count; i++) {
		char path[4096];
		size_t len = 0;

		snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
		uint8_t *data = replay_read(path, &len);
		if (data)
			LLVMFuzzerTestOneInput(data, len);
		printf("%sok %d - %s\n", data ? "" : "not ", done + i + 1, entries[i]->d_name);
		fflush(stdout);
		free(data);
		free(entries[i]);
	}
	free(entries);
	return count;
}

int main(int argc, char **argv)
{
	int done = 0;

	for (int i = 1; i < argc; i++) {
		int count = replay_directory(argv[i], done);
		if (count < 0)
			return EXIT_FAILURE;
		done += count;
	}
	if (!done)
		fprintf(stderr, "no input to replay\n");
	printf("1..%d\n", done);
	return done ? EXIT_SUCCESS : EXIT_FAILURE;
}

/*
 * Puts a file at a hub, or gets one from there.
 *
 *     cc share.c $(pkg-config --cflags --libs ferry) -o share
 *     ./share put localhost:12345 report.pdf
 *     ./share get localhost:12345 report.pdf
 */

#include <ferry.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int show(void *data, uint64_t bytes, uint64_t total)
{
	if (total && total != UINT64_MAX)
		printf("\r%s %3.0f %%", (const char *)data, 100.0 * (double)bytes / (double)total);
	fflush(stdout);
	return 0;
}

static int put(struct ferry *f, const char *address, const char *path,
	const struct ferry_file_options *options)
{
	const char *slash = strrchr(path, '/');
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		perror(path);
		return -1;
	}
	int r = ferry_put(f, address, slash ? slash + 1 : path, fd, options);
	close(fd);
	return r;
}

int main(int argc, char **argv)
{
	struct ferry_file_options options = ferry_file_options();

	if (argc != 4 || (strcmp(argv[1], "put") != 0 && strcmp(argv[1], "get") != 0)) {
		fprintf(stderr, "usage: share put|get ADDRESS FILE\n");
		return 64;
	}
	options.progress = show;
	options.data = argv[3];

	struct ferry *f = ferry_new();
	int r = strcmp(argv[1], "put") == 0 ? put(f, argv[2], argv[3], &options)
					    : ferry_get(f, argv[2], argv[3], argv[3], &options);

	printf("\n");
	if (r < 0)
		fprintf(stderr, "share: %s\n", ferry_why(f));
	ferry_free(f);
	return r < 0;
}

#include "server/discard.h"

#include "server/files.h"

#include <unistd.h>

static void discard_start(struct discard *d);

static void discard_run(struct job *j)
{
	struct discard *d = container_of(j, struct discard, job);
	struct bytes rest = buffer_bytes(&d->closing);
	int fd;

	for (; rest.len; rest = bytes_skip(rest, sizeof(fd))) {
		memcpy(&fd, rest.data, sizeof(fd));
		close(fd);
	}
}

static void discard_done(struct job *j)
{
	struct discard *d = container_of(j, struct discard, job);

	files_did(d->files);
	buffer_consume(&d->closing, buffer_len(&d->closing));
	if (buffer_len(&d->waiting))
		discard_start(d);
}

static void discard_start(struct discard *d)
{
	struct buffer empty = d->closing;

	d->closing = d->waiting;
	d->waiting = empty;
	d->dropper.full = false;
	files_do(d->files, &d->job, discard_run, discard_done);
}

static void discard_drop(struct stream_dropper *dropper, int fd)
{
	discard_add(container_of(dropper, struct discard, dropper), fd);
}

void discard_init(struct discard *d, struct files *f)
{
	*d = (struct discard){.dropper.drop = discard_drop, .files = f};
}

void discard_deinit(struct discard *d)
{
	buffer_deinit(&d->waiting);
	buffer_deinit(&d->closing);
}

void discard_add(struct discard *d, int fd)
{
	if (fd < 0)
		return;
	if (buffer_append(&d->waiting, &fd, sizeof(fd)) < 0) {
		close(fd);
		return;
	}
	d->dropper.full = buffer_len(&d->waiting) >= DISCARD_MAX * sizeof(fd);
	if (!d->job.busy)
		discard_start(d);
}

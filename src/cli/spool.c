#include "cli/spool.h"

#include "base/cleanup.h"
#include "net/standard.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

/* The file system takes them back in pages; a few large holes cost less than many small ones. */
enum { SPOOL_HOLE = 4 * 1024 * 1024 };

static struct spool *spool_of(struct stream *s)
{
	return container_of(s, struct spool, stream);
}

static void spool_fail(struct spool *s, int error)
{
	stream_deinit(&s->stream);
	s->grown(s->data, error);
}

static void spool_on_received(struct stream *stream, struct bytes data)
{
	struct spool *s = spool_of(stream);

	while (data.len) {
		ssize_t n = pwrite(s->fd, data.data, data.len, (off_t)s->end);
		if (n < 0) {
			spool_fail(s, -errno);
			return;
		}
		s->end += (uint64_t)n;
		data = bytes_skip(data, (size_t)n);
	}
	if (s->end - s->start >= SPOOL_BACK + SPOOL_AHEAD)
		stream_pause(stream);
	s->grown(s->data, 0);
}

static void spool_on_ended(struct stream *stream)
{
	struct spool *s = spool_of(stream);

	s->complete = true;
	stream_deinit(stream);
	s->grown(s->data, 0);
}

static void spool_on_failed(struct stream *stream, int error)
{
	spool_fail(spool_of(stream), error);
}

static void spool_on_writable(struct stream *stream)
{
}

static const struct stream_handler spool_stream = {
	.received = spool_on_received,
	.ended = spool_on_ended,
	.writable = spool_on_writable,
	.failed = spool_on_failed,
};

int spool_open(struct spool *s, struct loop *l, void (*grown)(void *data, int error), void *data)
{
	*s = SPOOL_NULL;
	s->grown = grown;
	s->data = data;
	s->fd = memfd_create("ferry", MFD_CLOEXEC);
	if (s->fd < 0)
		return -errno;
	int in = standard_open(STDIN_FILENO);
	int r = in < 0 ? in : stream_init(&s->stream, l, in, &spool_stream);
	if (r < 0)
		spool_close(s);
	return r;
}

void spool_release(struct spool *s, uint64_t done)
{
	if (done < s->start + SPOOL_BACK + SPOOL_HOLE)
		return;
	uint64_t start = done - SPOOL_BACK;
	if (fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)s->start,
		    (off_t)(start - s->start)) < 0)
		return;
	s->start = start;
	if (stream_is_open(&s->stream))
		stream_resume(&s->stream);
}

void spool_close(struct spool *s)
{
	stream_deinit(&s->stream);
	cleanup_close(&s->fd);
	*s = SPOOL_NULL;
}

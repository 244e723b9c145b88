#include "client/hasher.h"

#include "base/cleanup.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

/* A block stays in the processor's cache between reading and hashing; the thread is woken for some
 * of them at a time. */
enum { HASHER_BLOCK = 128 * 1024, HASHER_WAKE = 512 * 1024 };

struct hasher {
	struct sha256 *sha256;
	uint8_t *block;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* behind the lock */
	uint64_t end;
	uint64_t done;
	bool busy; /* the thread owns what is below */
	bool leaving;
	bool started; /* there is a thread: a small file needs none */
	/* whoever is busy */
	int fd;
	uint64_t at;
	int error;
};

static int hasher_read(struct hasher *h, uint64_t end)
{
	while (h->at < end) {
		size_t want = end - h->at < HASHER_BLOCK ? (size_t)(end - h->at) : HASHER_BLOCK;
		ssize_t n = pread(h->fd, h->block, want, (off_t)h->at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENODATA;
		sha256_update(h->sha256, h->block, (size_t)n);
		h->at += (uint64_t)n;
	}
	return 0;
}

static bool hasher_has_work(const struct hasher *h)
{
	return h->fd >= 0 && !h->error && h->end >= h->at + HASHER_WAKE;
}

static void *hasher_run(void *data)
{
	struct hasher *h = data;

	pthread_mutex_lock(&h->lock);
	while (!h->leaving) {
		if (!hasher_has_work(h)) {
			pthread_cond_wait(&h->changed, &h->lock);
			continue;
		}
		/* Not all that is there: someone may want to stop it. */
		uint64_t end = h->at + HASHER_WAKE;
		h->busy = true;
		pthread_mutex_unlock(&h->lock);
		int error = hasher_read(h, end);
		pthread_mutex_lock(&h->lock);
		h->error = error;
		h->done = h->at;
		h->busy = false;
		pthread_cond_broadcast(&h->changed);
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

static void hasher_wait(struct hasher *h)
{
	while (h->busy)
		pthread_cond_wait(&h->changed, &h->lock);
}

void hasher_start(struct hasher *h, int fd)
{
	hasher_stop(h);
	sha256_reset(h->sha256);
	pthread_mutex_lock(&h->lock);
	h->fd = fd;
	h->at = h->end = h->done = 0;
	h->error = 0;
	pthread_mutex_unlock(&h->lock);
}

void hasher_extend(struct hasher *h, uint64_t end)
{
	pthread_mutex_lock(&h->lock);
	h->end = end;
	/* Where there can be no thread, whoever waits does its work. */
	if (!h->started && hasher_has_work(h))
		h->started = pthread_create(&h->thread, NULL, hasher_run, h) == 0;
	if (!h->busy && hasher_has_work(h))
		pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
}

uint64_t hasher_reach(struct hasher *h, uint64_t end)
{
	pthread_mutex_lock(&h->lock);
	while (h->started && h->done + HASHER_WAKE <= end && !h->error)
		pthread_cond_wait(&h->changed, &h->lock);
	if (!h->started && !h->error) {
		h->error = hasher_read(h, end);
		h->done = h->at;
	}
	uint64_t done = h->done;
	pthread_mutex_unlock(&h->lock);
	return done;
}

int hasher_finish(struct hasher *h, uint64_t end, uint8_t digest[SHA256_SIZE])
{
	hasher_extend(h, end);
	pthread_mutex_lock(&h->lock);
	while (h->busy || (h->started && hasher_has_work(h)))
		pthread_cond_wait(&h->changed, &h->lock);
	int r = h->error ? h->error : hasher_read(h, end);
	h->fd = -1;
	pthread_mutex_unlock(&h->lock);
	if (r == 0)
		sha256_finish(h->sha256, digest);
	return r;
}

void hasher_stop(struct hasher *h)
{
	pthread_mutex_lock(&h->lock);
	h->end = 0;
	hasher_wait(h);
	h->fd = -1;
	pthread_mutex_unlock(&h->lock);
}

struct hasher *hasher_free(struct hasher *h)
{
	if (!h)
		return NULL;
	hasher_stop(h);
	pthread_mutex_lock(&h->lock);
	h->leaving = true;
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
	if (h->started)
		pthread_join(h->thread, NULL);
	pthread_mutex_destroy(&h->lock);
	pthread_cond_destroy(&h->changed);
	sha256_free(h->sha256);
	free(h->block);
	free(h);
	return NULL;
}

struct hasher *hasher_new(void)
{
	struct hasher *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->fd = -1;
	h->sha256 = sha256_new();
	h->block = malloc(HASHER_BLOCK);
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->changed, NULL);
	return h->sha256 && h->block ? h : hasher_free(h);
}

#include "hub/hashing.h"

#include "base/cleanup.h"
#include "hub/fingerprint.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* A read fits the processor's cache. */
enum { HASH_STRETCH = 64 * 1024 * 1024, READ_BLOCK = 256 * 1024 };

struct hashing {
	struct list node;
	struct hashings *all;
	size_t users; /* behind the lock of all */
	struct stat st;
	pthread_mutex_t lock; /* of what follows */
	struct sha256 *sha256;
	uint64_t at;
	int result; /* so far */
	uint8_t digest[SHA256_SIZE];
};

void hashings_init(struct hashings *all)
{
	pthread_mutex_init(&all->lock, NULL);
	list_init(&all->list);
}

void hashings_deinit(struct hashings *all)
{
	pthread_mutex_destroy(&all->lock);
}

static struct hashing *hashing_new(struct hashings *all, const struct stat *st)
{
	cleanup(cleanup_free) struct hashing *h = calloc(1, sizeof(*h));

	if (!h || !(h->sha256 = sha256_new()))
		return NULL;
	list_init(&h->node);
	h->all = all;
	h->st = *st;
	h->result = HASHING_MORE;
	pthread_mutex_init(&h->lock, NULL);
	return take(h);
}

static struct hashing *hashing_find(struct hashings *all, const struct stat *st)
{
	list_each (node, &all->list) {
		struct hashing *h = container_of(node, struct hashing, node);
		if (fingerprint_same_state(&h->st, st))
			return h;
	}
	return NULL;
}

struct hashing *hashing_join(struct hashings *all, const struct stat *st, bool alone)
{
	pthread_mutex_lock(&all->lock);
	struct hashing *h = alone ? NULL : hashing_find(all, st);
	if (!h && (h = hashing_new(all, st)) && !alone)
		list_push(&all->list, &h->node);
	if (h)
		h->users++;
	pthread_mutex_unlock(&all->lock);
	return h;
}

struct hashing *hashing_leave(struct hashing *h)
{
	if (!h)
		return NULL;
	pthread_mutex_lock(&h->all->lock);
	bool last = !--h->users;
	if (last)
		list_unlink(&h->node);
	pthread_mutex_unlock(&h->all->lock);
	if (!last)
		return NULL;
	pthread_mutex_destroy(&h->lock);
	sha256_free(h->sha256);
	free(h);
	return NULL;
}

/* 0 at the end of the file. */
static int hashing_read(struct hashing *h, int fd)
{
	cleanup(cleanup_free) uint8_t *block = malloc(READ_BLOCK);
	uint64_t end = h->at + HASH_STRETCH;
	ssize_t n = 1;

	if (!block)
		return -ENOMEM;
	while (n && h->at < end) {
		n = pread(fd, block, READ_BLOCK, (off_t)h->at);
		if (n < 0)
			return -errno;
		sha256_update(h->sha256, block, (size_t)n);
		h->at += (uint64_t)n;
	}
	return n ? HASHING_MORE : 0;
}

/* Nobody joins it any more. */
static int hashing_end(struct hashing *h, int fd)
{
	struct stat after;

	pthread_mutex_lock(&h->all->lock);
	list_unlink(&h->node);
	pthread_mutex_unlock(&h->all->lock);
	sha256_finish(h->sha256, h->digest);
	if (fstat(fd, &after) < 0)
		return -errno;
	bool same = fingerprint_same_state(&h->st, &after) && h->at == (uint64_t)h->st.st_size;
	return same ? 0 : HASHING_CHANGED;
}

int hashing_go_on(struct hashing *h, int fd, uint8_t sha256[SHA256_SIZE])
{
	pthread_mutex_lock(&h->lock);
	int r = h->result;
	if (r == HASHING_MORE) {
		r = hashing_read(h, fd);
		if (r == 0)
			r = h->result = hashing_end(h, fd);
	}
	if (r == 0)
		memcpy(sha256, h->digest, SHA256_SIZE);
	pthread_mutex_unlock(&h->lock);
	return r;
}

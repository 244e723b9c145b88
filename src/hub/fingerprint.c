#include "hub/fingerprint.h"

#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#define ATTRIBUTE "user.ferry.sha256"

/* The state as a text, in front of the digest. */
enum { STATE_SIZE = 96, ATTRIBUTE_SIZE = STATE_SIZE + SHA256_HEX_SIZE };

void fingerprints_init(struct fingerprints *f)
{
	memset(f, 0, sizeof(*f));
	pthread_mutex_init(&f->lock, NULL);
}

void fingerprints_deinit(struct fingerprints *f)
{
	pthread_mutex_destroy(&f->lock);
}

static size_t state_format(const struct stat *st, char text[STATE_SIZE])
{
	return (size_t)snprintf(text, STATE_SIZE, "%llu %llu %lld.%09ld ",
		(unsigned long long)st->st_ino, (unsigned long long)st->st_size,
		(long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
}

static struct fingerprint *fingerprint_slot(struct fingerprints *f, const struct stat *st)
{
	return &f->kept[st->st_ino % FINGERPRINTS_KEPT];
}

static bool fingerprint_in_memory(
	struct fingerprints *f, const struct stat *st, uint8_t sha256[SHA256_SIZE])
{
	pthread_mutex_lock(&f->lock);
	const struct fingerprint *slot = fingerprint_slot(f, st);
	bool found = slot->inode == st->st_ino && slot->device == st->st_dev &&
		     slot->size == (uint64_t)st->st_size &&
		     slot->time.tv_sec == st->st_mtim.tv_sec &&
		     slot->time.tv_nsec == st->st_mtim.tv_nsec;
	if (found)
		memcpy(sha256, slot->sha256, SHA256_SIZE);
	pthread_mutex_unlock(&f->lock);
	return found;
}

bool fingerprint_find(
	struct fingerprints *f, int fd, const struct stat *st, uint8_t sha256[SHA256_SIZE])
{
	char text[ATTRIBUTE_SIZE], state[STATE_SIZE];
	size_t len = state_format(st, state);

	ssize_t got = fgetxattr(fd, ATTRIBUTE, text, sizeof(text));
	if (got > (ssize_t)len && !memcmp(text, state, len) &&
		sha256_from_hex(bytes_of(text + len, (size_t)got - len), sha256) == 0)
		return true;
	return fingerprint_in_memory(f, st, sha256);
}

void fingerprint_keep(
	struct fingerprints *f, int fd, const struct stat *st, const uint8_t sha256[SHA256_SIZE])
{
	char text[ATTRIBUTE_SIZE];
	size_t len = state_format(st, text);

	sha256_to_hex(sha256, text + len);
	if (fsetxattr(fd, ATTRIBUTE, text, len + 2 * (size_t)SHA256_SIZE, 0) == 0)
		return;
	pthread_mutex_lock(&f->lock);
	struct fingerprint *slot = fingerprint_slot(f, st);
	*slot = (struct fingerprint){
		.device = st->st_dev,
		.inode = st->st_ino,
		.size = (uint64_t)st->st_size,
		.time = st->st_mtim,
	};
	memcpy(slot->sha256, sha256, SHA256_SIZE);
	pthread_mutex_unlock(&f->lock);
}

bool fingerprint_same_state(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

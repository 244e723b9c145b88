/*
 * The limit of a file server
 *
 * Gives out one file with sendfile(2), or takes one in: what comes is written, and hashed by a
 * second thread, from the same blocks. It knows just enough HTTP for curl to be its client, and
 * serves one connection after the other, blocking.
 */

#include "../program.h"
#include "base/sha256.h"
#include "server.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 256 << 10, BLOCKS = 8, HEAD_MAX = 8 << 10 };

/* Blocks go round: the reader fills, the hasher empties. */
struct ring {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	size_t filled, hashed; /* blocks, ever */
	size_t len[BLOCKS];
	unsigned char data[BLOCKS][BLOCK];
};

static struct ring ring = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
};

static void *hash_all(void *arg)
{
	struct sha256 *sha256 = sha256_new();
	uint8_t digest[SHA256_SIZE];
	size_t len;

	do {
		pthread_mutex_lock(&ring.lock);
		while (ring.hashed == ring.filled)
			pthread_cond_wait(&ring.changed, &ring.lock);
		size_t at = ring.hashed % BLOCKS;
		len = ring.len[at];
		pthread_mutex_unlock(&ring.lock);
		sha256_update(sha256, ring.data[at], len);
		pthread_mutex_lock(&ring.lock);
		ring.hashed++;
		pthread_cond_signal(&ring.changed);
		pthread_mutex_unlock(&ring.lock);
	} while (len);
	sha256_finish(sha256, digest);
	sha256_free(sha256);
	return NULL;
}

static size_t wait_for_block(void)
{
	pthread_mutex_lock(&ring.lock);
	while (ring.filled - ring.hashed == BLOCKS)
		pthread_cond_wait(&ring.changed, &ring.lock);
	size_t at = ring.filled % BLOCKS;
	pthread_mutex_unlock(&ring.lock);
	return at;
}

static void give_block(size_t at, size_t len)
{
	pthread_mutex_lock(&ring.lock);
	ring.len[at] = len;
	ring.filled++;
	pthread_cond_signal(&ring.changed);
	pthread_mutex_unlock(&ring.lock);
}

static void say(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die("write");
}

static void take_in(int fd, const char *path, size_t left)
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	pthread_t hasher;

	if (file < 0 || pthread_create(&hasher, NULL, hash_all, NULL))
		die("take in");
	while (left) {
		size_t at = wait_for_block();
		ssize_t n = read(fd, ring.data[at], left < BLOCK ? left : BLOCK);
		if (n <= 0 || write(file, ring.data[at], (size_t)n) != n)
			die("take in");
		give_block(at, (size_t)n);
		left -= (size_t)n;
	}
	give_block(wait_for_block(), 0);
	pthread_join(hasher, NULL);
	if (fsync(file) || close(file))
		die("take in");
	say(fd, "HTTP/1.1 204 No Content\r\n\r\n");
}

static void give_out(int fd, const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char head[128];

	if (file < 0 || fstat(file, &st))
		die(path);
	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %lld\r\n\r\n",
		(long long)st.st_size);
	say(fd, head);
	while (sendfile(fd, file, NULL, (size_t)1 << 30) > 0)
		;
	close(file);
}

/* Byte by byte, so that nothing of the body is taken. */
static void read_head(int fd, char head[HEAD_MAX])
{
	size_t len = 0;

	while (len < HEAD_MAX - 1 && read(fd, head + len, 1) == 1) {
		head[++len] = 0;
		if (len >= 4 && !memcmp(head + len - 4, "\r\n\r\n", 4))
			return;
	}
	*head = 0;
}

static void serve(int fd, const char *path)
{
	char head[HEAD_MAX];

	read_head(fd, head);
	if (!strncmp(head, "GET ", 4))
		give_out(fd, path);
	const char *length = strstr(head, "Content-Length: ");
	if (length) {
		if (strstr(head, "Expect: "))
			say(fd, "HTTP/1.1 100 Continue\r\n\r\n");
		take_in(fd, path, strtoull(length + strlen("Content-Length: "), NULL, 10));
	}
	close(fd);
}

int main(int argc, char **argv)
{
	static struct server s;

	if (argc != 3)
		die_because("usage: limit-file tcp|unix:PATH FILE");
	server_listen(&s, argv[1]);
	for (;;) {
		int fd = accept(s.listener, NULL, NULL);
		if (fd >= 0)
			serve(fd, argv[2]);
		else
			server_wait(&s);
	}
}

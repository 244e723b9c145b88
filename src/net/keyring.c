/*
 * A key is written to a file of another name, which is then linked to the right one: link(2) does
 * nothing when that exists, so whoever comes second finds the first one's key, whole, and loads it.
 */

#include "net/keyring.h"

#include "base/cleanup.h"
#include "base/state_directory.h"
#include "net/keyring_make.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define KEYRING_FILE "key.pem"

static void cleanup_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

/* ---- reading ---- */

int keyring_check_private(int fd, const char *path, struct fault *why)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fault_errno(why, -errno, "%s", path);
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return fault_set(why, -EACCES,
			"%s can be read by others (mode %04o), and who has the key can pose as "
			"you; make it private with: chmod 600 %s",
			path, (unsigned)st.st_mode & 07777, path);
	return 0;
}

static int keyring_read(struct keyring *k, FILE *file)
{
	k->key = PEM_read_PrivateKey(file, NULL, NULL, (void *)"");
	rewind(file);
	k->certificate = PEM_read_X509(file, NULL, NULL, NULL);
	ERR_clear_error();
	if (!k->key || !k->certificate || !X509_check_private_key(k->certificate, k->key))
		return -EINVAL;
	return pin_of_certificate(&k->pin, k->certificate);
}

static int keyring_load_path(struct keyring *k, struct fault *why)
{
	cleanup(cleanup_file) FILE *file = fopen(k->path, "re");

	if (!file)
		return errno == ENOENT ? -ENOENT : fault_errno(why, -errno, "%s", k->path);
	int r = keyring_check_private(fileno(file), k->path, why);
	if (r < 0)
		return r;
	r = keyring_read(k, file);
	if (r == -EINVAL)
		return fault_set(why, r,
			"%s is not a private key with its certificate; move it away and a new one "
			"is made",
			k->path);
	return r < 0 ? fault_errno(why, r, "%s", k->path) : 0;
}

/* ---- writing ---- */

static int keyring_write(int fd, EVP_PKEY *key, X509 *certificate)
{
	cleanup(cleanup_file) FILE *file = fdopen(fd, "w");

	if (!file) {
		close(fd);
		return -errno;
	}
	errno = 0;
	if (!PEM_write_PKCS8PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) ||
		!PEM_write_X509(file, certificate) || fflush(file) || fsync(fd) < 0)
		return errno ? -errno : -EIO;
	return 0;
}

static int keyring_sync_directory(const char *directory)
{
	cleanup(cleanup_close) int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* The file TEMPORARY gets the key's name unless another has it. */
static int keyring_publish(const char *temporary, const char *path, const char *directory)
{
	if (link(temporary, path) < 0)
		return errno == EEXIST ? 0 : -errno;
	return keyring_sync_directory(directory);
}

static int keyring_create_file(const char *path, const char *directory)
{
	cleanup(cleanup_free) char *temporary = NULL;
	EVP_PKEY *key = NULL;
	X509 *certificate = NULL;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
		temporary = NULL;
		return -ENOMEM;
	}
	int r = keyring_make(&key, &certificate);
	if (r < 0)
		return r;
	int fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
	r = fd < 0 ? -errno : keyring_write(fd, key, certificate);
	if (!r)
		r = keyring_publish(temporary, path, directory);
	if (fd >= 0)
		unlink(temporary);
	EVP_PKEY_free(key);
	X509_free(certificate);
	return r;
}

/* ---- the keyring ---- */

static int keyring_open_in(struct keyring *k, const char *directory, bool make, struct fault *why)
{
	if (asprintf(&k->path, "%s/%s", directory, KEYRING_FILE) < 0) {
		k->path = NULL;
		return fault_errno(why, -ENOMEM, "cannot load the key");
	}
	int r = keyring_load_path(k, why);
	if (r != -ENOENT || !make)
		return r;
	r = state_directory_make(directory, why);
	if (r < 0)
		return r;
	r = keyring_create_file(k->path, directory);
	if (r < 0)
		return fault_errno(why, r, "cannot make a key at %s", k->path);
	r = keyring_load_path(k, why);
	return r == -ENOENT ? fault_errno(why, r, "%s", k->path) : r;
}

static int keyring_find(struct keyring *k, const char *given, bool make, struct fault *why)
{
	cleanup(cleanup_free) char *directory = NULL;

	*k = KEYRING_NULL;
	int r = state_directory_find(given, &directory, why);
	if (r < 0)
		return r;
	r = keyring_open_in(k, directory, make, why);
	if (r < 0)
		keyring_deinit(k);
	return r;
}

int keyring_open(struct keyring *k, const char *directory, struct fault *why)
{
	return keyring_find(k, directory, true, why);
}

int keyring_load(struct keyring *k, const char *directory, struct fault *why)
{
	return keyring_find(k, directory, false, why);
}

void keyring_deinit(struct keyring *k)
{
	EVP_PKEY_free(k->key);
	X509_free(k->certificate);
	free(k->path);
	*k = KEYRING_NULL;
}

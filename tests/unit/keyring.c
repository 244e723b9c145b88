/* The own key: made once, by whoever comes first, and private. */

#include "test.h"

#include "base/cleanup.h"
#include "net/keyring.h"
#include "test_file.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { RACERS = 8 };

struct world {
	struct test_file file;
	char path[96]; /* of the key */
	struct keyring keyring;
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	test_file_init(&w->file);
	snprintf(w->path, sizeof(w->path), "%s/key.pem", w->file.folder);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	keyring_deinit(&w->keyring);
	test_file_deinit(&w->file);
	free(w);
	return 0;
}

static void world_open(struct world *w)
{
	struct fault why = FAULT_NULL;

	if (keyring_open(&w->keyring, w->file.folder, &why) < 0)
		fail_msg("%s", why.text);
}

static void world_write(struct world *w, const char *text, mode_t mode)
{
	FILE *file = fopen(w->path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fchmod(fileno(file), mode), 0);
	fclose(file);
}

/* Nothing is left beside the key: no half-written file. */
static size_t world_files(const struct world *w)
{
	DIR *dir = opendir(w->file.folder);
	size_t count = 0;

	for (struct dirent *entry; (entry = readdir(dir));)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

static void test_made_once_then_loaded(void **state)
{
	struct world *w = *state;
	struct fault why = FAULT_NULL;
	struct pin first;
	struct stat st;

	assert_int_equal(keyring_load(&w->keyring, w->file.folder, &why), -ENOENT);
	assert_string_equal(why.text, "");
	world_open(w);
	first = w->keyring.pin;
	assert_string_equal(w->keyring.path, w->path);
	assert_int_equal(stat(w->path, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(world_files(w), 1);
	keyring_deinit(&w->keyring);
	assert_int_equal(keyring_load(&w->keyring, w->file.folder, &why), 0);
	assert_true(pin_equal(&w->keyring.pin, &first));
}

static void test_certificate_is_for_both_ends_and_for_ever(void **state)
{
	struct world *w = *state;
	struct pin of_key;

	world_open(w);
	X509 *c = w->keyring.certificate;
	assert_int_equal(pin_of_key(&of_key, w->keyring.key), 0);
	assert_true(pin_equal(&of_key, &w->keyring.pin));
	assert_int_equal(EVP_PKEY_get_base_id(w->keyring.key), EVP_PKEY_EC);
	assert_int_equal(X509_verify(c, w->keyring.key), 1);
	assert_int_equal(X509_check_purpose(c, X509_PURPOSE_SSL_SERVER, 0), 1);
	assert_int_equal(X509_check_purpose(c, X509_PURPOSE_SSL_CLIENT, 0), 1);
	assert_int_equal(X509_check_host(c, "localhost", 0, 0, NULL), 1);
	assert_int_equal(X509_check_ip_asc(c, "127.0.0.1", 0), 1);
	assert_int_equal(X509_cmp_current_time(X509_get0_notBefore(c)), -1);
	assert_int_equal(X509_cmp_current_time(X509_get0_notAfter(c)), 1);
}

/* A process of the race: waits for the start, opens, tells the pin. */
static void race(const char *folder, int start, int out)
{
	struct keyring k;
	char text[PIN_TEXT_SIZE] = "";

	if (read(start, text, 1) == 0 && keyring_open(&k, folder, NULL) == 0)
		pin_format(&k.pin, text);
	_exit(write(out, text, sizeof(text)) != sizeof(text));
}

static void test_many_at_once_get_one_key(void **state)
{
	struct world *w = *state;
	int start[2], out[2];
	char pins[RACERS][PIN_TEXT_SIZE];

	assert_int_equal(pipe(start), 0);
	assert_int_equal(pipe(out), 0);
	for (int i = 0; i < RACERS; i++) {
		if (fork() == 0) {
			close(start[1]);
			race(w->file.folder, start[0], out[1]);
		}
	}
	close(start[1]); /* go */
	for (int i = 0; i < RACERS; i++)
		assert_int_equal(read(out[0], pins[i], PIN_TEXT_SIZE), PIN_TEXT_SIZE);
	for (int i = 0, status; i < RACERS; i++)
		assert_true(wait(&status) > 0 && status == 0);
	assert_int_equal(strlen(pins[0]), PIN_TEXT_SIZE - 1);
	for (int i = 1; i < RACERS; i++)
		assert_string_equal(pins[i], pins[0]);
	assert_int_equal(world_files(w), 1);
	close(start[0]);
	close(out[0]);
	close(out[1]);
}

static void test_a_key_that_others_can_read_is_refused(void **state)
{
	static const mode_t modes[] = {0640, 0604, 0660, 0644, 0666, 0601};
	struct world *w = *state;
	struct fault why = FAULT_NULL;
	char advice[128];

	world_open(w);
	snprintf(advice, sizeof(advice), "chmod 600 %s", w->path);
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		keyring_deinit(&w->keyring);
		assert_int_equal(chmod(w->path, modes[i]), 0);
		assert_int_equal(keyring_open(&w->keyring, w->file.folder, &why), -EACCES);
		assert_non_null(strstr(why.text, advice));
		assert_null(w->keyring.key);
	}
	assert_int_equal(chmod(w->path, 0400), 0);
	world_open(w);
}

/* It is never replaced: who has its pin could not tell the new key from another's. */
static void test_what_is_no_key_is_refused_and_kept(void **state)
{
	struct world *w = *state;
	struct fault why = FAULT_NULL;
	struct stat st;

	world_write(w, "-----BEGIN PRIVATE KEY-----\nhello\n", 0600);
	assert_int_equal(keyring_open(&w->keyring, w->file.folder, &why), -EINVAL);
	assert_non_null(strstr(why.text, w->path));
	assert_int_equal(stat(w->path, &st), 0);
	assert_int_equal(st.st_size, 34);
	world_write(w, "", 0600);
	assert_int_equal(keyring_open(&w->keyring, w->file.folder, &why), -EINVAL);
}

static void test_a_directory_that_cannot_be_made(void **state)
{
	struct keyring k;
	struct fault why = FAULT_NULL;

	assert_int_equal(keyring_open(&k, "/proc/nowhere", &why), -ENOENT);
	assert_non_null(strstr(why.text, "cannot make the directory /proc/nowhere"));
	assert_null(k.path);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(test_made_once_then_loaded),
		IN_WORLD(test_certificate_is_for_both_ends_and_for_ever),
		IN_WORLD(test_many_at_once_get_one_key),
		IN_WORLD(test_a_key_that_others_can_read_is_refused),
		IN_WORLD(test_what_is_no_key_is_refused_and_kept),
		cmocka_unit_test(test_a_directory_that_cannot_be_made),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "server/token_file.h"

#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOKEN	    "q3Jm0gBfQ2b7Ew1sKx8yZ4vN"
#define OTHER_TOKEN "n/B+Xk2TzP0aVq9cR5dLw7e="
/* printf abc | sha256sum */
#define ABC "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static const struct identity *holder(const struct access *a, const char *token)
{
	struct proof proof = access_token_proof(bytes_text(token));

	return access_find(a, &proof);
}

static void parse(struct access *a, const char *text)
{
	struct fault why = FAULT_NULL;

	access_init(a);
	int r = token_file_parse(a, bytes_text(text), "tokens", &why);
	assert_string_equal(why.text, "");
	assert_int_equal(r, 0);
}

static void test_lines(void **state)
{
	struct access a;

	parse(&a, "# who may come in\n"
		  "\n"
		  "anna " TOKEN "\tread,write:lobby   ask:math.* # the first\r\n"
		  "  bob@example.org " OTHER_TOKEN " all");
	const struct identity *anna = holder(&a, TOKEN), *bob = holder(&a, OTHER_TOKEN);
	assert_string_equal(anna->name, "anna");
	assert_string_equal(bob->name, "bob@example.org");
	assert_true(access_may(&a, anna, ACCESS_WRITE, BYTES_LITERAL("lobby")));
	assert_true(access_may(&a, anna, ACCESS_ASK, BYTES_LITERAL("math.add")));
	assert_false(access_may(&a, anna, ACCESS_STATUS, BYTES_NULL));
	assert_true(access_may(&a, bob, ACCESS_STATUS, BYTES_NULL));
	assert_false(access_may(&a, &a.anyone, ACCESS_READ, BYTES_LITERAL("lobby")));
	assert_null(holder(&a, "another"));
	access_deinit(&a);
}

static void test_hashes(void **state)
{
	struct access a;

	parse(&a, "anna " ABC " read");
	assert_string_equal(holder(&a, "abc")->name, "anna");
	assert_null(holder(&a, ABC));
	access_deinit(&a);
}

static void test_anyone(void **state)
{
	struct access a;

	parse(&a, "anyone - read:news\n");
	assert_true(access_may(&a, &a.anyone, ACCESS_READ, BYTES_LITERAL("news")));
	assert_false(access_may(&a, &a.anyone, ACCESS_READ, BYTES_LITERAL("lobby")));
	assert_false(access_may(&a, &a.anyone, ACCESS_WRITE, BYTES_LITERAL("news")));
	assert_null(holder(&a, "-"));
	access_deinit(&a);
}

static void test_a_name_may_have_two_tokens(void **state)
{
	struct access a;

	parse(&a, "anna " TOKEN " read\nanna " OTHER_TOKEN " read\n");
	assert_string_equal(holder(&a, TOKEN)->name, "anna");
	assert_string_equal(holder(&a, OTHER_TOKEN)->name, "anna");
	access_deinit(&a);
}

static void test_wrong_lines(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"", "tokens: there is no token in it"},
		{"# nothing\n", "tokens: there is no token in it"},
		{"\nanna\n", "line 2: a token"},
		{"anna " TOKEN, "line 1: what the name may do"},
		{"anna " TOKEN " # read", "line 1: what the name may do"},
		{"anna tooshort read", "line 1: a token"},
		{"anna q3Jm0gBfQ2b7Ew1sKx8yZ!vN read", "line 1: a token"},
		{"anna sha256:12 read", "line 1: a token"},
		{"anna " ABC "0 read", "line 1: a token"},
		{"anna - read", "'anyone', and no one else"},
		{"anyone " TOKEN " read", "'anyone', and no one else"},
		{TOKEN " read,write:lobby", "line 1: a token"},
		{"an:na " TOKEN " read", "line 1: a name"},
		{"\xc3\xa4 " TOKEN " read", "line 1: a name"},
		{"anna " TOKEN " reed", "line 1: a right is"},
		{"anna " TOKEN " " OTHER_TOKEN " read", "line 1: a right is"},
		{"anna " TOKEN " read:", "line 1: a name, or a pattern"},
		{"anna " TOKEN " read\nbob " TOKEN " read", "line 2: another line has the same"},
		{"anna abc" TOKEN " read\nbob " ABC " read\neve " ABC " read", "line 3: another"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fault why = FAULT_NULL;
		struct access a;
		access_init(&a);
		assert_int_equal(
			token_file_parse(&a, bytes_text(cases[i].text), "tokens", &why), -EINVAL);
		if (!strstr(why.text, cases[i].says))
			fail_msg("'%s' is said of: %s", why.text, cases[i].text);
		assert_null(strstr(why.text, "q3Jm"));
		assert_null(strstr(why.text, "n/B+"));
		assert_true(a.closed);
		access_deinit(&a);
	}
}

/* ---- files ---- */

static char *write_file(const char *text, mode_t mode)
{
	char *path = strdup("/tmp/ferry-tokens-XXXXXX");
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	return path;
}

static int read_file(const char *text, mode_t mode, struct fault *why)
{
	char *path = write_file(text, mode);
	struct access a;

	access_init(&a);
	*why = FAULT_NULL;
	int r = token_file_read(&a, path, why);
	access_deinit(&a);
	unlink(path);
	free(path);
	return r;
}

static void test_only_a_secret_is_read(void **state)
{
	static const mode_t others[] = {0644, 0640, 0604, 0620, 0601};
	struct fault why;

	assert_int_equal(read_file("anna " TOKEN " read\n", 0600, &why), 0);
	assert_int_equal(read_file("anna " TOKEN " read\n", 0400, &why), 0);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		assert_int_equal(read_file("anna " TOKEN " read\n", others[i], &why), -EACCES);
		assert_non_null(strstr(why.text, "chmod 600 /tmp/ferry-tokens-"));
	}
}

static void test_no_file(void **state)
{
	struct fault why = FAULT_NULL;
	struct access a;

	access_init(&a);
	assert_int_equal(token_file_read(&a, "/nowhere/at/all", &why), -ENOENT);
	assert_int_equal(token_file_read(&a, "/", &why), -EISDIR);
	access_deinit(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_hashes),
		cmocka_unit_test(test_anyone),
		cmocka_unit_test(test_a_name_may_have_two_tokens),
		cmocka_unit_test(test_wrong_lines),
		cmocka_unit_test(test_only_a_secret_is_read),
		cmocka_unit_test(test_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
